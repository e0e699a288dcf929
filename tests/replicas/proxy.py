"""A round-robin proxy in front of replicas: each request goes to the next one, on a connection of its own.

Answers are passed on as they come, so that streams work. A replica that refuses the connection is passed
over, as nothing has left yet; one that breaks off later is not replaced, as nobody knows what it did: the
client gets a 502, or what has come so far.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHECK_SECONDS = 0.1


class Passed(NamedTuple):
    """One request: the number of the replica that got it, and the method it called, or its path."""

    replica: int
    what: str


class Proxy:
    """`replicas` are the addresses of the servers; with `checks` those that are not ready get nothing."""

    def __init__(self, replicas: Sequence[str], *, checks: bool = False) -> None:
        self.replicas = list(replicas)
        self.passed: list[Passed] = []
        self.url = ""
        self._checks = checks
        self._next = 0
        self._told: deque[int] = deque()
        self._away: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def then(self, *numbers: int) -> None:
        """Send the next tool calls to these replicas, in this order."""
        self._told.extend(numbers)

    def called(self, since: int = 0) -> list[int]:
        """The replicas that got tool calls, in order."""
        return [each.replica for each in self.passed[since:] if each.what == "tools/call"]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        if self._checks:
            self._keep(asyncio.create_task(self._check_for_ever()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.create_task(self._one(reader, writer)))

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            head, body = await _request(reader)
            answer, upstream = await self._reach(_what(head, body))
            if answer is None or upstream is None:
                writer.write(_BAD_GATEWAY)
                await writer.drain()
                return
            upstream.write(head + body)
            await upstream.drain()
            gone = asyncio.ensure_future(reader.read(1))
            passing = asyncio.ensure_future(_pass_on(answer, writer))
            # A client that goes away is told to the replica by closing its connection too.
            await asyncio.wait([gone, passing], return_when=asyncio.FIRST_COMPLETED)
            for each in (gone, passing):
                each.cancel()
            await asyncio.gather(gone, passing, return_exceptions=True)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            for each in (upstream, writer):
                if each is not None:
                    each.close()

    async def _reach(self, what: str) -> tuple[asyncio.StreamReader | None, asyncio.StreamWriter | None]:
        for number in self._order(what):
            where = urlsplit(self.replicas[number])
            with contextlib.suppress(OSError):
                connection = await asyncio.open_connection(where.hostname, where.port)
                self.passed.append(Passed(number, what))
                return connection
        return None, None

    def _order(self, what: str) -> list[int]:
        """Where to try, one after the other."""
        if what == "tools/call" and self._told:
            return [self._told.popleft()]
        first, count = self._next, len(self.replicas)
        self._next += 1
        turns = [(first + step) % count for step in range(count)]
        return sorted(turns, key=lambda number: number in self._away)

    async def _check_for_ever(self) -> None:
        while True:
            for number, url in enumerate(self.replicas):
                if await _ready(url):
                    self._away.discard(number)
                else:
                    self._away.add(number)
            await asyncio.sleep(_CHECK_SECONDS)


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a request; the head asks for a connection that is closed after the answer."""
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    fields = [line for line in lines[1:] if line and not line.lower().startswith(b"connection:")]
    lengths = [line for line in fields if line.lower().startswith(b"content-length:")]
    body = await reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b""
    return b"\r\n".join([lines[0], *fields, b"Connection: close", b"", b""]), body


def _what(head: bytes, body: bytes) -> str:
    try:
        called: Any = json.loads(body)
        return str(called["method"])
    except (ValueError, KeyError, TypeError):
        return head.split(b" ", 2)[1].decode()


async def _pass_on(answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    begun = False
    with contextlib.suppress(ConnectionError):  # killed: what has come has been passed on
        while part := await answer.read(65536):
            begun = True
            writer.write(part)
            await writer.drain()
    if not begun:
        writer.write(_BAD_GATEWAY)
        await writer.drain()


async def _ready(url: str) -> bool:
    where = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
    except OSError:
        return False
    return b" 200 " in line
