"""Old runs under today's grader and today's tasks; what cannot be compared any more is said, not graded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from texml_mcp.evals.grading import Score, grade
from texml_mcp.evals.model import Task
from texml_mcp.evals.run import NOTHING_EXPECTED
from texml_mcp.evals.tasks import digest
from texml_mcp.evals.trace import Run, Trace


@dataclass(slots=True)
class Regraded:
    """`runs` hold the new scores; `before` the ones they had. `left_out` says of a task why not."""

    runs: list[Run] = field(default_factory=list[Run])
    before: dict[tuple[str, int], Score] = field(default_factory=dict[tuple[str, int], Score])
    left_out: dict[str, str] = field(default_factory=dict[str, str])

    def changes(self) -> list[dict[str, Any]]:
        """`{task, trial, before, after}` of each run that is worth something else now, with what differs."""
        found: list[dict[str, Any]] = []
        for run in self.runs:
            before, after = _worth(self.before[run.key]), _worth(run.score)
            names = [name for name in after if before[name] != after[name]]
            if names:
                one, other = ({name: each[name] for name in names} for each in (before, after))
                found.append({"task": run.key[0], "trial": run.key[1], "before": one, "after": other})
        return found


def regraded(trace: Trace, tasks: Mapping[str, Task]) -> Regraded:
    """The runs of a trace, graded anew. Raises nothing."""
    result = Regraded()
    for run in trace.in_order():
        task = tasks.get(run.episode.task)
        if task is None:
            result.left_out[run.episode.task] = "there is no such task any more"
            continue
        if digest(task) != run.digest:
            result.left_out[task.id] = "the task is not what it was when it was run"
            continue
        expected = trace.expected.get(task.id)
        if expected is None and run.episode.ended != "task_failed":
            result.left_out[task.id] = "the trace does not hold what its reference comes to"
            continue
        try:
            score = grade(task, run.episode, expected or NOTHING_EXPECTED)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # Lines that our own recorder did not write may hold anything within their shape.
            result.left_out[task.id] = f"its run cannot be graded: {type(error).__name__} {error}"[:200]
            continue
        result.before[run.key] = run.score
        result.runs.append(Run(run.episode, score, run.digest))
    return result


def _worth(score: Score) -> dict[str, Any]:
    """What of a score counts, in plain data; not which grader it is from, nor how it words things."""
    held = asdict(score)
    held["checks"] = {each["name"]: each["passed"] for each in held["checks"]}
    return {name: value for name, value in held.items() if name not in ("grader", "why")}
