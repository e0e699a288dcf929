"""A server for a team as an operator starts it: a process, its address, and official clients of it."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from texml_mcp.identity import Principal, editing
from texml_mcp.identity.principals import Role

STARTS_WITHIN = 30.0
STOPS_WITHIN = 40.0
_ADDRESS = re.compile(r"serving on (http://\S+)/mcp")


class Service:
    """`texml-mcp serve --http` in a process of its own, on a free port of loopback."""

    def __init__(self, log: Path, *flags: str, cwd: Path | None = None, **environment: str) -> None:
        self.log = log
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TELNYX_", "TEXML_MCP_", "OTEL_"))
        }
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "texml_mcp", "serve", "--http", "--port", "0", *flags],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=cwd,
                env=environ | environment,
            )
        self.url = self._address()

    def _address(self) -> str:
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until:
            if found := _ADDRESS.search(self.logged()):
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(f"the server did not start:\n{self.logged()}")

    def logged(self) -> str:
        return self.log.read_text(errors="replace")

    def printed(self) -> bytes:
        """What has come on stdout, which belongs to nobody here."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 0)
        return os.read(self.process.stdout.fileno(), 65536) if ready else b""

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(STOPS_WITHIN)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOPS_WITHIN)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @contextlib.asynccontextmanager
    async def client(
        self, mode: str = "auto", token: str = "", headers: dict[str, str] | None = None, **options: Any
    ) -> AsyncIterator[Client]:
        """An official client of it."""
        async with connected(self.url, mode, token, headers, **options) as client:
            yield client


@contextlib.asynccontextmanager
async def connected(
    url: str, mode: str = "auto", token: str = "", headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Client]:
    """An official client of the server at this address, or at a proxy in front of it."""
    sent = dict(headers or {})
    if token:
        sent["authorization"] = f"Bearer {token}"
    async with (
        httpx2.AsyncClient(headers=sent, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode, **options) as client,
    ):
        yield client


def token_for(
    file: Path, name: str, role: Role = "operator", *accounts: str, policy: str | None = None
) -> str:
    """A token for somebody new, as `texml-mcp tokens add` makes it; running services take it at once."""
    return editing.add(file, Principal(name, role, accounts, policy)).token


@contextlib.contextmanager
def serving(log: Path, *flags: str, cwd: Path | None = None, **environment: str) -> Iterator[Service]:
    """A running service, ended whatever happens."""
    service = Service(log, *flags, cwd=cwd, **environment)
    try:
        yield service
    finally:
        service.kill()
