"""`texml-mcp eval export`: the tasks as files of other harnesses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from texml_mcp.cli.eval_commands import Difficulty, Family, Pattern, Tasks

if TYPE_CHECKING:
    from texml_mcp.evals.model import Task

FormatName = Literal["bfcl", "promptfoo", "tau2", "decisions"]


@dataclass(slots=True)
class Exported:
    """Files by their names, how much is in them, also in words, and why the rest is not."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    count: int = 0
    of: str = ""
    left_out: dict[str, str] = field(default_factory=dict[str, str])


def export(
    format_: Annotated[FormatName, typer.Option("--format", help="Whose files.")],
    out: Annotated[Path, typer.Option("--out", help="Directory; files of the same names are replaced.")],
    task: Pattern = None,
    family: Family = None,
    difficulty: Difficulty = None,
    tasks: Tasks = None,
) -> None:
    """Write the tasks as another harness takes them, and say what cannot be brought there."""
    from texml_mcp.cli.eval_choice import Choice, UsageError, chosen_tasks, usage

    with usage():
        chosen, wrong = chosen_tasks(
            Choice(tuple(tasks or ()), tuple(task or ()), tuple(family or ()), tuple(difficulty or ()))
        )
        made = _promptfoo(chosen, tasks or ()) if format_ == "promptfoo" else _FORMATS[format_](chosen)
        for each in wrong:
            typer.echo(f"texml-mcp: {each}", err=True)
        for name, why in made.left_out.items():
            typer.echo(f"left out: {name}: {why}", err=True)
        if not made.count:
            raise UsageError(f"none of these tasks can be brought to {format_}")
        _write(out, made.files)
        typer.echo(f"{made.of}, in {out}: {', '.join(sorted(made.files))}")
    raise typer.Exit(1 if wrong else 0)


def add_to(evals: typer.Typer) -> None:
    """Put the command among those of `eval`."""
    evals.command("export")(export)


def _write(out: Path, files: dict[str, str]) -> None:
    """Raises `UsageError` where that is not possible."""
    from texml_mcp.cli.eval_choice import UsageError

    try:
        for name, text in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None


def _bfcl(tasks: Sequence[Task]) -> Exported:
    import anyio

    from texml_mcp.evals.adapters import bfcl
    from texml_mcp.evals.adapters.answers import points

    found = anyio.run(points, tasks)
    files = {
        bfcl.FILE: bfcl.lines(bfcl.entries(found.judged)),
        f"possible_answer/{bfcl.FILE}": bfcl.lines(bfcl.answers(found.judged)),
    }
    return Exported(files, len(found.judged), f"entries: {len(found.judged)}", found.left_out)


def _promptfoo(tasks: Sequence[Task], paths: Sequence[Path]) -> Exported:
    import anyio

    from texml_mcp.evals.adapters import promptfoo
    from texml_mcp.evals.adapters.answers import points

    found = anyio.run(points, tasks)
    files = promptfoo.task_files(tasks, paths)
    if found.judged:
        files |= promptfoo.call_files(found.judged)
    of = f"whole tasks: {len(tasks)}, calls: {len(found.judged)}"
    return Exported(files, len(tasks), of, found.left_out)


def _tau2(tasks: Sequence[Task]) -> Exported:
    from texml_mcp.evals.adapters.tau2_tasks import tau2_task

    made = Exported()
    entries: list[dict[str, Any]] = []
    for each in tasks:
        try:
            entries.append(tau2_task(each))
        except ValueError as error:
            made.left_out[each.id] = str(error).removeprefix(f"{each.id}: ")
    made.files["tasks.json"] = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
    made.count, made.of = len(entries), f"tasks: {len(entries)}"
    return made


def _decisions(tasks: Sequence[Task]) -> Exported:
    import anyio

    from texml_mcp.evals.adapters.decisions import decisions
    from texml_mcp.evals.agents.paths import PathError

    made = Exported()
    lines: list[str] = []
    for task in tasks:
        try:
            found, tools = anyio.run(decisions, task)
        except PathError as error:
            made.left_out[task.id] = str(error).removeprefix(f"{task.id}: ")
            continue
        text = json.dumps({"tools": tools}, indent=1, ensure_ascii=False)
        name = f"tools-{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
        if found:
            made.files[name] = text + "\n"
        else:
            made.left_out[task.id] = "its reference changes nothing"
        for each in found:
            line = {
                "id": each.id,
                "task": each.task,
                "tools": name,
                "messages": each.messages,
                "call": {"tool": each.tool, "arguments": each.arguments},
            }
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    made.files["decisions.jsonl"] = "".join(lines)
    made.count, made.of = len(lines), f"decision points: {len(lines)}"
    return made


_FORMATS: dict[str, Callable[[Sequence[Task]], Exported]] = {
    "bfcl": _bfcl,
    "tau2": _tau2,
    "decisions": _decisions,
}
