"""The measures: held to what they are defined as, by counting, not by figures that once came out."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp.evals.comparison import compare
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.grading import Score
from texml_mcp.evals.metrics import (
    bootstrap,
    difference,
    mean_of_shares,
    pass_hat,
    picks,
    summaries,
    summary,
    tallies,
    wilson,
)
from texml_mcp.evals.trace import Entry, Header, Run, Trace

counts = st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n)))
shares = st.lists(st.floats(0, 1), min_size=1, max_size=12)
pairs = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), min_size=1, max_size=12)


@given(counts)
def test_pass_hat_is_the_share_of_draws_that_all_succeed(drawn: tuple[int, int, int]) -> None:
    successes, trials, k = drawn
    runs = [True] * successes + [False] * (trials - successes)
    draws = [all(chosen) for chosen in combinations(runs, k)]
    assert pass_hat(successes, trials, k) == pytest.approx(sum(draws) / len(draws))


@given(st.fractions(0, 1, max_denominator=50), st.integers(1, 8), st.integers(1, 8))
def test_pass_hat_is_without_bias(p: Fraction, trials: int, k: int) -> None:
    """Over all that may come out of so many trials, its mean is the chance that k in a row succeed."""
    if k > trials:
        return
    mean = sum(
        math.comb(trials, c)
        * p**c
        * (1 - p) ** (trials - c)
        * Fraction(math.comb(c, k), math.comb(trials, k))
        for c in range(trials + 1)
    )
    assert mean == p**k
    assert pass_hat(trials, trials, k) == 1.0


@given(counts)
def test_pass_hat_falls_with_k(drawn: tuple[int, int, int]) -> None:
    successes, trials, _ = drawn
    hats = [pass_hat(successes, trials, k) for k in range(1, trials + 1)]
    assert hats == sorted(hats, reverse=True)
    assert hats[0] == successes / trials
    assert hats[-1] == (successes == trials)


@pytest.mark.parametrize("drawn", [(2, 1, 1), (-1, 3, 1), (1, 3, 0), (1, 3, 4)])
def test_pass_hat_of_what_cannot_be_is_refused(drawn: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="trials, k ="):
        pass_hat(*drawn)


def test_wilson_by_the_book() -> None:
    found = wilson(8, 10)
    assert found.value == 0.8
    assert found.low == pytest.approx(0.4902, abs=1e-4)
    assert found.high == pytest.approx(0.9433, abs=1e-4)
    assert wilson(0, 0).value is None


@given(counts)
def test_wilson_holds_the_rate_and_has_a_width(drawn: tuple[int, int, int]) -> None:
    hits, count, _ = drawn
    found, mirrored = wilson(hits, count), wilson(count - hits, count)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= hits / count <= found.high <= 1
    assert found.high - found.low > 0.05
    assert (mirrored.low, mirrored.high) == (pytest.approx(1 - found.high), pytest.approx(1 - found.low))


def test_wilson_holds_the_truth_about_as_often_as_it_says() -> None:
    count = 40
    intervals = [wilson(hits, count) for hits in range(count + 1)]
    for rate in (0.05, 0.2, 0.5, 0.8, 0.95):
        held = sum(
            math.comb(count, hits) * rate**hits * (1 - rate) ** (count - hits)
            for hits, each in enumerate(intervals)
            if each.low is not None and each.high is not None and each.low <= rate <= each.high
        )
        assert 0.92 < held < 0.985


@given(pairs)
def test_a_bootstrap_holds_the_value_and_stays_among_its_tasks(drawn: list[tuple[int, int]]) -> None:
    found = bootstrap(drawn)
    assert found.low is not None
    assert found.high is not None
    assert found.value == pytest.approx(sum(a for a, _ in drawn) / sum(b for _, b in drawn))
    ratios = [a / b for a, b in drawn]
    assert min(ratios) - 1e-9 <= found.low <= found.value <= found.high <= max(ratios) + 1e-9
    assert found == bootstrap(drawn)


@given(shares)
def test_a_mean_of_shares_stays_between_0_and_1(drawn: list[float]) -> None:
    found = mean_of_shares(drawn)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1 + 1e-9


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_tasks_that_all_agree_are_no_proof(share: float) -> None:
    found = mean_of_shares([share] * 3)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > 0.4
    assert mean_of_shares([]).value is None


@given(pairs)
def test_nothing_has_moved_from_a_trace_to_itself(drawn: list[tuple[int, int]]) -> None:
    found = difference(drawn, drawn)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_resamples_are_the_same_in_every_process() -> None:
    assert picks(0) == ()
    assert picks(5)[0] == (4, 0, 3, 1, 2)


# --- runs by hand


def made(task: str, trial: int, success: bool, **score: object) -> Run:
    usage = {"input_tokens": 100} if score.pop("usage", False) else {}
    episode = Episode(task, trial, 0, usage=usage, wall_seconds=2.0)
    return Run(episode, Score(task, trial, success, float(success), **score), "d")  # type: ignore[arg-type]


def traced(runs: list[Run], trials: int = 2, **changes: object) -> Trace:
    entries = {
        run.episode.task: Entry(digest="d", family=run.episode.task[0], difficulty="easy") for run in runs
    }
    told = {"grader": "1", "texml_mcp": "1", "agent": "a", "server": "s", "seed": 0, "started": "", **changes}
    header = Header(tasks=entries, trials=trials, **told)  # type: ignore[arg-type]
    return Trace(Path("t"), header, runs={run.key: run for run in runs})


def test_a_summary_counts_what_it_says() -> None:
    runs = [
        made("a", 1, True, tokens=100, calls=2, gated=2, consented=2, faults=1),
        made("a", 2, False, tokens=300, calls=6, gated=2, consented=1, faults=1, mines=["m"], usage=True),
        made("b", 1, True, tokens=100, calls=2),
        made("b", 2, True, tokens=100, calls=2, duplicates=1, ended="done"),
    ]
    found = summary(tallies(runs), 2)
    assert (found.tasks, found.runs, found.successes) == (2, 4, 3)
    assert found.pass_hat[1].value == 0.75
    assert found.pass_hat[2].value == 0.5
    values = {name: each.value for name, each in found.measures.items()}
    assert values == {
        "score": 0.75,
        "unsafe_action_rate": 0.25,
        "duplicate_effect_rate": 0.25,
        "confirmation_compliance": 0.75,
        "recovery_rate": 0.5,
        "tokens_per_success": 200,
        "usage_per_success": pytest.approx(100 / 3),
        "calls_per_success": 4,
        "seconds_per_run": 2,
    }
    assert found.wall_seconds == 8
    assert found.ended == {"done": 4}


def test_what_cannot_be_said_is_null() -> None:
    found = summary(tallies([made("a", 1, False)]), 3).as_json()
    empty = {"value": None, "low": None, "high": None}
    for name in (
        "confirmation_compliance",
        "recovery_rate",
        "tokens_per_success",
        "calls_per_success",
        "usage_per_success",
    ):
        assert found["measures"][name] == empty
    assert found["pass_hat"]["1"]["value"] == 0
    assert found["pass_hat"]["3"] == empty  # it was not tried three times yet
    assert summary({}, 1).as_json()["measures"]["score"] == empty


def test_families_and_difficulties_have_their_own() -> None:
    trace = traced([made("a1", 1, True), made("a2", 1, False), made("b1", 1, True)], trials=1)
    found = summaries(trace.header, trace.in_order())
    assert {name: each.pass_hat[1].value for name, each in found.families.items()} == {"a": 0.5, "b": 1.0}
    assert found.difficulties["easy"].runs == found.overall.runs == 3


def test_a_comparison_names_flips_and_how_far_measures_moved() -> None:
    one = traced([made(f"t{n}", trial, n > 5) for n in range(8) for trial in (1, 2)])
    other = traced([made(f"t{n}", trial, n > 0) for n in range(8) for trial in (1, 2)])
    found = compare(one, other)
    assert [(each.task, each.here, each.there, each.gained) for each in found.flips] == [
        (f"t{n}", (0, 2), (2, 2), True) for n in range(1, 6)
    ]
    assert found.moved["pass^2"][:2] == (0.25, 0.875)
    assert found.clear("pass^2")
    assert found.warnings == []
    back = compare(other, one)
    assert back.moved["pass^2"][2].value == -0.625
    assert not any(each.gained for each in back.flips)


def test_a_comparison_of_few_tasks_is_never_clear() -> None:
    one, other = traced([made("a", 1, False)], trials=1), traced([made("a", 1, True)], trials=1)
    assert compare(one, other).moved["pass^1"][2].low == 1
    assert not compare(one, other).clear("pass^1")


def test_a_comparison_warns_of_what_differs() -> None:
    one = traced([made("a", 1, True), made("b", 1, True, grader="0")])
    other = traced([made("a", 1, True), made("c", 1, True)], trials=1, server="z", seed=2, texml_mcp="2")
    other.header.tasks["a"] = Entry(digest="e", family="a", difficulty="easy")
    found = compare(one, other)
    assert found.tasks == 0
    assert found.warnings == [
        "the task sets differ: 1 tasks are only in the first, 1 only in the second",
        "1 tasks have changed in between and are left out",
        "the graders differ: 0 and 1 and 1; grade both anew with eval score --out",
        "the servers differ: s and z",
        "the versions of texml-mcp differ: 1 and 2",
        "the seeds differ: 0 and 2",
        "the numbers of trials differ: 2 and 1",
        "t is not finished: 2 runs are missing",
        "no task is in both: there is nothing to compare",
    ]
