"""`texml-mcp panic`: stop every write, and end the calls that were started from here."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import anyio
import typer

from texml_mcp.catalog import endpoint
from texml_mcp.cli.output import this_user, wrong_use
from texml_mcp.client import Upstream, UpstreamError
from texml_mcp.gate import panic
from texml_mcp.gate.journal import Journal
from texml_mcp.gate.state import State
from texml_mcp.gate.store import StoreError

OK, FAILED = 0, 1


def engage(directory: Path, named: Path | None = None) -> int:
    """Stop every server on this state directory. First of all, as it works whatever else is broken.

    `named` is the directory as the command line names it, for the command that takes it back.
    """
    try:
        panic.engage(directory, this_user())
    except OSError as error:
        return wrong_use(f"{directory} cannot be written: {error.strerror}")
    where = f" --state-dir {shlex.quote(str(named))}" if named else ""
    typer.echo(
        f"Every write is stopped, of every server on {directory}. "
        f"texml-mcp panic --clear{where} lets them run again."
    )
    return OK


def engage_everywhere(state: State) -> int:
    """Stop every server on the shared store, on whatever machine."""
    try:
        panic.engage_everywhere(state, this_user())
    except StoreError as error:
        typer.echo(f"texml-mcp: servers on other machines are not stopped: {error}", err=True)
        return FAILED
    typer.echo("Every server on the shared store is stopped too.")
    return OK


def clear(state: State) -> int:
    """Let writes run again, in the state directory and on the shared store."""
    assert state.directory is not None
    try:
        was = panic.clear(state.directory)
        was = (state.shared and panic.clear_everywhere(state)) or was
    except OSError as error:
        return wrong_use(f"{state.directory} cannot be written: {error.strerror}")
    except StoreError as error:
        return wrong_use(f"servers on the shared store are still stopped: {error}")
    typer.echo("Writes run again." if was else "Writes were not stopped.")
    return OK


def hang_up(state: State, upstream_of: Callable[[str], Upstream]) -> int:
    """End every call in the journal that is not known to be over; 1 when one could not be ended."""
    try:
        return anyio.run(_hang_up, state.journal, upstream_of)
    except StoreError as error:
        return wrong_use(str(error))


async def _hang_up(journal: Journal, upstream_of: Callable[[str], Upstream]) -> int:
    failed = 0
    started = journal.started_calls()
    for call in started:
        if not call.sid:
            failed += 1
            typer.echo(f"{call.entry.id}: the API named no SID; end it by hand (list_calls finds it).")
            continue
        wire = {"account_sid": call.entry.account, "call_sid": call.sid, "Status": "completed"}
        try:
            await upstream_of(call.entry.account).send(endpoint("update_call"), wire)
        except UpstreamError as error:
            # Only this proves that it is over: a 404 may mean another account or key, and a live call.
            if error.code == "call_ended":
                journal.call_over(call.sid)
                typer.echo(f"{call.sid}: was over.")
                continue
            failed += 1
            typer.echo(f"{call.sid}: {error.summary}")
            continue
        journal.call_over(call.sid)
        typer.echo(f"{call.sid}: hung up.")
    open_writes = [entry for entry in journal.unsettled() if endpoint(entry.tool).starts_call]
    for entry in open_writes:
        failed += 1
        typer.echo(f"{entry.id}: may have been placed; texml-mcp journal reconcile tells.")
    typer.echo(f"{len(started) + len(open_writes) - failed} ended, {failed} not.")
    return FAILED if failed else OK
