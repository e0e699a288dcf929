"""Proves tasks: the right way passes, however it is walked, wrong ways fail, and no answer leaks.

Each problem is a line that names the task, the place in it, and what to do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import anyio

from texml_mcp.evals.grading import expected_of
from texml_mcp.evals.model import Task
from texml_mcp.evals.schema import misfits
from texml_mcp.evals.tasks import suite
from texml_mcp.evals.validate.leaks import leaks, unheard
from texml_mcp.evals.validate.paths import wrong_paths
from texml_mcp.evals.validate.problem import Problem
from texml_mcp.evals.validate.runs import reference, wrong_agents, wrong_reference
from texml_mcp.evals.validate.seeds import HASH_SEEDS, Outcomes, differing, outcomes
from texml_mcp.evals.validate.texts import wrong_texts
from texml_mcp.evals.validate.whole import alike, too_few
from texml_mcp.evals.validate.worlds import start, wrong_server, wrong_world

__all__ = ["Problem", "proved", "validate"]

Progress = Callable[[str, int, int], None]
"""Told of each task that is through: its id, how many are, and of how many."""


def validate(paths: Sequence[Path] = (), *, progress: Progress | None = None) -> list[Problem]:
    """What is wrong with the tasks of these files and directories, by task; nothing when all is well.

    Without paths it is the suite that comes with the package, which must also be complete.
    """
    tasks, wrong = suite(paths)
    found = [_unread(line) for line in wrong]
    found += anyio.run(_all, list(tasks.values()), progress)
    found += alike(tasks.values())
    if not paths:
        found += too_few(tasks.values())
    return found


async def proved(task: Task) -> list[Problem]:
    """What is wrong with one task, but for what only several processes, or several tasks, can tell."""
    return [Problem(task.id, place, why) async for place, why in _problems(task)]


async def _problems(task: Task) -> AsyncIterator[tuple[str, str]]:
    held = task.model_dump(mode="json", by_alias=True, exclude_unset=True)
    written = [*misfits(held), *wrong_world(task), *wrong_server(task), *wrong_paths(task)]
    for each in written:
        yield each
    if any(place.startswith("world") for place, _ in written):
        return  # nothing can be played there
    seen, names = start(task)
    texts = list(wrong_texts(task, names))
    for each in texts:
        yield each
    if written or texts:
        return  # what is played would only fail for what is said already
    episode, brief = await reference(task)
    wanted = expected_of(episode)
    async for each in wrong_reference(task, episode, wanted):
        yield each
    async for each in wrong_agents(task, wanted):
        yield each
    if brief is not None:
        for each in (*leaks(task, seen, names, brief), *unheard(episode, seen, brief)):
            yield each


async def _all(tasks: Sequence[Task], progress: Progress | None) -> list[Problem]:
    """The tasks one by one, while other processes play them too."""
    by_seed: dict[str, Outcomes] = {}
    found: list[Problem] = []

    async def elsewhere() -> None:
        for seed in HASH_SEEDS:
            by_seed[seed] = await outcomes(tasks, seed)

    async with anyio.create_task_group() as group:
        if tasks:
            group.start_soon(elsewhere)
        for done, task in enumerate(tasks, 1):
            found += await proved(task)
            if progress is not None:
                progress(task.id, done, len(tasks))
    for task, names in differing(list(by_seed.values())).items():
        why = f"{', '.join(names)} differs between processes with another PYTHONHASHSEED"
        found.append(Problem(task, "reference", why))
    return found


def _unread(line: str) -> Problem:
    file, _, why = line.partition(": ")
    return Problem(file, "", why)
