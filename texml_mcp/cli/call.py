"""`texml-mcp call`: one tool from the shell, through the same pipeline as every client."""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio
import typer

from texml_mcp.execute import Call, UnknownToolError, execute
from texml_mcp.results import ToolResult, render
from texml_mcp.server.services import build_services
from texml_mcp.settings import SettingsError, load

OK, FAILED, USAGE = 0, 1, 2


def run(tool: str, pairs: list[str], *, on_sandbox: bool, yes: bool, as_json: bool) -> int:
    """0 when it ran, 1 when it did not, 2 when the command line or the settings are wrong."""
    try:
        arguments = parse_pairs(pairs)
        services = build_services(load(sandbox=on_sandbox or None))
    except (SettingsError, ValueError) as error:
        typer.echo(f"texml-mcp: {error}", err=True)
        return USAGE

    async def go() -> ToolResult:
        try:
            result = await execute(services, Call(tool, arguments))
            if result.status == "confirmation_required" and (yes or _asked(result)):
                arguments["confirm_token"] = result.confirm_token
                result = await execute(services, Call(tool, arguments))
            return result
        finally:
            await services.upstream.aclose()

    try:
        result = anyio.run(go)
    except UnknownToolError:
        from texml_mcp.server.app import unknown_tool

        typer.echo(f"texml-mcp: {unknown_tool(tool, services)}", err=True)
        return USAGE
    if as_json:
        from texml_mcp.cli.app import print_json

        print_json(result.structured())
    else:
        typer.echo(render(result))
    return OK if result.status in ("ok", "dry_run") else FAILED


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
        else:
            arguments[name] = value
    return arguments


def _asked(result: ToolResult) -> bool:
    """Ask the person at the terminal; no terminal, no approval."""
    if not sys.stdin.isatty():
        return False
    typer.echo(result.preview, err=True)
    return typer.confirm("Do this?", default=False, err=True)
