"""A sandbox on a real loopback port, and the official SDK pointed at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from texml_mcp.sandbox import Worlds, create_app


@contextmanager
def serving(worlds: Worlds) -> Iterator[str]:
    """The base URL of a sandbox that listens while the block runs."""
    server = uvicorn.Server(uvicorn.Config(create_app(worlds), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the sandbox did not start"
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v2"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return Worlds()


@pytest.fixture(scope="module")
def base_url(worlds: Worlds) -> Iterator[str]:
    with serving(worlds) as url:
        yield url
