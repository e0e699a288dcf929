"""Many clients at once over HTTP."""

from __future__ import annotations

import asyncio
import statistics
from contextlib import ExitStack

from benchmarks.answers import a_read, by_address
from benchmarks.contenders.registry import BARE, OURS, Contender
from benchmarks.field import Field, scratch
from benchmarks.stats import Row, in_turns, judged, milliseconds, percentile, ratio
from benchmarks.upstream import upstream
from benchmarks.wire.http import HttpServer, http_server, load

CLIENTS = (1, 8, 32, 128)


def throughput(field: Field) -> list[Row]:
    """`get_call` over HTTP by 1 to 128 clients at once, every server on the same upstream."""
    able, unable = field.able("http")
    rows: list[Row] = []
    with ExitStack() as stack:
        url = stack.enter_context(upstream(by_address()))
        servers = {
            each.name: stack.enter_context(
                http_server(each.launch(url, state=stack.enter_context(scratch()), http=True))
            )
            for each in able
        }
        for clients in CLIENTS:
            rows += _at(clients, field, able, servers)
    return rows + unable


def _at(clients: int, field: Field, able: list[Contender], servers: dict[str, HttpServer]) -> list[Row]:
    each_makes = max(field.rounds(6, 3), field.rounds(400, 120) // clients)
    times: dict[str, list[float]] = {each.name: [] for each in able}

    def rate(contender: Contender) -> float:
        tool, arguments = contender.named("get_call", a_read().arguments)
        done = asyncio.run(load(servers[contender.name], tool, arguments, clients, each_makes))
        times[contender.name] += done.times
        return done.rate

    tasks = {each.name: lambda each=each: rate(each) for each in able}
    rates = in_turns(field.rounds(4, 2), tasks)
    rows: list[Row] = []
    for name, found in rates.items():
        row: Row = {
            "clients": clients,
            "what": name,
            "calls/s": round(statistics.median(found)),
            "p50 ms": milliseconds(statistics.median(times[name])),
            "p99 ms": milliseconds(percentile(times[name], 0.99)),
            f"of {BARE}": round(ratio(found, rates[BARE]), 2),
        }
        rows.append(judged(row, f"of {BARE}", 0.9, least=True) if name == OURS else row)
    return rows
