"""`texml-mcp call`: one tool from the shell, through the same pipeline as every client."""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import anyio
import typer

from texml_mcp.cli.output import USAGE, print_json, wrong_use
from texml_mcp.execute import Call, UnknownToolError, execute
from texml_mcp.gate.confirm import Answer, CannotAskError, Person
from texml_mcp.results import ToolResult, render
from texml_mcp.server.services import build_services
from texml_mcp.settings import SettingsError, load
from texml_mcp.tools.offer import READ_TOOLS

OK, FAILED = 0, 1


def run(tool: str, pairs: list[str], *, on_sandbox: bool, yes: bool, as_json: bool) -> int:
    """0 when it ran, 1 when it did not, 2 when the command line or the settings are wrong."""
    try:
        arguments = parse_pairs(pairs)
        services = build_services(load(sandbox=on_sandbox or None))
    except (SettingsError, ValueError) as error:
        return wrong_use(str(error))

    async def ask(question: str) -> Answer:
        if yes:
            return Answer("accept", ticked=True)
        if not sys.stdin.isatty():
            raise RuntimeError("nobody is at the terminal")
        typer.echo(question, err=True)
        # The event loop would keep Ctrl-C for later, and nothing is later than a question that waits.
        kept = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return Answer("accept", ticked=typer.confirm("Do this?", default=False, err=True))
        except typer.Abort:
            typer.echo("\ntexml-mcp: stopped. Nothing was sent.", err=True)
            raise KeyboardInterrupt from None
        finally:
            signal.signal(signal.SIGINT, kept)

    async def go() -> Any:
        try:
            return await execute(
                services, Call(tool, arguments, services.principal, person=Person("legacy", ask=ask))
            )
        finally:
            await services.upstream.aclose()

    try:
        result = anyio.run(go)
    except UnknownToolError:
        from texml_mcp.cli.mistakes import typed, unknown_word
        from texml_mcp.tools.files import definitions

        if tool in definitions():
            return wrong_use(f"tool {tool} is not offered with these settings (TEXML_MCP_TOOLSETS).")
        typer.echo(unknown_word("tool", tool, services.offered, typed(), lists="texml-mcp tools"), err=True)
        return USAGE
    except CannotAskError as error:
        return wrong_use(f"{error} Nobody is at the terminal to approve it. Nothing was sent.")
    assert isinstance(result, ToolResult), "only a modern client is asked through its answer"
    if as_json:
        print_json(result.structured())
    else:
        typer.echo(render(result))
    if hint := _hint(tool, result, alone=services.records.state.directory is None and on_sandbox):
        typer.echo(f"texml-mcp: {hint}", err=True)
    return OK if result.status in ("ok", "dry_run") else FAILED


def _hint(tool: str, result: ToolResult, *, alone: bool) -> str | None:
    """What a person at a shell must know beside the answer, which is worded for a model in a session.

    `alone` is a sandbox that nothing else reaches and that keeps nothing.
    """
    if result.status == "confirmation_required":
        return "Nobody is at a terminal to be asked. Add --yes to approve this call."
    wrote = result.status == "ok" and tool not in READ_TOOLS
    if alone and (wrote or result.code == "not_found"):
        return "Each `call --sandbox` has a network of its own. One that stays: texml-mcp sandbox serve"
    return None


def parse_pairs(pairs: list[str]) -> dict[str, Any]:
    """`k=v` words as arguments. Objects and lists may be given as JSON; everything else stays text."""
    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"'{pair}' is not of the form name=value")
        if value[:1] in ("{", "["):
            try:
                arguments[name] = json.loads(value)
            except ValueError as error:
                raise ValueError(f"the value of {name} is not JSON: {error}") from None
            except RecursionError:
                raise ValueError(f"the value of {name} is nested too deeply") from None
        else:
            arguments[name] = value
    return arguments
