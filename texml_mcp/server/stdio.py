"""Serving over stdin and stdout. Only the protocol is written there; logs go to stderr."""

from __future__ import annotations

import logging
import signal
import sys
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


def serve(server: Server[Any], *, log_level: str = "warning") -> None:
    """Serve one client until it closes its side."""
    logging.basicConfig(
        stream=sys.stderr, level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # At its own level it would write every URL it requests, and URLs hold phone numbers.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # The reader thread sits in a blocking read that no cancellation reaches: Ctrl-C must end the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(_serve, server)


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
