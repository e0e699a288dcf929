"""Serving over stdin and stdout. Only the protocol is written there; logs go to stderr."""

from __future__ import annotations

import gc
import logging
import os
import signal
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
from mcp.server.lowlevel import Server

log = logging.getLogger(__name__)


def serve(server: Server[Any], *, plain: bool = False) -> None:
    """Serve one client until it closes its side; `plain` has the SDK's own transport do it."""
    # With the SDK's transport a thread sits in a blocking read that no cancellation reaches: Ctrl-C must end
    # the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What is there by now stays: the collector, off while it was loaded, need never look at it.
    gc.freeze()
    gc.enable()
    try:
        anyio.run(_serve, server, plain)
    except* BrokenPipeError:  # raised by the SDK's transport; ours takes it for the end by itself
        log.info("the client reads no more")
    except* OSError:
        log.warning("the client can be told no more: what stdout leads to takes nothing")


async def _serve(server: Server[Any], plain: bool) -> None:
    async with _transport(plain) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _transport(plain: bool) -> AbstractAsyncContextManager[tuple[Any, Any]]:
    if os.name == "posix" and not plain:
        from texml_mcp.server.pipes import can_use, pipes

        if can_use():
            return pipes()
    from mcp.server.stdio import stdio_server

    return stdio_server()
