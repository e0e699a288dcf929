"""Numbers from rounds: taken in turns, told as medians and ratios, so that a noisy machine is fair to all."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def in_turns(
    rounds: int, tasks: Mapping[str, Callable[[], float]], *, warm: int = 1
) -> dict[str, list[float]]:
    """What each task answers, round after round. Who is first moves on with every round."""
    names = list(tasks)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warm + rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            value = tasks[name]()
            if turn >= warm:
                taken[name].append(value)
    return taken


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed, by rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of the ratios pair by pair: both of a pair saw the same machine."""
    return statistics.median(value / other for value, other in zip(values, base, strict=True))


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2 if seconds < 0.1 else 1)


def against(
    base: str, taken: Mapping[str, Sequence[float]], *, tail: float = 0.99, tail_name: str = "p99 ms"
) -> list[Row]:
    """A row a name: median, tail, and how many times the base it takes. `taken` is in seconds."""
    return [
        {
            "what": name,
            "p50 ms": milliseconds(statistics.median(values)),
            tail_name: milliseconds(percentile(values, tail)),
            f"of {base}": round(ratio(values, taken[base]), 2),
        }
        for name, values in taken.items()
    ]


def judged(row: Row, key: str, target: float, *, least: bool = False) -> Row:
    """The row with its target, and whether it is met."""
    met = row[key] >= target if least else row[key] <= target
    return row | {"target": f"{key} {'≥' if least else '≤'} {target:g}", "met": "yes" if met else "NO"}
