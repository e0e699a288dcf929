"""Time in a world: it moves when told to, or follows real time when asked; reads never move it.

Due events happen in one total order: by time, then by what they happen to, then as they were planned. The
second part makes independent steps commute: it does not matter which of two calls was placed first.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

# Noon on a Thursday: inside business hours in every American and European zone.
START = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC).timestamp()


@dataclass(slots=True)
class Clock:
    """Seconds since 1970, and what is due. An event is `(at, target, order, name, arguments)`: plain data."""

    now: float = START
    order: int = 0
    due: list[tuple[float, str, int, str, list[Any]]] = field(
        default_factory=list[tuple[float, str, int, str, list[Any]]]
    )

    def plan(self, after: float, name: str, *arguments: Any) -> None:
        """Have an event happen `after` seconds from now."""
        self.order += 1
        target = str(arguments[0]) if arguments else ""
        heapq.heappush(self.due, (self.now + max(0.0, after), target, self.order, name, list(arguments)))

    def next_before(self, moment: float) -> tuple[str, list[Any]] | None:
        """Take the next event that is due by `moment`, and move to its time."""
        if not self.due or self.due[0][0] > moment:
            return None
        at, _, _, name, arguments = heapq.heappop(self.due)
        self.now = max(self.now, at)
        return name, arguments


def rfc2822(moment: float | None) -> str | None:
    """`Thu, 15 Jun 2023 09:56:45 +0000`, as calls, conferences, participants, queues and SIPREC have it."""
    return None if moment is None else format_datetime(_at(moment))


def iso(moment: float | None) -> str | None:
    """`2023-08-11T19:12:11Z`, as recordings, transcriptions and streams have it."""
    return None if moment is None else _at(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_millis(moment: float) -> str:
    """`2020-02-02T22:25:27.521Z`, as applications have it."""
    return _at(moment).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(moment * 1000) % 1000:03d}Z"


def _at(moment: float) -> datetime:
    return datetime.fromtimestamp(int(moment), UTC)
