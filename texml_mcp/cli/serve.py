"""`texml-mcp serve`: the server, over stdio or over HTTP."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import Any

from texml_mcp.cli.options import FlagParser, add_flags
from texml_mcp.server.logs import configure
from texml_mcp.settings import SettingsError, load

CANNOT_START = 2
_AT_A_TERMINAL = (
    "serving over stdio, for a host that starts this command itself (texml-mcp install). There is nothing to "
    "type here: Ctrl-C stops it, --http serves over HTTP."
)


def parser() -> argparse.ArgumentParser:
    made = FlagParser(
        prog="texml-mcp serve",
        description="Serve the tools over stdio or HTTP, on the live API or the built-in sandbox.",
        allow_abbrev=False,
    )
    add_flags(made)
    return made


def run(arguments: list[str]) -> int:
    """Serve until the client is gone; 2 when the settings do not allow a start."""
    given: dict[str, Any] = vars(parser().parse_args(arguments))
    try:
        settings = load(**given)
        configure(settings.log_level, settings.log_format)
        if not settings.plain_stdio:
            from texml_mcp.server.startup import shorten

            shorten()
        if settings.http:
            from texml_mcp.server.http.starting import serve as serve_http

            gc.enable()
            serve_http(settings)
            return 0
        if sys.stdin is None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise SettingsError("A client speaks through stdin and stdout: both must be open, or use --http.")
        from texml_mcp.server.services import build_services, build_state

        state = build_state(settings)
        services = build_services(settings, state)
    except SettingsError as error:
        sys.stderr.write(f"texml-mcp: {error}\n")
        return CANNOT_START
    from texml_mcp.server.app import build_server
    from texml_mcp.server.stdio import serve
    from texml_mcp.server.telemetry.approvals import waiting
    from texml_mcp.server.telemetry.calls import Telemetry
    from texml_mcp.server.telemetry.exporting import begin

    if sys.stdin.isatty():
        sys.stderr.write(f"texml-mcp: {_AT_A_TERMINAL}\n")
    exporting = begin(page=False)
    try:
        telemetry = Telemetry(exporting.meter, waiting=waiting(state), names=settings.trace_principals)
        server = build_server(services, sandbox=settings.sandbox, telemetry=telemetry)
        serve(server, plain=settings.plain_stdio)
    finally:
        exporting.stop()
    return 0
