"""`texml-mcp approvals`: what waits for somebody's yes, and giving or refusing it."""

from __future__ import annotations

import time
from dataclasses import asdict

import typer

from texml_mcp.cli.output import nothing_in, print_json, this_user, wrong_use
from texml_mcp.gate.external import NotAllowedError, Queue, Waiting
from texml_mcp.gate.state import State
from texml_mcp.gate.store import StoreError

OK, FAILED = 0, 1


def listed(state: State, *, as_json: bool) -> int:
    """Print what waits, the oldest first."""
    untouched = state.untouched
    try:
        waiting = [] if untouched else Queue(state).listed()  # to look would make a store
    except StoreError as error:
        return wrong_use(str(error))
    if as_json:
        print_json([asdict(each) for each in waiting])
        return OK
    for each in waiting:
        typer.echo(f"{each.id}  {each.principal}  {_left(each)}  {each.words}")
    if not waiting:
        typer.echo(f"Nothing waits. {nothing_in(state.directory)}" if untouched else "Nothing waits.")
    return OK


def show(state: State, id: str, *, as_json: bool) -> int:
    """Print one request whole."""
    try:
        waiting = Queue(state).get(id)
    except StoreError as error:
        return wrong_use(str(error))
    if waiting is None:
        typer.echo(f"texml-mcp: no request {id} waits.", err=True)
        return FAILED
    if as_json:
        print_json(asdict(waiting))
        return OK
    typer.echo(f"{waiting.id}: {waiting.words}")
    typer.echo(f"asked by {waiting.principal}, {waiting.standing}, {_left(waiting)}")
    for risk in waiting.risks:
        typer.echo(f"  {risk}")
    return OK


def settle(
    state: State, id: str, *, approve: bool, by: str | None, reason: str, as_json: bool = False
) -> int:
    """Approve or deny one request, as `by` (the user of the operating system by default)."""
    try:
        waiting = Queue(state).settle(id, by or this_user(), approve=approve, reason=reason)
    except StoreError as error:
        return wrong_use(str(error))
    except NotAllowedError as error:
        typer.echo(f"texml-mcp: {error}", err=True)
        return FAILED
    if as_json:
        print_json(asdict(waiting))
        return OK
    typer.echo(f"{waiting.id} {waiting.standing} by {waiting.by}: {waiting.words}")
    return OK


def _left(waiting: Waiting) -> str:
    return f"{max(0, int((waiting.until - time.time()) / 60))} min left"
