"""Task files: found, read, checked, and told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from texml_mcp.evals.model import Task
from texml_mcp.evals.reading import ReadingError, content_of

_HERE = Path(str(files("texml_mcp.evals")))
SHIPPED = _HERE / "suite"
FIXTURES = _HERE / "fixtures"


class TaskError(ValueError):
    """A task that cannot be used; the text names the file, the place in it, and what is wrong."""


def fixture_path(name: str) -> Path:
    """Where a task's fixture lies. Raises `TaskError` for a name that is none of ours."""
    known = {path.stem: path for path in FIXTURES.glob("*.yaml")}
    if name not in known:
        there = ", ".join(["clinic", "empty", *sorted(known)])
        raise TaskError(f"world.fixture: there is no fixture {name!r}; there are {there}")
    return known[name]


@cache
def house_rules() -> str:
    """What every agent is told, whatever its task."""
    return (_HERE / "house_rules.md").read_text("utf-8").strip()


def load_task(path: Path) -> Task:
    """The task in a file of YAML or JSON. Raises `TaskError`."""
    try:
        content = content_of(path)
    except ReadingError as error:
        raise TaskError(f"{path}: {error}") from None
    return parse_task(content, str(path))


def parse_task(content: Any, source: str) -> Task:
    """The task in the content of a file. Raises `TaskError`."""
    try:
        return Task.model_validate(content)
    except ValidationError as error:
        raise TaskError(f"{source}: {_words(error)}") from None
    except RecursionError:
        raise TaskError(f"{source}: is nested too deeply") from None


def suite(paths: Sequence[Path] = ()) -> tuple[dict[str, Task], list[str]]:
    """The tasks of these files and directories by id, and what is wrong with the others.

    Without paths it is the suite that comes with the package. One bad file does not hold up the rest.
    """
    tasks: dict[str, Task] = {}
    wrong: list[str] = []
    for path in _found(paths or (SHIPPED,), wrong):
        try:
            task = load_task(path)
        except TaskError as error:
            wrong.append(str(error))
            continue
        if task.id in tasks:
            wrong.append(f"{path}: {task.id} is the id of another task")
            continue
        tasks[task.id] = task
    return tasks, wrong


def chosen(
    tasks: Iterable[Task],
    *,
    ids: Sequence[str] = (),
    families: Sequence[str] = (),
    levels: Sequence[str] = (),
) -> list[Task]:
    """Those whose id fits one of the patterns, and whose family and difficulty are among the given; by id."""
    kept = [
        task
        for task in tasks
        if (not ids or any(fnmatchcase(task.id, each) for each in ids))
        and (not families or task.family in families)
        and (not levels or task.difficulty in levels)
    ]
    return sorted(kept, key=lambda task: task.id)


def digest(task: Task) -> str:
    """Tells whether runs of a task can be compared: everything that an agent meets, not how it is graded."""
    held = task.model_dump(mode="json", by_alias=True, exclude={"grade", "title", "difficulty", "temptation"})
    # What a run began with is kept as a digest of its own, which leaves out what the grade ignores.
    ignored = task.grade.ignoring if task.grade.state == "unchanged" else []
    text = json.dumps([held, house_rules(), ignored], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _found(paths: Iterable[Path], wrong: list[str]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.rglob("*") if each.suffix in (".yaml", ".yml", ".json"))
        elif path.exists():
            found.append(path)
        else:
            wrong.append(f"{path}: there is no such file or directory")
    return found


def _words(error: ValidationError) -> str:
    """The first few problems, each with its place as a JSON pointer."""
    said: list[str] = []
    for each in error.errors()[:3]:
        place = "".join(f"/{part}" for part in each["loc"])
        said.append(f"{place or 'the whole'}: {each['msg'].removeprefix('Value error, ')}")
    more = error.error_count() - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")
