"""What this process has sent lately: the counts that budgets and loop breakers look at."""

from __future__ import annotations

from collections import OrderedDict, deque

KEPT_SECONDS = 86_400.0
MOST_SERIES = 10_000
MOST_ENTRIES = 10_000


class MemoryUsage:
    """Entries by series, for a day. Bounded: a flood of series drops the one unused for longest."""

    def __init__(self) -> None:
        self._series: OrderedDict[str, deque[tuple[float, float]]] = OrderedDict()

    def add(self, series: str, at: float, amount: float = 1.0) -> None:
        """Note something that has been sent; `at` in seconds since 1970."""
        entries = self._series.setdefault(series, deque(maxlen=MOST_ENTRIES))
        self._series.move_to_end(series)
        while entries and entries[0][0] < at - KEPT_SECONDS:
            entries.popleft()
        entries.append((at, amount))
        while len(self._series) > MOST_SERIES:
            self._series.popitem(last=False)

    def count(self, series: str, since: float) -> int:
        return sum(1 for at, _ in self._series.get(series, ()) if at >= since)

    def total(self, series: str, since: float) -> float:
        return sum(amount for at, amount in self._series.get(series, ()) if at >= since)
