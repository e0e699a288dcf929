"""A server that is spoken to over HTTP by many clients at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY

from benchmarks.wire.launch import Launch, status_kib

MODERN = "2026-07-28"

_META = {
    PROTOCOL_VERSION_META_KEY: MODERN,
    CLIENT_CAPABILITIES_META_KEY: {},
    CLIENT_INFO_META_KEY: {"name": "bench", "version": "1"},
}


@dataclass(slots=True)
class HttpServer:
    """A server process and where it listens."""

    process: subprocess.Popen[str]
    host: str
    port: int

    def rss_kib(self) -> int:
        """What it holds in memory now."""
        return status_kib(self.process.pid, "VmRSS")


@contextlib.contextmanager
def http_server(launch: Launch) -> Iterator[HttpServer]:
    """A server that says where it listens. Raises `RuntimeError` when it ends before."""
    process = subprocess.Popen(
        list(launch.command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=launch.whole_environment(),
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"(http://\S+?)/", line):
                at = urlsplit(found[1] if "serving" in line or "Sandbox" in line else "")
                if at.hostname:
                    # Read on, or a server that logs much would wait for the pipe.
                    threading.Thread(target=process.stdout.read, daemon=True).start()
                    yield HttpServer(process, at.hostname, at.port or 80)
                    return
        raise RuntimeError("the server did not start")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def message(tool: str, arguments: dict[str, Any], host: str) -> bytes:
    """One `tools/call` of the modern era as bytes on the wire."""
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    return (
        f"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        f"accept: application/json, text/event-stream\r\nmcp-protocol-version: {MODERN}\r\n"
        f"mcp-method: tools/call\r\nmcp-name: {tool}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def answer_of(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The JSON answer to a message. Raises `RuntimeError` for anything else."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = re.search(r"content-length: (\d+)", head)
    if length is None:
        raise RuntimeError(f"not one JSON answer: {head}")
    body = await reader.readexactly(int(length[1]))
    if " 200 " not in head.split("\r\n")[0]:
        raise RuntimeError(f"{head.splitlines()[0]}: {body[:200]!r}")
    return json.loads(body)


@dataclass(slots=True)
class Load:
    """What one round of load came to."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds


async def load(server: HttpServer, tool: str, arguments: dict[str, Any], clients: int, each: int) -> Load:
    """`clients` connections at once, each making `each` calls one after the other."""
    result = Load()
    wire = message(tool, arguments, f"{server.host}:{server.port}")

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(each):
            started = time.perf_counter()
            writer.write(wire)
            answer = await answer_of(reader)
            result.times.append(time.perf_counter() - started)
            if answer["result"].get("isError"):
                raise RuntimeError(f"{tool} failed: {answer}")

    # Opened before the clock starts, or bursts of connections would be measured.
    opened = [await asyncio.open_connection(server.host, server.port) for _ in range(clients)]
    started = time.perf_counter()
    try:
        await asyncio.gather(*(client(reader, writer) for reader, writer in opened))
    finally:
        for _, writer in opened:
            writer.close()
    result.seconds = time.perf_counter() - started
    return result


class Line:
    """One connection, one call at a time. Servers close idle ones: one that lay idle is opened anew."""

    IDLE_SECONDS = 2.0

    def __init__(self, server: HttpServer) -> None:
        self._at = (server.host, server.port)
        self._host = f"{server.host}:{server.port}"
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._at, timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._used = time.monotonic()

    def _close(self) -> None:
        self._file.close()
        self._socket.close()

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of a tool. Raises `RuntimeError` for an error of any kind."""
        if time.monotonic() - self._used > self.IDLE_SECONDS:
            self._close()
            self._open()
        self._socket.sendall(message(tool, arguments, self._host))
        head = [self._file.readline()]
        while head[-1].strip():
            head.append(self._file.readline())
        named = (line.lower().partition(b":") for line in head)
        length = next((int(value) for name, _, value in named if name == b"content-length"), None)
        if length is None or b" 200 " not in head[0]:
            raise RuntimeError(f"not one JSON answer: {head}")
        answer = json.loads(self._file.read(length))
        self._used = time.monotonic()
        if "error" in answer or answer["result"].get("isError"):
            raise RuntimeError(f"{tool} failed: {str(answer)[:600]}")
        return answer["result"]

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
