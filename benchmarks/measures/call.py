"""One call at a time: a read, and a write that asks first."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from tempfile import NamedTemporaryFile
from typing import IO, Any, Protocol

import httpx

from benchmarks.answers import a_read, by_address, dial
from benchmarks.contenders.registry import BARE, OURS, Contender
from benchmarks.field import Field, scratch
from benchmarks.stats import Row, against, in_turns, judged
from benchmarks.upstream import upstream
from benchmarks.wire.http import Line, http_server
from benchmarks.wire.stdio import serving

GET, FSYNC = "the GET alone", "one fsync alone"
ON_DISK = f"{OURS}, state on disk"


class Speaks(Protocol):
    """A server that a tool can be called on, whatever the transport."""

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]: ...


def call(field: Field) -> list[Row]:
    """A read, and the second step of a gated write, over stdio and HTTP; one upstream for all.

    A gated write is noted on a disk before it is sent and after: once with a file system in memory, which
    shows the server alone, and once with a real one.
    """
    return [*_over("stdio", field), *_over("HTTP", field)]


def _over(transport: str, field: Field) -> list[Row]:
    able, unable = field.able("call" if transport == "stdio" else "http")
    rows: list[Row] = []
    with ExitStack() as stack:
        url = stack.enter_context(upstream(by_address()))
        servers = {each.name: _started(stack, each, url, transport) for each in able}
        client = stack.enter_context(httpx.Client(trust_env=False))
        reads: dict[str, Callable[[], float]] = {GET: lambda: _get(client, url)}
        writes: dict[str, Callable[[], float]] = {}
        for each in able:
            reads[each.name] = lambda each=each: _read(each, servers[each.name])
            writes[each.name] = _writer(each, servers[each.name])
            if each.name == OURS:
                writes[ON_DISK] = _writer(each, _started(stack, each, url, transport, disk=True))
        file = stack.enter_context(NamedTemporaryFile())
        writes[FSYNC] = lambda: _fsync(file)
        for what, tasks, limits in (
            ("read", reads, {"stdio": 1.0, "HTTP": 1.15}),
            ("gated write", writes, {"stdio": 1.3, "HTTP": 1.3}),
        ):
            measured = against(BARE, in_turns(field.rounds(300, 60), tasks, warm=10))
            for row in measured:
                judge = row["what"] in (OURS, ON_DISK)
                row = judged(row, f"of {BARE}", limits[transport]) if judge else row
                rows.append({"call": f"{what}, {transport}"} | row)
    return rows + [{"call": transport} | row for row in unable]


def _started(
    stack: ExitStack, contender: Contender, url: str, transport: str, *, disk: bool = False
) -> Speaks:
    state = stack.enter_context(scratch(disk=disk))
    if transport == "HTTP":
        server = stack.enter_context(http_server(contender.launch(url, state=state, http=True)))
        return stack.enter_context(Line(server))
    pipe = stack.enter_context(serving(contender.launch(url, state=state)))
    pipe.hello()
    return pipe


def _get(client: httpx.Client, url: str) -> float:
    started = time.perf_counter()
    client.get(f"{url}/v2/texml/Accounts/acc/{a_read().address.removeprefix('GET ')}").raise_for_status()
    return time.perf_counter() - started


def _fsync(file: IO[bytes]) -> float:
    file.write(b"." * 512)
    file.flush()
    started = time.perf_counter()
    os.fsync(file.fileno())
    return time.perf_counter() - started


def _read(contender: Contender, server: Speaks) -> float:
    tool, arguments = contender.named("get_call", a_read().arguments)
    started = time.perf_counter()
    server.call(tool, arguments)
    return time.perf_counter() - started


def _writer(contender: Contender, server: Speaks) -> Callable[[], float]:
    """Seconds of the call that sends; what asks first, as ours does, has been asked before."""
    turns = itertools.count()

    def write() -> float:
        tool, arguments = contender.named("create_call", dial(next(turns)))
        if contender.name == OURS:
            asked = server.call(tool, arguments)["structuredContent"]
            if asked["status"] != "confirmation_required":
                raise RuntimeError(f"it did not ask: {asked['summary']}")
            arguments = arguments | {"confirm_token": asked["confirm_token"]}
        started = time.perf_counter()
        answer = server.call(tool, arguments)
        taken = time.perf_counter() - started
        if contender.name == OURS and answer["structuredContent"]["status"] != "ok":
            raise RuntimeError(f"it was not sent: {answer['structuredContent']['summary']}")
        return taken

    return write
