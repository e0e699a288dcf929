"""A server on this machine that does as it is told: answers, cuts, stalls, or talks nonsense.

It keeps the raw bytes of each request, so a test counts what really arrived, not what was meant.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Then = Literal["keep", "close", "reset", "stall"]


@dataclass(frozen=True)
class Reply:
    """Bytes to write once a whole request has arrived, and what to do with the connection then."""

    raw: bytes = b""
    then: Then = "close"


@dataclass(frozen=True)
class Received:
    method: str
    target: bytes  # path and query, as they came
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        return self.target.partition(b"?")[2]


def answer(
    status: int = 200, body: Any = None, *, then: Then = "keep", headers: dict[str, str] | None = None
) -> Reply:
    """A well-formed answer; `body` as JSON unless it is bytes already, None for the empty object."""
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + content, then)


def error(status: int, code: str | None = None, pointer: str | None = None, **more: Any) -> Reply:
    one: dict[str, Any] = {"title": more.pop("title", "Title"), "detail": more.pop("detail", "Detail")}
    if code:
        one["code"] = code
    if pointer:
        one["source"] = {"pointer": pointer}
    return answer(status, {"errors": [one]}, **more)


@dataclass
class Loopback:
    port: int = 0
    replies: list[Reply] = field(default_factory=list)  # in order; the last one goes on being used
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2"

    def will(self, *replies: Reply) -> None:
        self.replies[:] = replies

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        method, target, _ = first.split(b" ", 2)
        headers = {
            name.decode().lower(): value.strip().decode("latin-1")
            for name, _, value in (line.partition(b":") for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(method.decode(), target, headers, body))
        self.arrived.set()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        writer.write(reply.raw)
        await writer.drain()
        if reply.then == "keep":
            return True
        if reply.then == "stall":
            await reader.read()  # until the client gives up
        if reply.then == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return False


@asynccontextmanager
async def loopback() -> AsyncIterator[Loopback]:
    wire = Loopback(replies=[answer()])
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0, limit=1024 * 1024)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
