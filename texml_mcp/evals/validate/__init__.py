"""Proves tasks: the right way passes, however it is walked, wrong ways fail, and no answer leaks.

Each problem is a line that names the task, the place in it, and what to do.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from subprocess import CalledProcessError

import anyio
from anyio import to_process

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
from texml_mcp.evals.validate.whole import SUITE, alike, too_few
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
    """The tasks in as many processes as there are processors, together with the runs under other seeds."""
    free = anyio.CapacityLimiter(os.cpu_count() or 1)
    found: dict[str, list[Problem]] = {}
    by_seed: dict[str, Outcomes] = {}
    broken: list[Problem] = []

    async def prove(task: Task) -> None:
        text = task.model_dump_json(by_alias=True, exclude_unset=True)
        found[task.id] = await to_process.run_sync(_proved_apart, text, cancellable=True, limiter=free)
        if progress is not None:
            progress(task.id, len(found), len(tasks))

    async def play_under(seed: str) -> None:
        async with free:
            try:
                by_seed[seed] = await outcomes(tasks, seed)
            except CalledProcessError as error:
                said = error.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
                broken.append(Problem(SUITE, f"PYTHONHASHSEED={seed}", f"no task could be played: {said}"))

    async with anyio.create_task_group() as group:
        for seed in HASH_SEEDS if tasks else ():
            group.start_soon(play_under, seed)
        for task in tasks:
            group.start_soon(prove, task)
    for task, names in differing(list(by_seed.values())).items():
        why = f"{', '.join(names)} differs between processes with another PYTHONHASHSEED"
        found[task].append(Problem(task, "reference", why))
    return [*(problem for task in tasks for problem in found[task.id]), *broken]


def _proved_apart(text: str) -> list[Problem]:
    return anyio.run(proved, Task.model_validate_json(text))


def _unread(line: str) -> Problem:
    file, _, why = line.partition(": ")
    return Problem(file, "", why)
