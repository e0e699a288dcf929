"""Minutes of mixed calls over HTTP against a sandbox that fails at random: what is lost, doubled, leaked."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.field import Field
from benchmarks.wire.http import HttpServer, answer_of, http_server, message
from benchmarks.wire.launch import Launch

CLIENTS = 16
WRITES = 0.06  # of all calls
FAULT_EVERY_SECONDS = 0.5
SAMPLE_EVERY_SECONDS = 2.0
SECONDS, QUICK_SECONDS = 600.0, 45.0
_NETWORK = [
    *(sys.executable, "-m", "texml_mcp", "sandbox", "serve", "--control", "--port", "0"),
    *("--clock", "real"),
]
_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "rate_limited", "retry_after_seconds": 1},
    {"kind": "lost_response"},
    {"kind": "timeout", "seconds": 3},
    {"kind": "timeout_after_commit", "seconds": 3},
    {"kind": "reset"},
    {"kind": "slow", "seconds": 0.5},
    {"kind": "malformed"},
    {"kind": "truncated"},
    {"kind": "html"},
)


@dataclass(slots=True)
class Ledger:
    """What was asked for by number, what was answered, and what the server held in memory meanwhile."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    calls: int = 0
    faults: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])


def soak(field: Field) -> list[dict[str, Any]]:
    """Random faults for ten minutes (45 s when quick): every write accounted for, memory flat."""
    seconds = QUICK_SECONDS if field.quick else SECONDS
    with tempfile.TemporaryDirectory() as state, http_server(Launch(_NETWORK)) as network:
        root = f"http://{network.host}:{network.port}"
        ours = [
            *(sys.executable, "-m", "texml_mcp", "serve", "--http", "--port", "0", "--confirm", "off"),
            *("--rate-per-minute", "0", "--timeout-seconds", "2", "--base-url", f"{root}/v2"),
            *("--state-dir", state, "--policy", "sandbox", "--account-sid", ACCOUNT),
        ]
        with http_server(Launch(ours, {"TELNYX_API_KEY": "sandbox"})) as server:
            ledger = asyncio.run(_story(server, root, seconds))
        control = httpx.get(f"{root}/_sandbox/worlds/sandbox/state", timeout=60, trust_env=False).json()
    placed = Counter(call["to"] for call in control["calls"].values())
    return [_row(ledger, placed, seconds)]


ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"
_APPLICATION = "1293384261075731499"


async def _story(server: HttpServer, root: str, seconds: float) -> Ledger:
    ledger, dice = Ledger(), random.Random(20261124)
    until = time.monotonic() + seconds
    numbers = iter([f"+1{area}555{line:04d}" for area in range(200, 1000) for line in range(100, 200)])

    async def client() -> None:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        while time.monotonic() < until:
            write = dice.random() < WRITES
            to = next(numbers) if write else ""
            tool, arguments = ("create_call", _dial(to)) if write else dice.choice(_READS)
            writer.write(message(tool, arguments, f"{server.host}:{server.port}"))
            answer = (await answer_of(reader))["result"]["structuredContent"]
            ledger.calls += 1
            if write:
                ledger.answers[to] = answer
        writer.close()

    async def trouble() -> None:
        async with httpx.AsyncClient(trust_env=False) as control:
            while time.monotonic() < until:
                await asyncio.sleep(FAULT_EVERY_SECONDS)
                operation = dice.choice(["create_call", "create_call", "list_calls", "get_call", "*"])
                fault = {"operation": operation, "first": dice.randint(1, 3), **dice.choice(_FAULTS)}
                answer = await control.post(f"{root}/_sandbox/worlds/sandbox/faults", json=fault)
                answer.raise_for_status()
                ledger.faults += 1

    async def memory() -> None:
        while time.monotonic() < until:
            ledger.memory.append((time.monotonic(), server.rss_kib()))
            await asyncio.sleep(SAMPLE_EVERY_SECONDS)

    await asyncio.gather(trouble(), memory(), *(client() for _ in range(CLIENTS)))
    return ledger


_READS: list[tuple[str, dict[str, Any]]] = [
    ("list_calls", {}),
    ("list_conferences", {"Status": "in-progress"}),
    ("list_queues", {}),
    ("get_queue", {"queue_sid": "support"}),
    ("list_recordings", {}),
]


def _dial(to: str) -> dict[str, Any]:
    return {
        "To": to,
        "From": "+13125550100",
        "ApplicationSid": _APPLICATION,
        "Texml": "<Response><Hangup/></Response>",
    }


def _row(ledger: Ledger, placed: Counter[str], seconds: float) -> dict[str, Any]:
    outcomes = Counter(_outcome(answer) for answer in ledger.answers.values())
    lost = [to for to, answer in ledger.answers.items() if _outcome(answer) == "ok" and not placed[to]]
    doubled = [to for to in ledger.answers if placed[to] > 1]
    denied = ("not_sent", "rejected")
    untrue = [to for to, answer in ledger.answers.items() if _outcome(answer) in denied and placed[to]]
    begin = ledger.memory[0][0]
    # A fifth of the time to warm up; then what it held at first against what it held at last.
    warm = [kib for at, kib in ledger.memory if at - begin > seconds * 0.2]
    part = max(1, len(warm) // 8)
    first, last = statistics.median(warm[:part]), statistics.median(warm[-part:])
    return {
        "minutes": round(seconds / 60, 1),
        "calls": ledger.calls,
        "writes": len(ledger.answers),
        "faults": ledger.faults,
        **{f"told {name}": count for name, count in sorted(outcomes.items())},
        "lost": len(lost),
        "doubled": len(doubled),
        "untrue": len(untrue),
        "MiB after warm-up": round(first / 1024, 1),
        "MiB at the end": round(last / 1024, 1),
        "growth %": round((last / first - 1) * 100, 1),
    }


def _outcome(answer: dict[str, Any]) -> str:
    return str(answer.get("outcome") or answer["status"])
