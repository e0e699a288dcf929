"""What the guards cost: the median of `check` for a call with inline TeXML, after a warm-up.

python benchmarks/guards.py
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

from texml_mcp.gate.guards import GuardConfig, Request, check

ROUNDS = 3_000
DOCUMENT = (
    '<Response><Say>Please hold.</Say><Dial callerId="+12025550100" action="https://example.com/done">'
    "<Number>+12025550{last:03}</Number><Number>+442079460123</Number>"
    "<Sip>sip:desk@pbx.example.com</Sip></Dial></Response>"
)


class Quiet:
    """Nothing was sent before: the store's own cost is not measured here."""

    def count(self, series: str, since: float) -> int:
        return 0

    def total(self, series: str, since: float) -> float:
        return 0.0


def median_microseconds(rounds: int = ROUNDS) -> float:
    """The median over calls that all differ in a number, so that caches help as little as in real use."""
    config = GuardConfig(
        hours="enforce",
        allowed_countries=("US", "GB"),
        own_caller_ids=("+12025550100",),
        calls_per_minute=100,
        calls_per_hour=1_000,
        per_destination_per_hour=10,
        concurrent_calls=50,
        spend_per_day=10_000,
        rate_per_minute_cost=0.01,
    )
    now = datetime(2026, 6, 1, 16, tzinfo=UTC)
    usage = Quiet()
    taken: list[int] = []
    for turn in range(rounds + 200):
        wire = {
            "To": f"+1{202 + turn % 700}55501{turn % 100:02}",
            "From": "+12025550100",
            "Texml": DOCUMENT.format(last=100 + turn % 100),
            "StatusCallback": "https://example.com/status",
        }
        request = Request("create_call", wire, "account", True, now)
        start = time.perf_counter_ns()
        check(request, config, usage)
        if turn >= 200:
            taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken) / 1_000


def main() -> None:
    print(f"guards: {median_microseconds():.0f} µs a call at the median")


if __name__ == "__main__":
    main()
