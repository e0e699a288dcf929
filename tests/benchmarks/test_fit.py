"""Cost against size: flat, linear, or flagged."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale.fit import TOLERANCE, fit

SIZES = (10, 100, 1000, 10_000)


def test_a_cost_that_stays_is_flat() -> None:
    assert fit([(size, 3.0) for size in SIZES]).kind == "flat"


def test_an_index_that_is_a_level_deeper_is_still_flat() -> None:
    assert fit([(10, 1.0), (100, 1.2), (1000, 1.4)]).kind == "flat"


def test_a_cost_that_falls_is_flat() -> None:
    assert fit([(10, 9.0), (100, 2.0), (1000, 1.0)]).kind == "flat"


@given(base=st.floats(0, 100), slope=st.floats(1, 100), off=st.floats(-TOLERANCE / 3, TOLERANCE / 3))
def test_a_line_is_linear_whatever_it_starts_at_and_a_little_off(
    base: float, slope: float, off: float
) -> None:
    points = [(size, (base + slope * size) * (1 + off * (-1) ** turn)) for turn, size in enumerate(SIZES)]
    found = fit(points)
    assert found.kind == "linear"
    assert found.slope == pytest.approx(slope, rel=0.5)


@pytest.mark.parametrize("power", [0.5, 1.5, 2, 3])
def test_what_grows_faster_or_slower_than_a_line_is_flagged(power: float) -> None:
    assert fit([(size, size**power) for size in SIZES]).kind == "neither"


def test_a_jump_is_flagged() -> None:
    assert fit([(10, 1.0), (100, 1.0), (1000, 40.0), (10_000, 41.0)]).kind == "neither"


@given(st.lists(st.floats(1e-9, 1e3), min_size=3, max_size=5))
def test_any_costs_are_judged(costs: list[float]) -> None:
    points = list(zip((1, 10, 100, 1000, 10_000), costs, strict=False))
    found = fit(points)
    assert found.kind in ("flat", "linear", "neither")
    if found.kind == "linear":
        assert any(late > early for (_, early), (_, late) in pairwise(points))
