"""What is measured, and against what."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from benchmarks.http import throughput
from benchmarks.servers import BARE, OURS, serving
from benchmarks.soak import soak
from benchmarks.upstream import CALL, upstream
from texml_mcp.catalog import endpoint
from texml_mcp.results import many, render
from texml_mcp.tools.files import definitions
from texml_mcp.tools.schema import model_text, token_estimate

Row = dict[str, Any]

_DOCUMENT = (
    "<Response><Say>Good morning, this is the clinic.</Say><Gather action='https://texml.example.com/a' "
    "numDigits='1'><Say>Press one.</Say></Gather><Dial timeout='20'><Number>+13125550142</Number>"
    "<Sip>sip:desk@pbx.example.com</Sip></Dial><Hangup/></Response>"
)


def definitions_cost(quick: bool) -> list[Row]:
    """What a model pays before it has said a word. Deterministic."""
    costs = {name: token_estimate(model_text(tool)) for name, tool in definitions().items()}
    endpoints = sum(cost for name, cost in costs.items() if name != "validate_texml")
    name, most = max(costs.items(), key=lambda item: item[1])
    return [
        {"what": "38 endpoint tools", "tokens": endpoints, "limit": 8000},
        {"what": f"largest ({name})", "tokens": most, "limit": 1300},
    ]


def results_cost(quick: bool) -> list[Row]:
    """What a model pays to read an answer, against the JSON it came from. Deterministic."""
    from texml_mcp.sandbox import Worlds

    world = Worlds().of("sandbox")
    answer = world.request("list_calls", {"account_sid": world.account_sid}, {"PageSize": "20"}, {})
    page: Any = answer[1]
    shown = many(endpoint("list_calls"), {}, page["calls"], full=False, total=None, following=None)
    text, raw = token_estimate(render(shown)), token_estimate(json.dumps(page))
    structured = token_estimate(json.dumps(shown.structured(), separators=(",", ":")))
    return [
        {"what": "list of 20 calls, upstream JSON", "tokens": raw, "of upstream": 1.0},
        {"what": "list of 20 calls, text", "tokens": text, "of upstream": round(text / raw, 2)},
        {
            "what": "list of 20 calls, structured",
            "tokens": structured,
            "of upstream": round(structured / raw, 2),
        },
    ]


def startup(quick: bool) -> list[Row]:
    """Spawn to the answer of `tools/list` over stdio, in turns, with peak memory."""
    times: dict[str, list[float]] = {"texml-mcp": [], "bare": []}
    peaks: dict[str, int] = {}
    for _ in range(1 + (6 if quick else 20)):
        for name, command in (("texml-mcp", OURS), ("bare", BARE)):
            with serving(command) as pipe:
                pipe.hello()
                pipe.request("tools/list", {})
                times[name].append(time.perf_counter() - pipe.started)
                peaks[name] = pipe.peak_kib()
    return _against("bare", {name: spent[1:] for name, spent in times.items()}, 1.15, peaks)


def call(quick: bool) -> list[Row]:
    """One `get_call` over stdio, in turns with a bare handler that makes the same GET."""
    rounds = 200 if quick else 1000
    sid = CALL["sid"]
    times: dict[str, list[float]] = {"texml-mcp": [], "bare": []}
    with upstream() as url, serving(OURS, url) as ours, serving(BARE, url) as bare:
        for pipe in (ours, bare):
            pipe.hello()
            for _ in range(20):
                pipe.call("get_call", {"call_sid": sid})
        for _ in range(rounds):
            for name, pipe in (("texml-mcp", ours), ("bare", bare)):
                started = time.perf_counter()
                pipe.call("get_call", {"call_sid": sid})
                times[name].append(time.perf_counter() - started)
    return _against("bare", times, 1.25, {})


def gate(quick: bool) -> list[Row]:
    """What policy, guards and the TeXML check cost a call, after warm-up."""
    from texml_mcp import texml
    from texml_mcp.gate.ruling import Judge

    judge = Judge("assistant", live=True)
    known = endpoint("create_call")
    times: dict[str, list[float]] = {"policy and guards": [], "TeXML check": [], "together": []}
    for index in range(300 if quick else 2000):
        # Another number each time: a cache of verdicts would flatter the median.
        to = f"+1{212 + index % 700}5550{100 + index % 100}"
        wire = {
            "To": to,
            "From": "+13125550100",
            "ApplicationSid": "1",
            "Texml": _DOCUMENT,
            "account_sid": "a",
        }
        started = time.perf_counter()
        texml.lint(_DOCUMENT)
        linted = time.perf_counter()
        judge.rule(known, wire)
        done = time.perf_counter()
        times["TeXML check"].append(linted - started)
        times["policy and guards"].append(done - linted)
        times["together"].append(done - started)
    warm = {name: spent[50:] for name, spent in times.items()}
    return [
        {"what": name, "p50 ms": round(statistics.median(spent) * 1000, 3), "limit": 1.0}
        for name, spent in warm.items()
    ]


def _against(base: str, times: dict[str, list[float]], limit: float, peaks: dict[str, int]) -> list[Row]:
    """Medians, tails, and the ratio to the base, taken pair by pair: both saw the same machine."""
    rows: list[Row] = []
    for name, spent in times.items():
        ratio = statistics.median(ours / other for ours, other in zip(spent, times[base], strict=True))
        ordered = sorted(spent)
        row: Row = {
            "what": name,
            "p50 ms": round(statistics.median(spent) * 1000, 2),
            "p99 ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000, 2),
            "ratio": round(ratio, 2),
        }
        if name != base:
            row["limit"] = limit
        if peaks:
            row["peak MiB"] = round(peaks[name] / 1024, 1)
        rows.append(row)
    return rows


MEASURES = {
    "definitions": definitions_cost,
    "results": results_cost,
    "startup": startup,
    "call": call,
    "gate": gate,
    "http": throughput,
}
# What takes minutes runs only when it is named.
ON_REQUEST = {"soak": soak}
