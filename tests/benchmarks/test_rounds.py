"""Rounds, ratios and targets: how servers are compared on a machine that is never quiet."""

from __future__ import annotations

import pytest

from benchmarks.stats import against, in_turns, judged, percentile, ratio
from benchmarks.upstream import key


def test_everybody_takes_a_turn_each_round_and_another_goes_first() -> None:
    order: list[str] = []

    def turn(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = in_turns(3, {name: lambda name=name: turn(name) for name in "abc"}, warm=0)
    assert "".join(order) == "abcbcacab"
    assert taken == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_the_warm_rounds_are_not_counted() -> None:
    values = iter(range(10))
    assert in_turns(2, {"a": lambda: float(next(values))}, warm=3) == {"a": [3.0, 4.0]}


def test_a_ratio_is_of_pairs_so_that_a_slow_spell_counts_for_both() -> None:
    base = [1.0, 1.0, 100.0, 1.0]
    assert ratio([2.0, 2.0, 200.0, 2.0], base) == 2.0


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile([5, 1, 4, 2, 3], 1.0) == 5


def test_a_row_holds_median_tail_and_ratio_to_the_base() -> None:
    ours, bare = against("bare", {"ours": [0.002, 0.004, 0.003], "bare": [0.002, 0.002, 0.002]})
    assert ours == {"what": "ours", "p50 ms": 3.0, "p99 ms": 4.0, "of bare": 1.5}
    assert bare["of bare"] == 1.0


@pytest.mark.parametrize(
    ("value", "least", "met"),
    [(1.05, False, "yes"), (1.06, False, "NO"), (0.9, True, "NO"), (1.05, True, "yes")],
)
def test_a_target_is_met_or_not(value: float, least: bool, met: str) -> None:
    assert judged({"of bare": value}, "of bare", 1.05, least=least)["met"] == met


def test_every_server_finds_the_same_answer_under_its_own_address() -> None:
    for address in (
        "/v2/texml/Accounts/acc/Calls/v3:a-b",
        "/v2/texml/Accounts/acc/Calls/v3%3Aa-b?detail=full",
        "/2010-04-01/Accounts/AC0/Calls/v3:a-b.json",
    ):
        assert key("GET", address) == "GET Calls/v3:a-b"
    assert key("GET", "/v2/texml_applications/1") == "GET texml_applications/1"
