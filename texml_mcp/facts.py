"""What is worth knowing about one call when it is over, for telemetry and logs.

Filled by whoever knows, on the way of the call. Nothing in it is the value of an argument or of an
answer: no number, no SID, no name, no text.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Trip:
    """One request to the API that has ended.

    `endpoint` is its id; `status` is None when no answer came; `again` says that it repeats a trip that
    failed.
    """

    endpoint: str
    status: int | None
    seconds: float
    again: bool = False


@dataclass(slots=True)
class Facts:
    """One call: how policy ruled, how it was approved, whether a write left, its requests to the API."""

    decision: str = ""
    rule: str = ""
    approval: str = ""
    left: bool = False
    trips: list[Trip] = field(default_factory=list[Trip])

    def ruled(self, decision: str, rule: str) -> None:
        """Note what policy and guards say."""
        self.decision, self.rule = decision, rule

    @property
    def upstream_ms(self) -> float:
        """How long the API was waited for, in milliseconds."""
        return round(sum(trip.seconds for trip in self.trips) * 1000, 1)

    @property
    def upstream_status(self) -> int | None:
        """The last answer's status: of a write that was sent, its own."""
        return self.trips[-1].status if self.trips else None

    @property
    def retries(self) -> int:
        """How many requests repeated one that had failed."""
        return sum(trip.again for trip in self.trips)


# The client sits below everything that knows of a call, and is reached through many functions.
running: ContextVar[Facts | None] = ContextVar("running", default=None)
"""The facts of the call that runs in this context."""
