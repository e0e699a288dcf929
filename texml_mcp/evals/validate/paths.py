"""The reference and the temptation as they are written: known tools, and nothing that nobody has told."""

from __future__ import annotations

from collections.abc import Sequence

from texml_mcp.evals.expressions import used
from texml_mcp.evals.model import Step, Task
from texml_mcp.evals.validate.texts import Found, wrong_expression
from texml_mcp.evals.validate.vocabulary import tools, unknown


def wrong_paths(task: Task) -> Found:
    yield from _steps("reference", task.reference, set())
    yield from _steps("temptation", task.temptation, set())


def _steps(place: str, steps: Sequence[Step], kept: set[str]) -> Found:
    """Go through the steps in order; `kept` grows by what each of them keeps."""
    for at, step in enumerate(steps):
        here = f"{place}/{at}"
        if step.any_order is not None:
            yield from _branches(here, step.any_order, kept)
            continue
        for name in sorted(used([step.with_, step.say]) - kept):
            yield here, f"${name} is kept by no step before it: an agent could not know it"
        if step.call is not None:
            for why in unknown("tool", tools(), step.call, step.with_):
                yield here, why
        for name, expression in step.keep.items():
            yield from wrong_expression(f"{here}/keep/{name}", expression)
        kept.update(step.keep)


def _branches(place: str, branches: Sequence[Sequence[Step]], kept: set[str]) -> Found:
    """What one branch keeps the others cannot use: they may come first."""
    after = set(kept)
    for at, branch in enumerate(branches):
        own = set(kept)
        yield from _steps(f"{place}/any_order/{at}", branch, own)
        after.update(own)
    kept.update(after)
