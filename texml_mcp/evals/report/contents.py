"""What stands on the page: figures of each run, plots over them, and what became of each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from texml_mcp.evals.metrics import Measure, Summaries, Summary, summaries
from texml_mcp.evals.report.charts import Bar, Series, bars, lines
from texml_mcp.evals.trace import Run, Trace
from texml_mcp.text import clean

LONGEST_WORDS = 600
MOST_REASONS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A figure in the table of runs: its name, how it is written, and what it means."""

    name: str
    key: str
    share: bool
    means: str


COLUMNS = (
    Column(
        "unsafe", "unsafe_action_rate", True, "runs with something forbidden, or that nobody had agreed to"
    ),
    Column("twice", "duplicate_effect_rate", True, "runs in which something was made once too often"),
    Column("asked", "confirmation_compliance", True, "calls behind an approval that the user had agreed to"),
    Column("recovered", "recovery_rate", True, "runs that succeeded although a fault struck"),
    Column("score", "score", True, "how near the runs came, all or nothing left aside"),
    Column("tokens", "tokens_per_success", False, "tokens for each success, failures included"),
    Column("calls", "calls_per_success", False, "tool calls for each success, failures included"),
)


def contents(traces: Sequence[Trace]) -> dict[str, Any]:
    """The variables of the page."""
    names = _names(traces)
    told = {
        name: summaries(trace.header, trace.in_order()) for name, trace in zip(names, traces, strict=True)
    }
    return {
        "runs": [_run(name, trace, told[name]) for name, trace in zip(names, traces, strict=True)],
        "columns": COLUMNS,
        "plots": _plots(told),
        "difficulties": _difficulties(told),
        "tasks": _tasks(names, traces),
    }


def _names(traces: Sequence[Trace]) -> list[str]:
    """What each run is called on the page; numbered where two are called alike."""
    plain = [clean(f"{each.header.agent} on {each.header.server}", 60) for each in traces]
    return [name if plain.count(name) == 1 else f"{name} ({at + 1})" for at, name in enumerate(plain)]


def _run(name: str, trace: Trace, told: Summaries) -> dict[str, Any]:
    overall = told.overall
    return {
        "name": name,
        "header": trace.header,
        "tasks": overall.tasks,
        "count": overall.runs,
        "pass": shown(overall.pass_hat.get(1), share=True),
        "figures": [shown(overall.measures[each.key], share=each.share) for each in COLUMNS],
        "ended": ", ".join(f"{count} {ended}" for ended, count in sorted(overall.ended.items())),
        "torn": trace.torn,
    }


def _plots(told: dict[str, Summaries]) -> list[dict[str, str]]:
    families = sorted({family for each in told.values() for family in each.families})

    def by_family(key: str, share: bool) -> list[tuple[str, list[Bar]]]:
        groups: list[tuple[str, list[Bar]]] = []
        for family in families:
            group = [
                _bar(name, _of(each.families.get(family), key), share=share) for name, each in told.items()
            ]
            groups.append((family.replace("_", " "), group))
        return groups

    def overall(key: str) -> list[tuple[str, list[Bar]]]:
        return [("", [_bar(name, _of(each.overall, key), share=True) for name, each in told.items()])]

    curves = [
        Series(
            name,
            [(float(k), it.value or 0.0) for k, it in each.overall.pass_hat.items()],
            [(it.low or 0.0, it.high or 0.0) for it in each.overall.pass_hat.values()],
        )
        for name, each in told.items()
    ]
    drawn = [
        ("pass^k: how likely k runs in a row all succeed", lines("pass^k", curves, "k")),
        ("Success by family", bars("Success by family", by_family("pass", True), most=1.0)),
        ("Runs with an unsafe action", bars("Unsafe", overall("unsafe_action_rate"), most=1.0)),
        (
            "Unsafe actions by family",
            bars("Unsafe by family", by_family("unsafe_action_rate", True), most=1.0),
        ),
        ("Tokens for each success, by family", bars("Tokens", by_family("tokens_per_success", False))),
    ]
    return [{"title": title, "svg": svg} for title, svg in drawn]


def _of(summary: Summary | None, key: str) -> Measure | None:
    if summary is None:
        return None
    return summary.pass_hat.get(1) if key == "pass" else summary.measures[key]


def _bar(name: str, measure: Measure | None, *, share: bool) -> Bar:
    if measure is None or measure.value is None:
        return Bar(name, 0.0, "none")
    return Bar(name, measure.value, _number(measure.value, share=share), measure.low, measure.high)


def _difficulties(told: dict[str, Summaries]) -> list[dict[str, Any]]:
    levels = list(dict.fromkeys(level for each in told.values() for level in each.difficulties))
    return [
        {
            "level": level,
            "cells": [shown(_of(each.difficulties.get(level), "pass"), share=True) for each in told.values()],
        }
        for level in levels
    ]


def _tasks(names: Sequence[str], traces: Sequence[Trace]) -> list[dict[str, Any]]:
    """A row for each task, with a cell for each run: how many trials succeeded, and why others did not."""
    ids = sorted({task for trace in traces for task, _ in trace.runs})
    rows: list[dict[str, Any]] = []
    for task in ids:
        entry = next(trace.header.tasks[task] for trace in traces if task in trace.header.tasks)
        cells = [
            _cell(name, [run for run in trace.in_order() if run.key[0] == task])
            for name, trace in zip(names, traces, strict=True)
        ]
        rows.append(
            {
                "id": task,
                "family": entry.family.replace("_", " "),
                "difficulty": entry.difficulty,
                "cells": cells,
            }
        )
    return rows


def _cell(name: str, runs: list[Run]) -> dict[str, Any]:
    passed = sum(run.score.success for run in runs)
    return {
        "name": name,
        "count": f"{passed}/{len(runs)}" if runs else "not run",
        "rank": "none" if not runs else "all" if passed == len(runs) else "some" if passed else "no",
        "failed": [_failure(run) for run in runs if not run.score.success],
        "mines": sum(len(run.score.mines) for run in runs),
    }


def _failure(run: Run) -> dict[str, Any]:
    score = run.score
    reasons = [f"tripped the mine {mine}" for mine in score.mines]
    reasons += [f"{check.name}: {check.why}" for check in score.checks if check.required and not check.passed]
    said = run.episode.of_kind("agent")
    return {
        "trial": score.trial,
        "reasons": [clean(each, LONGEST_WORDS) for each in reasons[:MOST_REASONS]],
        "more": max(0, len(reasons) - MOST_REASONS),
        "said": clean(said[-1]["text"], LONGEST_WORDS) if said else "",
    }


def shown(measure: Measure | None, *, share: bool) -> dict[str, str]:
    """`{value, interval}` as they are read; empty where there is nothing to divide by."""
    if measure is None or measure.value is None:
        return {"value": "none", "interval": ""}
    interval = ""
    if measure.low is not None and measure.high is not None:
        interval = f"{_number(measure.low, share=share)} to {_number(measure.high, share=share)}"
    return {"value": _number(measure.value, share=share), "interval": interval}


def _number(value: float, *, share: bool) -> str:
    return f"{value:.1%}" if share else f"{value:,.1f}"
