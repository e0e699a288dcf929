"""What a tokens file says: its entries, read strictly and written back. No token is in it, only hashes."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, cast, get_args

from texml_mcp.identity.names import TOKEN_PREFIX, key_of, problem_of
from texml_mcp.identity.principals import Principal, Role
from texml_mcp.text import clean, shown

HEADER = """\
# Who may connect to texml-mcp. Written by `texml-mcp tokens`, which keeps no other comments.
# Only hashes are here: a lost token cannot be read back, only replaced (texml-mcp tokens rotate).
version = 1
"""
MOST_ACCOUNTS = 100
MOST_PATH = 1000

_ID = re.compile(TOKEN_PREFIX + r"[a-z2-7]{8}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_POLICY_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_WANTED = ("id", "name", "role", "hash", "created")
_KNOWN = (*_WANTED, "accounts", "policy", "expires")


class TokensError(Exception):
    """A tokens file that must not be used, or a change that was not made. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One token: whom it proves, and until when. `hash` is of the whole token; times are UTC."""

    id: str
    principal: Principal
    hash: str
    created: datetime
    expires: datetime | None = None

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now


def parse(text: str) -> tuple[Entry, ...]:
    """The entries of a tokens file. Raises `TokensError` for whatever is not understood completely."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TokensError(f"is not TOML: {clean(str(error))}") from None
    except (RecursionError, ValueError, OverflowError):
        # Thousands of nested brackets or digits: the reader gives up with an error of its own.
        raise TokensError("is nested too deeply, or holds a number that is too long") from None
    if type(data.get("version")) is not int or data["version"] != 1:
        raise TokensError("needs version = 1")
    _only(data, ("version", "tokens"), "the file")
    found = data.get("tokens", [])
    if not isinstance(found, list):
        raise TokensError("holds tokens as [[tokens]] only")
    entries: list[Entry] = []
    for number, each in enumerate(cast("list[Any]", found), start=1):
        try:
            entries.append(_entry(each))
        except TokensError as error:
            raise TokensError(f"token {number}: {error}") from None
    _agree(entries)
    return tuple(entries)


def render(entries: Iterable[Entry]) -> str:
    """The text of a tokens file that `parse` reads back as these entries."""
    parts = [HEADER]
    for entry in entries:
        principal = entry.principal
        # Nothing in an entry is unprintable, so JSON's strings are TOML's.
        lines = [
            "[[tokens]]",
            f"id = {_quoted(entry.id)}",
            f"name = {_quoted(principal.name)}",
            f"role = {_quoted(principal.role)}",
        ]
        if principal.accounts:
            lines.append(f"accounts = [{', '.join(map(_quoted, principal.accounts))}]")
        if principal.policy is not None:
            lines.append(f"policy = {_quoted(principal.policy)}")
        lines += [f"hash = {_quoted(entry.hash)}", f"created = {_instant(entry.created)}"]
        if entry.expires is not None:
            lines.append(f"expires = {_instant(entry.expires)}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def role_of(value: Any) -> Role:
    """A role by its name. Raises `TokensError` naming the roles."""
    for role in get_args(Role):
        if value == role:
            return role
    raise TokensError(f"Unknown role {shown(value)}. Valid: {', '.join(get_args(Role))}.")


def accounts_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Account SIDs, each once and in order. Raises `TokensError`."""
    accounts = tuple(dict.fromkeys(values))
    if len(accounts) > MOST_ACCOUNTS:
        raise TokensError(f"more than {MOST_ACCOUNTS} accounts; name none for every account of the server")
    for account in accounts:
        if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
            raise TokensError(f"account {shown(account)} is not an account SID")
    return accounts


def _entry(value: Any) -> Entry:
    if not isinstance(value, dict):
        raise TokensError("is not a table")
    table = cast("dict[str, Any]", value)
    _only(table, _KNOWN, "a token")
    for key in _WANTED:
        if key not in table:
            raise TokensError(f"{key} is missing")
    # No message repeats an id or a hash: somebody may have put the token itself there.
    if not isinstance(table["id"], str) or not _ID.fullmatch(table["id"]):
        raise TokensError(f"id is not {TOKEN_PREFIX} and 8 of a-z and 2-7")
    if not isinstance(table["hash"], str) or not _HASH.fullmatch(table["hash"]):
        raise TokensError("hash is not sha256: and 64 hexadecimal digits")
    return Entry(
        table["id"],
        _principal(table),
        table["hash"],
        _time(table["created"], "created"),
        _time(table["expires"], "expires") if "expires" in table else None,
    )


def _principal(table: Mapping[str, Any]) -> Principal:
    name = table["name"]
    if not isinstance(name, str):
        raise TokensError("name is not text")
    if problem := problem_of(name):
        raise TokensError(f"name {problem}")
    accounts: tuple[str, ...] = ()
    if "accounts" in table:
        # An empty list reads as "none" and would mean "every": neither is guessed.
        if not isinstance(table["accounts"], list) or not table["accounts"]:
            raise TokensError("accounts is not a list of at least one SID; leave it out for every account")
        try:
            accounts = accounts_of(cast("list[Any]", table["accounts"]))
        except TypeError:  # a table or list among them cannot be told from another
            raise TokensError("accounts holds something that is not text") from None
    return Principal(name, role_of(table["role"]), accounts, _policy(table.get("policy")))


def _policy(value: Any) -> str | None:
    if value is None:
        return None
    # A relative path would be another file in each directory that a server is started in.
    if isinstance(value, str) and (_POLICY_NAME.fullmatch(value) or _absolute(value)):
        return value
    raise TokensError(f"policy {shown(value)} is not the name of a shipped policy or an absolute path")


def _absolute(path: str) -> bool:
    return path.isprintable() and len(path) <= MOST_PATH and PurePath(path).is_absolute()


def _time(value: Any, key: str) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TokensError(f"{key} is not a time with a zone, such as 2030-01-31T12:00:00Z")
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise TokensError(f"{key} is out of range") from None


def _agree(entries: Iterable[Entry]) -> None:
    """One name means one set of rights, one id and one hash mean one token."""
    ids: set[str] = set()
    hashes: set[str] = set()
    people: dict[str, Principal] = {}
    for entry in entries:
        principal = entry.principal
        if entry.id in ids or entry.hash in hashes:
            raise TokensError(f"token {entry.id} or its hash is there twice")
        ids.add(entry.id)
        hashes.add(entry.hash)
        other = people.setdefault(key_of(principal.name), principal)
        if other.name != principal.name:
            raise TokensError(f"names {shown(other.name)} and {shown(principal.name)} can be taken for one")
        if other != principal:
            raise TokensError(f"the tokens of {shown(principal.name)} differ in role, accounts or policy")


def _only(table: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in table:
        if key not in known:
            raise TokensError(f"unknown key {shown(key)} in {what}. Valid: {', '.join(known)}.")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _instant(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
