"""`texml-mcp eval score`, `diff` and `report`: what can be made of traces once they are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from texml_mcp.cli.eval_choice import UsageError, table
from texml_mcp.cli.eval_show import show_summaries
from texml_mcp.cli.output import print_json

if TYPE_CHECKING:
    from texml_mcp.evals.metrics import Summaries
    from texml_mcp.evals.model import Task
    from texml_mcp.evals.regrade import Regraded
    from texml_mcp.evals.trace import Header, Trace

MOST_SHOWN = 20


def score(traces: Sequence[Path], tasks: Sequence[Path], *, out: Path | None, as_json: bool) -> int:
    """Grade traces anew; the exit code, 1 where of a trace nothing can be graded. Raises `ValueError`."""
    from texml_mcp.evals.tasks import suite

    if out is not None and len(traces) != 1:
        raise UsageError("--out takes one trace at a time")
    known, wrong = suite(tasks)
    for each in wrong:
        typer.echo(f"texml-mcp: {each}", err=True)
    judged = [_judged(path, known) for path in traces]
    if out is not None:
        _write(out, judged[0][0], judged[0][1])
    if as_json:
        print_json({"traces": [_as_json(*each) for each in judged]})
    else:
        for trace, found, summed in judged:
            _show(trace, found, summed)
    return 0 if all(found.runs for _, found, _ in judged) else 1


def diff(one: Path, other: Path, *, as_json: bool) -> None:
    """Compare two traces by the scores they hold. Raises `TraceError`."""
    from texml_mcp.evals.comparison import compare
    from texml_mcp.evals.trace import read

    found = compare(read(one), read(other))
    if as_json:
        print_json(found.as_json())
        return
    for each in found.warnings:
        typer.echo(f"texml-mcp: {each}", err=True)
    typer.echo(f"{found.tasks} tasks in both")
    for flip in found.flips:
        sign, (was, of), (now, whole) = "+" if flip.gained else "-", flip.here, flip.there
        typer.echo(f"{sign} {flip.task}: {was} of {of} -> {now} of {whole}")
    rows = [["measure", "A", "B", "B - A", "95 %", ""]]
    for name, (here, there, by) in found.moved.items():
        between = "-" if by.low is None else f"{by.low:+.3f} to {by.high:+.3f}"
        clear = "clear" if found.clear(name) else ""
        rows.append([name, *map(_number, (here, there, by.value)), between, clear])
    table(rows, right=1)


def report(traces: Sequence[Path], out: Path) -> None:
    """Write the page about traces. Raises `TraceError`, and `UsageError` where it cannot be written."""
    from texml_mcp.evals.report import write

    if any(out.resolve() == each.resolve() for each in traces):
        raise UsageError(f"{out} is a trace: --out would write over it")
    try:
        write(traces, out)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
    typer.echo(f"The report is in {out}.")


def _judged(path: Path, tasks: dict[str, Task]) -> tuple[Trace, Regraded, Summaries]:
    from texml_mcp.evals.metrics import summaries
    from texml_mcp.evals.regrade import regraded
    from texml_mcp.evals.trace import read

    trace = read(path)
    found = regraded(trace, tasks)
    return trace, found, summaries(trace.header, found.runs)


def _show(trace: Trace, found: Regraded, summed: Summaries) -> None:
    from texml_mcp.evals.grading import GRADER

    header = trace.header
    typer.echo(f"{trace.path}: {header.agent} on {header.server}, grader {GRADER}, was {header.grader}")
    if missing := len(header.tasks) * header.trials - len(trace.runs):
        typer.echo(f"  not finished: {missing} runs are missing")
    if trace.torn:
        typer.echo("  its last line is torn and left out; eval run --resume plays that run again")
    for task, why in found.left_out.items():
        typer.echo(f"  {task} is not comparable: {why}")
    changes = found.changes()
    for each in changes[:MOST_SHOWN]:
        typer.echo(f"  {each['task']}, trial {each['trial']}: {_changed(each)}")
    if len(changes) > MOST_SHOWN:
        typer.echo(f"  and {len(changes) - MOST_SHOWN} more that changed")
    if found.runs:
        typer.echo(f"  {len(changes)} of {len(found.runs)} scores have changed")
        show_summaries(summed)


def _changed(change: dict[str, Any]) -> str:
    """What differs; of the checks only those that turned."""
    before, after = dict(change["before"]), dict(change["after"])
    parts: list[str] = []
    if "checks" in before:
        one, other = before.pop("checks"), after.pop("checks")
        turned = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        parts.append(f"checks {'; '.join(turned)}"[:200])
    return ", ".join([*(f"{name} {before[name]} -> {after[name]}" for name in before), *parts])


def _as_json(trace: Trace, found: Regraded, summed: Summaries) -> dict[str, Any]:
    from texml_mcp.evals.grading import GRADER

    header = trace.header
    return {
        "trace": str(trace.path),
        "agent": header.agent,
        "server": header.server,
        "grader": GRADER,
        "was_graded_by": header.grader,
        "missing": len(header.tasks) * header.trials - len(trace.runs),
        "not_comparable": found.left_out,
        "changed": found.changes(),
        "runs": [run.score.as_json() for run in found.runs],
        "summaries": summed.as_json(),
    }


def _write(out: Path, trace: Trace, found: Regraded) -> None:
    """The trace with its new scores. Raises `TraceError`, also where `out` is there already."""
    from texml_mcp.evals.grading import GRADER
    from texml_mcp.evals.recorder import Recorder

    kept = {task for task in trace.header.tasks if task not in found.left_out}
    header: Header = trace.header.model_copy(
        update={"grader": GRADER, "tasks": {task: trace.header.tasks[task] for task in sorted(kept)}}
    )
    recorder = Recorder(out)
    try:
        recorder.begin(header)
        for task, expected in trace.expected.items():
            if task in kept:
                recorder.expected(task, expected)
        for run in found.runs:
            recorder.run(run)
    finally:
        recorder.close()


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"
