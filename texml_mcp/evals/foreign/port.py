"""A world on a loopback port, served by this process: whatever reaches it is seen as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import anyio
import uvicorn

from texml_mcp.sandbox import Worlds, create_app
from texml_mcp.sandbox.world import World
from texml_mcp.server.http.serving import bind


class _Server(uvicorn.Server):
    """Leaves the signals alone: they are for whoever runs the benchmark."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def on_a_port(world: World) -> AsyncGenerator[str]:
    """Serve the world until the end; the root of its API. Time in it passes only by what is done to it."""
    app: Any = create_app(Worlds(lambda: world))
    listening = bind("127.0.0.1", 0)
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", date_header=False))
    try:
        async with anyio.create_task_group() as around:
            # Connections are taken from now on; they wait for the server as long as it needs.
            around.start_soon(partial(server.serve, sockets=[listening]))
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}/v2"
            finally:
                around.cancel_scope.cancel()
    finally:
        # Before the socket: the loop would go on watching its number, and miss who gets the number next.
        for each in getattr(server, "servers", ()):
            each.close()
        listening.close()
        # An answer that a fault holds back for half a minute must not hold up the next task.
        for each in list(server.server_state.tasks):
            each.cancel()
        for connection in list(server.server_state.connections):
            connection.shutdown()
