"""What this process has sent lately: the counts that budgets and loop breakers look at."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

KEPT_SECONDS = 86_400.0
MOST_SERIES = 10_000
MOST_ENTRIES = 10_000


class MemoryUsage:
    """Entries by series, for a day. Bounded: a flood of series drops the one unused for longest."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._series: OrderedDict[str, deque[tuple[float, float]]] = OrderedDict()

    def add(self, series: str, at: float, amount: float = 1.0) -> None:
        """Note an amount at a time (seconds since 1970); one in the future counts once it has come."""
        entries = self._series.setdefault(series, deque(maxlen=MOST_ENTRIES))
        self._series.move_to_end(series)
        while entries and entries[0][0] < at - KEPT_SECONDS:
            entries.popleft()
        entries.append((at, amount))
        while len(self._series) > MOST_SERIES:
            self._series.popitem(last=False)

    def count(self, series: str, since: float) -> int:
        now = self._clock()
        return sum(1 for at, _ in self._series.get(series, ()) if since <= at <= now)

    def total(self, series: str, since: float) -> float:
        now = self._clock()
        return sum(amount for at, amount in self._series.get(series, ()) if since <= at <= now)
