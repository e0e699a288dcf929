"""Which tasks a command is about, and what every `eval` command has in common."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer

from texml_mcp.cli.output import print_json, wrong_use
from texml_mcp.wording import near_name

if TYPE_CHECKING:
    from texml_mcp.evals.model import Task


class UsageError(ValueError):
    """What was asked for cannot be done; the text says why, and what can."""


@contextmanager
def usage() -> Generator[None]:
    """Says what cannot be done in one line on standard error, with exit code 2."""
    try:
        _extra()
        yield
    except ValueError as error:
        raise typer.Exit(wrong_use(str(error))) from None


def _extra() -> None:
    for name in ("jmespath", "yaml"):
        if find_spec(name) is None:
            raise UsageError(f"{name} is missing: pip install 'texml-mcp[eval]'")


@dataclass(frozen=True, slots=True)
class Choice:
    """Files, and what of the tasks in them is wanted."""

    paths: Sequence[Path] = ()
    ids: Sequence[str] = ()
    families: Sequence[str] = ()
    levels: Sequence[str] = ()


def chosen_tasks(choice: Choice) -> tuple[list[Task], list[str]]:
    """The tasks by id, and what is wrong with other files. Raises `UsageError` where none is left."""
    from texml_mcp.evals.model import Difficulty, Family
    from texml_mcp.evals.tasks import chosen, suite

    _known("family", choice.families, get_args(Family))
    _known("difficulty", choice.levels, get_args(Difficulty))
    tasks, wrong = suite(choice.paths)
    for pattern in choice.ids:
        if not chosen(tasks.values(), ids=[pattern]):
            raise UsageError(f"no task fits {pattern!r}; texml-mcp eval list shows them{_among(wrong)}")
    kept = chosen(tasks.values(), ids=choice.ids, families=choice.families, levels=choice.levels)
    if not kept:
        what = "that fits all of these options" if tasks else "to be used"
        raise UsageError(f"there is no task {what}{_among(wrong)}")
    return kept, wrong


def _known(what: str, given: Iterable[str], there: Sequence[str]) -> None:
    for each in given:
        if each not in there:
            near = near_name(each, there)
            hint = f". Did you mean {near}?" if near else f"; there are {', '.join(there)}"
            raise UsageError(f"there is no {what} {each!r}{hint}")


def _among(wrong: Sequence[str]) -> str:
    return "".join(f"\n{each}" for each in wrong[:10])


def show(choice: Choice, *, as_json: bool) -> None:
    """List the tasks, and on standard error what is wrong with other files."""
    tasks, wrong = chosen_tasks(choice)
    for each in wrong:
        typer.echo(f"texml-mcp: {each}", err=True)
    rows = [
        {"id": task.id, "family": task.family, "difficulty": task.difficulty, "title": task.title}
        for task in tasks
    ]
    if as_json:
        print_json({"tasks": rows, "unreadable": wrong})
        return
    table([list(row.values()) for row in rows])


def table(rows: Sequence[Sequence[str]], *, right: int | None = None) -> None:
    """Lines with their columns one below the other; from column `right` on they end alike.

    However narrow the terminal is, nothing is cut off: whoever reads it may be a program.
    """
    if not rows:
        return
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if right is not None and at >= right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())


def on_terminal() -> bool:
    """Whether somebody watches, so that a progress bar is of use."""
    return sys.stderr.isatty()


def progress_bar() -> Any:
    """A bar on standard error, for `with`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=Console(stderr=True), transient=True)
