"""Two traces side by side: which tasks flipped, and how much each measure moved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from texml_mcp.evals.metrics import MEANS, RATES, Measure, Pair, Tally, difference, pass_hat, tallies
from texml_mcp.evals.trace import Trace

# Five tasks that all moved one way may have done so by chance: 2 * 0.5 ** 5 is more than 0.05.
FEWEST_TASKS = 6


@dataclass(frozen=True, slots=True)
class Flip:
    """A task that succeeds more often in one of the traces: `[successes, runs]` in each."""

    task: str
    here: tuple[int, int]
    there: tuple[int, int]

    @property
    def gained(self) -> bool:
        return self.there[0] * self.here[1] > self.here[0] * self.there[1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`moved` holds for each measure what it was, what it is, and the difference with its interval.

    Only tasks that are in both traces, and the same in both, are counted: `tasks` of them.
    """

    warnings: list[str]
    tasks: int
    flips: list[Flip]
    moved: dict[str, tuple[float | None, float | None, Measure]]

    def clear(self, name: str) -> bool:
        """Whether a measure moved by more than chance explains."""
        by = self.moved[name][2]
        known = by.low is not None and by.high is not None and (by.low > 0 or by.high < 0)
        return known and self.tasks >= FEWEST_TASKS

    def as_json(self) -> dict[str, Any]:
        moved = {
            name: {"here": here, "there": there, "difference": asdict(by), "clear": self.clear(name)}
            for name, (here, there, by) in self.moved.items()
        }
        flips = [{**asdict(each), "gained": each.gained} for each in self.flips]
        return {"warnings": self.warnings, "tasks": self.tasks, "flips": flips, "measures": moved}


def compare(one: Trace, other: Trace) -> Comparison:
    """What has changed from one trace to the other, by the scores that they hold."""
    here, there = tallies(one.in_order()), tallies(other.in_order())
    entries, others = one.header.tasks, other.header.tasks
    common = [
        task for task in sorted(here.keys() & there.keys()) if entries[task].digest == others[task].digest
    ]
    flips = [
        Flip(task, _rate(here[task]), _rate(there[task]))
        for task in common
        if here[task].successes * there[task].runs != there[task].successes * here[task].runs
    ]
    moved: dict[str, tuple[float | None, float | None, Measure]] = {}
    for k in range(1, min(one.header.trials, other.header.trials) + 1):
        tried = [task for task in common if min(here[task].runs, there[task].runs) >= k]
        pairs = [
            [(pass_hat(each[task].successes, each[task].runs, k), 1.0) for task in tried]
            for each in (here, there)
        ]
        moved[f"pass^{k}"] = _moved(*pairs)
    for name, of in {**RATES, **MEANS}.items():
        moved[name] = _moved([of(here[task]) for task in common], [of(there[task]) for task in common])
    if not all(any(each[task].usage for task in common) for each in (here, there)):
        del moved["usage_per_success"]  # no model has said what it used, in one of them or in both
    return Comparison(_warnings(one, other, len(common)), len(common), flips, moved)


def _moved(here: list[Pair], there: list[Pair]) -> tuple[float | None, float | None, Measure]:
    return _of(here), _of(there), difference(here, there)


def _of(pairs: list[Pair]) -> float | None:
    below = sum(pair[1] for pair in pairs)
    return sum(pair[0] for pair in pairs) / below if below else None


def _rate(tally: Tally) -> tuple[int, int]:
    return tally.successes, tally.runs


def _warnings(one: Trace, other: Trace, common: int) -> list[str]:
    """What keeps the two from being compared as one would think."""
    found: list[str] = []
    here, there = one.header, other.header
    if here.tasks.keys() != there.tasks.keys():
        alone, too = len(here.tasks.keys() - there.tasks.keys()), len(there.tasks.keys() - here.tasks.keys())
        found.append(f"the task sets differ: {alone} tasks are only in the first, {too} only in the second")
    both = here.tasks.keys() & there.tasks.keys()
    if changed := sum(1 for task in both if here.tasks[task].digest != there.tasks[task].digest):
        found.append(f"{changed} tasks have changed in between and are left out")
    graders = [{run.score.grader for run in trace.runs.values()} for trace in (one, other)]
    if graders[0] != graders[1]:
        shown = [" and ".join(sorted(each)) or "none" for each in graders]
        found.append(f"the graders differ: {shown[0]} and {shown[1]}; grade both anew with eval score --out")
    for name, what in (("server", "servers"), ("texml_mcp", "versions of texml-mcp"), ("seed", "seeds")):
        if (first := getattr(here, name)) != (second := getattr(there, name)):
            found.append(f"the {what} differ: {first} and {second}")
    options = here.options.keys() | there.options.keys()
    if here.server != there.server:
        options -= {"server_digest"}  # how they are set up differs by itself then
    for name in sorted(options):
        if (first := here.options.get(name)) != (second := there.options.get(name)):
            found.append(f"the option {name} differs: {first} and {second}")
    if here.trials != there.trials:
        found.append(f"the numbers of trials differ: {here.trials} and {there.trials}")
    for trace in (one, other):
        if missing := len(trace.header.tasks) * trace.header.trials - len(trace.runs):
            found.append(f"{trace.path} is not finished: {missing} runs are missing")
    if not common:
        found.append("no task is in both: there is nothing to compare")
    return found
