"""Changes to a tokens file: add, rotate, revoke. One at a time, whole, never on a file not understood."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from texml_mcp.identity import files
from texml_mcp.identity.entries import Entry, TokensError, parse, render
from texml_mcp.identity.names import key_of, problem_of
from texml_mcp.identity.principals import Principal
from texml_mcp.identity.tokens import hash_of, mint
from texml_mcp.text import shown


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, this once, and the entry that is kept of it."""

    token: str
    entry: Entry


def listed(path: Path) -> tuple[Entry, ...]:
    """The entries, in the order they were added. Raises `TokensError`."""
    return _parsed(path, files.read(path)[0])


def add(path: Path, principal: Principal, *, lifetime: timedelta | None = None) -> Issued:
    """A token for a principal that has none yet; the file is made when it is missing. Raises `TokensError`.

    A name that is there is refused: its rights are not changed by adding to them, and a second person
    under the same name could approve what the first asked for, or be kept from it.
    """
    if problem := problem_of(principal.name):
        raise TokensError(f"The name {problem}.")
    with _changing(path, make=True) as entries:
        for entry in entries:
            if key_of(entry.principal.name) == key_of(principal.name):
                raise TokensError(
                    f"{shown(entry.principal.name, 100)} is there already. A new token for the same "
                    f"principal: texml-mcp tokens rotate. Other rights: revoke it first."
                )
        issued = _issue(principal, lifetime, entries)
        entries.append(issued.entry)
    return issued


def rotate(path: Path, name: str, *, lifetime: timedelta | None, overlap: timedelta) -> Issued:
    """One more token with the same rights; the older ones end after `overlap`. Raises `TokensError`.

    Without `lifetime` the new one lives as long as the newest of the old ones was meant to.
    """
    with _changing(path) as entries:
        own = [entry for entry in entries if key_of(entry.principal.name) == key_of(name)]
        if not own:
            raise TokensError(f"Nobody is named {shown(name, 100)} in {path}.")
        newest = own[-1]
        if lifetime is None and newest.expires is not None:
            lifetime = newest.expires - newest.created
        issued = _issue(newest.principal, lifetime, entries)
        now = issued.entry.created
        others = [entry for entry in entries if entry not in own]
        # What has ended is of no more use, and would pile up with each rotation.
        ending = [entry for entry in (_ended(each, now + overlap) for each in own) if not entry.expired(now)]
        entries[:] = [*others, *ending]
        entries.append(issued.entry)
    return issued


def revoke(path: Path, word: str) -> tuple[Entry, ...]:
    """End one token (by its id or itself) or all of a name; those that ended. Raises `TokensError`."""
    with _changing(path) as entries:
        ended = tuple(
            entry
            for entry in entries
            # A leaked token is revoked by pasting it; its secret part is not looked at.
            if word == entry.id
            or word.startswith(f"{entry.id}_")
            or key_of(word) == key_of(entry.principal.name)
        )
        if not ended:
            raise TokensError(f"No token or name of that kind in {path}. See: texml-mcp tokens list")
        entries[:] = [entry for entry in entries if entry not in ended]
    return ended


@contextmanager
def _changing(path: Path, *, make: bool = False) -> Generator[list[Entry]]:
    """The entries to change, read under the lock, written when the block ends well."""
    # A link stays a link: the file it points at is the one that is replaced.
    try:
        path = path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise TokensError(f"{path} is not a path to a file") from None
    if not make:
        files.look(path)  # before the lock, which makes the directory
    with files.locked(path):
        try:
            entries = list(listed(path))
        except files.MissingError:
            if not make:
                raise
            entries = []
        yield entries
        text = render(entries)
        if len(text.encode("utf-8")) > files.MOST_BYTES:
            raise TokensError(f"{path} would be too large to be read again. Revoke what is not used.")
        _parsed(path, text)  # never leave a file that the server refuses
        files.replace(path, text)


def _issue(principal: Principal, lifetime: timedelta | None, entries: list[Entry]) -> Issued:
    taken = {entry.id for entry in entries}
    id, token = mint()
    while id in taken:
        id, token = mint()
    now = datetime.now(UTC).replace(microsecond=0)
    return Issued(token, Entry(id, principal, hash_of(token), now, now + lifetime if lifetime else None))


def _ended(entry: Entry, end: datetime) -> Entry:
    return replace(entry, expires=end if entry.expires is None else min(end, entry.expires))


def _parsed(path: Path, text: str) -> tuple[Entry, ...]:
    try:
        return parse(text)
    except TokensError as error:
        raise TokensError(f"{path}: {error}") from None
