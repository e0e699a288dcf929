"""The metrics, each declared once. Every label has few values: no id, no number, no name is one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from texml_mcp import __version__
from texml_mcp.facts import Facts

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
TOKENS = (25, 50, 100, 250, 500, 1000, 2000, 4000)

# Error codes that say that somebody was too fast, and who set the limit.
_LIMITED_BY = {"too_many_calls": "principal", "busy": "server", "rate_limited": "upstream"}

Waiting = Callable[[], int | None]
"""How many requests for approval wait; None when that cannot be told now."""


def global_meter() -> Meter | None:
    """The meter of the process; None when nobody can have set up a provider for it."""
    if "opentelemetry.metrics" not in sys.modules:
        return None  # a provider is set through this module
    from opentelemetry.metrics import get_meter

    return get_meter("texml_mcp", __version__)


class Instruments:
    """What is counted and timed."""

    def __init__(self, meter: Meter, waiting: Waiting | None = None) -> None:
        self._calls = meter.create_counter("texml_mcp.calls", unit="{call}", description="Tool calls.")
        self._duration = meter.create_histogram(
            "texml_mcp.call.duration",
            unit="s",
            description="Length of tool calls, a person's answer included.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._upstream = meter.create_histogram(
            "texml_mcp.upstream.duration",
            unit="s",
            description="Length of requests to the API.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._tokens = meter.create_histogram(
            "texml_mcp.tokens_out",
            unit="{token}",
            description="Size of results, at four bytes a token.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._running = meter.create_up_down_counter(
            "texml_mcp.calls.running", unit="{call}", description="Tool calls that run now."
        )
        self._limited = meter.create_counter(
            "texml_mcp.rate_limited", unit="{call}", description="Tool calls that came too fast."
        )
        if waiting is not None:
            meter.create_observable_gauge(
                "texml_mcp.approvals.waiting",
                [_observing(waiting)],
                unit="{approval}",
                description="Requests that wait for an approver, of all servers on the same store.",
            )

    def began(self) -> None:
        """A call runs."""
        self._running.add(1)

    def ended(
        self, tool: str, facts: Facts, status: str, code: str, outcome: str, seconds: float, tokens: int
    ) -> None:
        """A call is over."""
        self._running.add(-1)
        self._calls.add(
            1,
            {
                "tool": tool,
                "status": status,
                "decision": facts.decision or "none",
                "approval": facts.approval or "none",
                "outcome": outcome,
            },
        )
        self._duration.record(seconds, {"tool": tool, "status": status})
        if tokens:
            self._tokens.record(tokens, {"tool": tool})
        if (limit := _LIMITED_BY.get(code)) is not None:
            self._limited.add(1, {"by": limit})

    def travelled(self, facts: Facts) -> None:
        """The requests that a call made to the API."""
        for trip in facts.trips:
            status = "none" if trip.status is None else f"{trip.status // 100}xx"
            self._upstream.record(trip.seconds, {"endpoint": trip.endpoint, "status": status})


def _observing(waiting: Waiting) -> Callable[[CallbackOptions], Iterable[Observation]]:
    from opentelemetry.metrics import Observation

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        count = waiting()
        return [] if count is None else [Observation(count)]

    return observe
