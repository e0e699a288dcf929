"""Whether a cost is flat, linear, or neither in the size it was measured at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FLAT_EXPONENT = 0.1  # a thousand times the size at most doubles the cost: the depth of an index, and noise
TOLERANCE = 0.35  # how far a point may lie from the line, as a share of itself


@dataclass(frozen=True, slots=True)
class Fit:
    """`slope` is cost a unit of size, where the cost is linear."""

    kind: Literal["flat", "linear", "neither"]
    slope: float = 0.0


def fit(points: Sequence[tuple[float, float]]) -> Fit:
    """Judge (size, cost) points, the sizes rising. A cost that falls as the size grows is flat."""
    sizes = [size for size, _ in points]
    costs = [cost for _, cost in points]
    if max(costs) / costs[0] <= (sizes[-1] / sizes[0]) ** FLAT_EXPONENT:
        return Fit("flat")
    # Squares of relative errors: the smallest size counts as much as the largest.
    weights = [1 / cost**2 for cost in costs]
    total = sum(weights)
    mean_size = sum(w * size for w, size in zip(weights, sizes, strict=True)) / total
    mean_cost = sum(w * cost for w, cost in zip(weights, costs, strict=True)) / total
    spread = sum(w * (size - mean_size) ** 2 for w, size in zip(weights, sizes, strict=True))
    slope = (
        sum(
            w * (size - mean_size) * (cost - mean_cost)
            for w, size, cost in zip(weights, sizes, costs, strict=True)
        )
        / spread
    )
    base = mean_cost - slope * mean_size
    off = max(abs(base + slope * size - cost) / cost for size, cost in points)
    return Fit("linear", slope) if slope > 0 and off <= TOLERANCE else Fit("neither", slope)
