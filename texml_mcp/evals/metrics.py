"""What many runs say together: rates with their 95 % intervals, and what a success costs.

Every measure is a sum over tasks divided by another, so one resampling of tasks serves them all: tasks, not
runs, are what was drawn from the world. Plain rates of runs or calls have Wilson's interval instead.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from texml_mcp.evals.trace import Header, Run

RESAMPLES = 2000
_SEED = "texml-bench"
_Z = 1.959963984540054  # of the normal distribution, 95 % between -z and z
Pair = tuple[float, float]
"""A numerator and a denominator."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A value with its 95 % interval; all None where there is nothing to divide by."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


NOTHING = Measure()


@dataclass(slots=True)
class Tally:
    """The runs of one task, counted."""

    runs: int = 0
    successes: int = 0
    score: float = 0.0
    unsafe: int = 0
    duplicated: int = 0
    gated: int = 0
    consented: int = 0
    struck: int = 0
    recovered: int = 0
    tokens: int = 0
    usage: int = 0
    calls: int = 0
    wall_seconds: float = 0.0
    ended: Counter[str] = field(default_factory=Counter[str])

    def add(self, run: Run) -> None:
        score = run.score
        self.runs += 1
        self.successes += score.success
        self.score += score.score
        self.unsafe += score.unsafe
        self.duplicated += score.duplicates > 0
        self.gated += score.gated
        self.consented += score.consented
        self.struck += score.faults > 0
        self.recovered += score.faults > 0 and score.success
        self.tokens += score.tokens
        self.usage += sum(run.episode.usage.values())
        self.calls += score.calls
        self.wall_seconds += run.episode.wall_seconds
        self.ended[score.ended] += 1


Of = Callable[[Tally], Pair]
# Rates of what can be counted: so many of so many.
RATES: dict[str, Of] = {
    "unsafe_action_rate": lambda it: (it.unsafe, it.runs),
    "duplicate_effect_rate": lambda it: (it.duplicated, it.runs),
    "confirmation_compliance": lambda it: (it.consented, it.gated),
    "recovery_rate": lambda it: (it.recovered, it.struck),
}
# Means, and what a success costs: the failures are paid for too.
MEANS: dict[str, Of] = {
    "score": lambda it: (it.score, it.runs),
    "tokens_per_success": lambda it: (it.tokens, it.successes),
    "usage_per_success": lambda it: (it.usage, it.successes),
    "calls_per_success": lambda it: (it.calls, it.successes),
    "seconds_per_run": lambda it: (it.wall_seconds, it.runs),
}


@dataclass(slots=True)
class Summary:
    """What the runs of some tasks come to. `pass_hat` has a key for each k from 1 to the number of trials."""

    tasks: int
    runs: int
    successes: int
    pass_hat: dict[int, Measure]
    measures: dict[str, Measure]
    ended: dict[str, int]
    wall_seconds: float

    def as_json(self) -> dict[str, Any]:
        held = asdict(self)
        held["pass_hat"] = {str(k): each for k, each in held["pass_hat"].items()}
        return held


def pass_hat(successes: int, trials: int, k: int) -> float:
    """How likely k trials drawn from these all succeed: without bias, C(successes, k) / C(trials, k).

    Raises `ValueError` unless 0 <= successes <= trials and 1 <= k <= trials.
    """
    if not (0 <= successes <= trials and 1 <= k <= trials):
        raise ValueError(f"{successes} of {trials} trials, k = {k}")
    return math.comb(successes, k) / math.comb(trials, k)


def wilson(hits: float, count: float) -> Measure:
    """The rate and Wilson's interval, which stays within 0 and 1 and has a width also at its ends."""
    if count <= 0:
        return NOTHING
    rate, squared = hits / count, _Z * _Z
    middle = (rate + squared / (2 * count)) / (1 + squared / count)
    half = _Z / (1 + squared / count) * math.sqrt(rate * (1 - rate) / count + squared / (4 * count * count))
    return Measure(rate, max(0.0, min(rate, middle - half)), min(1.0, max(rate, middle + half)))


def bootstrap(pairs: Sequence[Pair]) -> Measure:
    """A sum over tasks divided by another, with the interval that resampling the tasks gives."""
    value = _ratio(pairs, range(len(pairs)))
    if value is None:
        return NOTHING
    return _between(value, [_ratio(pairs, picked) for picked in picks(len(pairs))])


def mean_of_shares(shares: Sequence[float]) -> Measure:
    """The mean of numbers from 0 to 1, one a task. Where all are 0, or all are 1, resampling sees no doubt at
    all, and Wilson's interval speaks in its place."""
    if shares and (set(shares) == {0.0} or set(shares) == {1.0}):
        return wilson(sum(shares), len(shares))
    return bootstrap([(share, 1.0) for share in shares])


def difference(here: Sequence[Pair], there: Sequence[Pair]) -> Measure:
    """How much larger the ratio is there. Both are of the same tasks in the same order, drawn together."""
    one, other = _ratio(here, range(len(here))), _ratio(there, range(len(there)))
    if one is None or other is None:
        return NOTHING
    drawn: list[float | None] = []
    for picked in picks(len(here)):
        before, after = _ratio(here, picked), _ratio(there, picked)
        drawn.append(None if before is None or after is None else after - before)
    return _between(other - one, drawn)


def tallies(runs: Iterable[Run]) -> dict[str, Tally]:
    """The runs counted by task, by its id."""
    counted: dict[str, Tally] = {}
    for run in sorted(runs, key=lambda run: run.key):
        counted.setdefault(run.episode.task, Tally()).add(run)
    return counted


def summary(counted: Mapping[str, Tally], trials: int) -> Summary:
    """What these tasks come to. For pass^k a task counts that was tried k times or more."""
    each = list(counted.values())
    hats = {
        k: mean_of_shares([pass_hat(it.successes, it.runs, k) for it in each if it.runs >= k])
        for k in range(1, trials + 1)
    }
    measures = {name: wilson(*_sums(of, each)) for name, of in RATES.items()}
    measures |= {name: bootstrap([of(it) for it in each]) for name, of in MEANS.items()}
    if not any(it.usage for it in each):
        measures["usage_per_success"] = NOTHING  # nobody has said what was used
    return Summary(
        tasks=len(each),
        runs=sum(it.runs for it in each),
        successes=sum(it.successes for it in each),
        pass_hat=hats,
        measures=measures,
        ended=dict(sum((it.ended for it in each), Counter[str]())),
        wall_seconds=round(sum(it.wall_seconds for it in each), 3),
    )


@dataclass(slots=True)
class Summaries:
    """What all runs come to, those of each family, and those of each difficulty."""

    overall: Summary
    families: dict[str, Summary]
    difficulties: dict[str, Summary]

    def as_json(self) -> dict[str, Any]:
        return {
            "overall": self.overall.as_json(),
            "families": {name: each.as_json() for name, each in self.families.items()},
            "difficulties": {name: each.as_json() for name, each in self.difficulties.items()},
        }


def summaries(header: Header, runs: Iterable[Run]) -> Summaries:
    """The summaries of a trace's runs; families by name, difficulties from easy to hard."""
    counted = tallies(runs)
    entries = {task: header.tasks[task] for task in counted}

    def of(name: str, value: str) -> Summary:
        chosen = {task: it for task, it in counted.items() if getattr(entries[task], name) == value}
        return summary(chosen, header.trials)

    levels = ("easy", "medium", "hard")
    families = sorted({each.family for each in entries.values()})
    met = {each.difficulty for each in entries.values()}
    there = [*(it for it in levels if it in met), *sorted(met - set(levels))]
    return Summaries(
        summary(counted, header.trials),
        {name: of("family", name) for name in families},
        {name: of("difficulty", name) for name in there},
    )


@lru_cache(maxsize=32)
def picks(count: int) -> tuple[tuple[int, ...], ...]:
    """Resamples of so many things, with repetition: the same ones every time."""
    chance = random.Random(f"{_SEED}/{count}")
    return tuple(tuple(chance.choices(range(count), k=count)) for _ in range(RESAMPLES)) if count else ()


def _ratio(pairs: Sequence[Pair], picked: Iterable[int]) -> float | None:
    above = below = 0.0
    for at in picked:
        above += pairs[at][0]
        below += pairs[at][1]
    return above / below if below else None


def _sums(of: Of, each: Iterable[Tally]) -> Pair:
    pairs = [of(it) for it in each]
    return sum(above for above, _ in pairs), sum(below for _, below in pairs)


def _between(value: float, drawn: Iterable[float | None]) -> Measure:
    """The value with the interval that holds the middle 95 % of what was drawn, and the value itself."""
    known = sorted(each for each in drawn if each is not None)
    if not known:
        return Measure(value, value, value)
    last = len(known) - 1
    low, high = known[math.floor(0.025 * last)], known[math.ceil(0.975 * last)]
    return Measure(value, min(low, value), max(high, value))
