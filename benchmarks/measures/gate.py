"""What the gate costs a call, alone in a process."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

from benchmarks.answers import ACCOUNT
from benchmarks.field import Field
from benchmarks.stats import Row, judged
from texml_mcp import texml
from texml_mcp.catalog import endpoint
from texml_mcp.gate.ruling import Judge

DOCUMENT = (
    "<Response><Say>Good morning, this is the clinic.</Say><Gather action='https://texml.example.com/a' "
    "numDigits='1'><Say>Press one.</Say></Gather><Dial timeout='20'><Number>+13125550142</Number>"
    "<Sip>sip:desk@pbx.example.com</Sip></Dial><Hangup/></Response>"
)
WARM = 50


def gate(field: Field) -> list[Row]:
    """What policy, guards and the TeXML check cost a call, after warm-up."""
    noon = datetime(2026, 6, 1, 16, tzinfo=UTC)  # outside quiet hours wherever it rings
    judge = Judge("assistant", live=True, now=lambda: noon)
    known = endpoint("create_call")
    times: dict[str, list[float]] = {"TeXML check": [], "policy and guards": [], "together": []}
    for turn in range(WARM + field.rounds(3000, 400)):
        # Another number each time: a cache of verdicts would flatter the median.
        wire = {
            "To": f"+1{212 + turn % 700}5550{100 + turn % 100}",
            "From": "+13125550100",
            "ApplicationSid": "1",
            "Texml": DOCUMENT,
            "account_sid": ACCOUNT,
        }
        started = time.perf_counter()
        texml.lint(DOCUMENT)
        linted = time.perf_counter()
        judge.rule(known, wire)
        done = time.perf_counter()
        if turn >= WARM:
            times["TeXML check"].append(linted - started)
            times["policy and guards"].append(done - linted)
            times["together"].append(done - started)
    rows: list[Row] = [
        {"what": name, "p50 ms": round(statistics.median(spent) * 1000, 3)} for name, spent in times.items()
    ]
    return [judged(row, "p50 ms", 1.0) for row in rows]
