"""Many clients at once over HTTP: ours and a bare server in turns, spoken to without a client library."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY

MODERN = "2026-07-28"
OURS = [
    *(sys.executable, "-m", "texml_mcp", "serve", "--http", "--sandbox", "--port", "0"),
    *("--rate-per-minute", "0"),
]
BARE = [sys.executable, "-m", "benchmarks.bare_http"]

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
        with open(f"/proc/{self.process.pid}/status") as status:  # noqa: PTH123
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@contextlib.contextmanager
def http_server(command: list[str], **environment: str) -> Iterator[HttpServer]:
    """A server that says where it listens."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
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

    async def client() -> None:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        try:
            for _ in range(each):
                started = time.perf_counter()
                writer.write(wire)
                answer = await answer_of(reader)
                result.times.append(time.perf_counter() - started)
                if answer["result"].get("isError"):
                    raise RuntimeError(f"{tool} failed: {answer}")
        finally:
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    result.seconds = time.perf_counter() - started
    return result


async def some_call(server: HttpServer) -> str:
    """A call SID of the server's sandbox."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(message("list_calls", {}, f"{server.host}:{server.port}"))
    answer = await answer_of(reader)
    writer.close()
    return str(answer["result"]["structuredContent"]["items"][0]["sid"])


def throughput(quick: bool) -> list[dict[str, Any]]:
    """`get_call` over HTTP at 1, 8 and 32 clients on the sandbox in the process, beside a bare server."""
    import statistics

    rows: list[dict[str, Any]] = []
    rounds, calls = (4, 1200) if quick else (10, 4000)
    with http_server(OURS) as ours, http_server(BARE) as bare:
        arguments = {"call_sid": asyncio.run(some_call(ours))}
        for clients in (1, 8, 32):
            each = max(1, calls // clients // (4 if clients == 1 else 1))
            done: dict[str, list[Load]] = {"texml-mcp": [], "bare": []}
            for turn in range(1 + rounds):
                # In turns, and each first as often as the other: both saw the same machine.
                pair = [("texml-mcp", ours), ("bare", bare)]
                for name, server in pair if turn % 2 else pair[::-1]:
                    done[name].append(asyncio.run(load(server, "get_call", arguments, clients, each)))
            kept = {name: loads[1:] for name, loads in done.items()}
            ratios = [a.rate / b.rate for a, b in zip(kept["texml-mcp"], kept["bare"], strict=True)]
            for name, loads in kept.items():
                times = sorted(spent for each_load in loads for spent in each_load.times)
                row: dict[str, Any] = {
                    "clients": clients,
                    "what": name,
                    "calls/s": round(statistics.median(each_load.rate for each_load in loads)),
                    "p50 ms": round(times[len(times) // 2] * 1000, 2),
                    "p99 ms": round(times[int(len(times) * 0.99)] * 1000, 2),
                }
                if name == "texml-mcp":
                    row |= {"of bare": round(statistics.median(ratios), 2), "at least": 0.8}
                rows.append(row)
    return rows
