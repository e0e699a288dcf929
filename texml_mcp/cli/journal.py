"""`texml-mcp journal`: writes with an open outcome and a known one, and settling the open ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import typer

from texml_mcp.cli.output import nothing_in, print_json, wrong_use
from texml_mcp.gate.journal import Entry, Journal, Reader
from texml_mcp.gate.journal import reconcile as settle
from texml_mcp.gate.state import State
from texml_mcp.gate.store import StoreError
from texml_mcp.gate.store.digests import Digester

OK, OPEN = 0, 1


def show(state: State, *, lines: int = 20, as_json: bool = False) -> int:
    """Print the unsettled writes, then the newest settled ones."""
    untouched = state.untouched
    try:  # to look would make a store
        entries = [] if untouched else [*state.journal.unsettled(), *state.journal.settled(lines)]
    except StoreError as error:
        return wrong_use(str(error))
    if as_json:
        print_json([entry.as_json() for entry in entries])
        return OK
    for entry in entries:
        typer.echo(_sentence(entry))
    if not entries:
        none = "No write is in the journal."
        typer.echo(f"{none} {nothing_in(state.directory)}" if untouched else none)
    return OK


def reconcile(
    journal: Journal,
    reader: Reader,
    digester: Digester,
    *,
    older_than: float = 30.0,
    ahead: Callable[[], float] = lambda: 0.0,
    said: Callable[[str], None] = typer.echo,
    as_json: bool = False,
) -> int:
    """Settle what can be told. 0 when nothing stays open, 1 when something does."""
    import anyio

    async def go() -> int:
        verdicts = await settle(journal, reader, digester, older_than=older_than, ahead=ahead)
        left = sum(verdict.found == "cannot_tell" for verdict in verdicts)
        if as_json:
            print_json(
                [
                    {"entry": each.entry.as_json(), "found": each.found, "why": each.why, "sid": each.sid}
                    for each in verdicts
                ]
            )
            return OPEN if left else OK
        for verdict in verdicts:
            word = verdict.found.replace("_", " ")
            said(f"{_sentence(verdict.entry)}\n  {word}: {verdict.why} {verdict.sid}".rstrip())
        said(f"{len(verdicts) - left} settled, {left} still open.")
        return OPEN if left else OK

    try:
        return anyio.run(go)
    except StoreError as error:
        return wrong_use(str(error))


def _sentence(entry: Entry) -> str:
    at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = " ".join(f"{name}={value}" for name, value in entry.shown.items() if name != "account_sid")
    return f"{entry.id} {at} {entry.outcome} {entry.tool} {said}".rstrip()
