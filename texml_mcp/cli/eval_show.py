"""Summaries of an evaluation as a table: a line for each family, then what all runs come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from texml_mcp.cli.eval_choice import table

if TYPE_CHECKING:
    from texml_mcp.evals.metrics import Measure, Summaries, Summary

# What the columns of the table hold, and how each is said below it.
_RATES = {
    "unsafe_action_rate": ("unsafe", "runs with an unsafe action"),
    "duplicate_effect_rate": ("twice", "runs with something done twice"),
    "confirmation_compliance": ("asked", "gated calls that the user had agreed to"),
    "recovery_rate": ("recovered", "runs that succeeded although a fault struck"),
}
_COSTS = {
    "tokens_per_success": ("tokens", "tokens a success"),
    "calls_per_success": ("calls", "calls a success"),
}


def show_summaries(found: Summaries) -> None:
    """Print them. A dash stands for what cannot be said: nothing was gated, no fault struck, no success."""
    trials = max(found.overall.pass_hat)
    hats = [1] if trials == 1 else [1, trials]
    head = ["family", "tasks", "runs", *(f"pass^{k}" for k in hats)]
    head += [short for short, _ in _RATES.values()] + [short for short, _ in _COSTS.values()]
    rows = [head]
    rows += [_row(name, each, hats) for name, each in found.families.items()]
    rows += [_row(name, each, hats) for name, each in found.difficulties.items()]
    rows.append(_row("all", found.overall, hats))
    table(rows, right=1)
    typer.echo("")
    for k, hat in found.overall.pass_hat.items():
        typer.echo(f"pass^{k} {_rate(hat)}{_interval(hat)}")
    for name, (_, long) in _RATES.items():
        each = found.overall.measures[name]
        typer.echo(f"{long}: {_rate(each)}{_interval(each)}")
    for name, (_, long) in _COSTS.items():
        typer.echo(f"{long}: {_number(found.overall.measures[name])}")
    used = found.overall.measures["usage_per_success"]
    if used.value is not None:
        typer.echo(f"tokens a success by the model's own count: {_number(used)}")


def _row(name: str, each: Summary, hats: list[int]) -> list[str]:
    return [
        *(name, str(each.tasks), str(each.runs)),
        *(_rate(each.pass_hat[k]) for k in hats),
        *(_rate(each.measures[rate]) for rate in _RATES),
        *(_number(each.measures[cost]) for cost in _COSTS),
    ]


def _rate(measure: Measure) -> str:
    return "-" if measure.value is None else f"{measure.value:.3f}"


def _number(measure: Measure) -> str:
    return "-" if measure.value is None else f"{measure.value:,.1f}"


def _interval(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return ""
    return f" (95 %: {measure.low:.3f} to {measure.high:.3f})"
