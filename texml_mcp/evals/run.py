"""Plays tasks, each so many times, with one agent on one server; what has finished is never played again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import anyio

from texml_mcp import __version__
from texml_mcp.evals.agents import Agent
from texml_mcp.evals.agents.paths import PathError
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.failures import first_of
from texml_mcp.evals.grading import GRADER, Expected, grade
from texml_mcp.evals.model import Task
from texml_mcp.evals.play import DEFAULT_SECONDS, expected, play
from texml_mcp.evals.recorder import Recorder, as_kept
from texml_mcp.evals.servers import ServerUnderTest
from texml_mcp.evals.tasks import digest
from texml_mcp.evals.trace import Entry, Header, Run

# A run's time is the agent's. The server gets so much more to start and to end.
AROUND_SECONDS = 120.0

NOTHING_EXPECTED = Expected({}, {})
Told = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run. `options` is kept in the trace: what else the results depend on."""

    tasks: Sequence[Task]
    agent: Agent
    server: ServerUnderTest
    trials: int = 1
    seed: int = 0
    jobs: int = 1
    seconds: float = DEFAULT_SECONDS
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def header(self) -> Header:
        """What the trace begins with. How many ran at once does not matter for the results."""
        entries = {
            task.id: Entry(digest=digest(task), family=task.family, difficulty=task.difficulty)
            for task in self.tasks
        }
        return Header(
            grader=GRADER,
            texml_mcp=__version__,
            agent=self.agent.name,
            server=self.server.name,
            tasks=entries,
            trials=self.trials,
            seed=self.seed,
            options={"seconds": self.seconds, **self.options},
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )


async def run(plan: Plan, *, recorder: Recorder | None = None, told: Told | None = None) -> list[Run]:
    """All runs by task and trial, those that the recorder holds among them. Each new one is `told`.

    The order in which runs begin is that of the result; with one job they also end in it. A task that cannot
    be played is a run that says so. Raises `TraceError` when the trace cannot be written.
    """
    if recorder is not None:
        recorder.begin(plan.header())
    work = _Work(plan, recorder, told)
    try:
        async with anyio.create_task_group() as workers:
            for _ in range(plan.jobs):
                workers.start_soon(work.off)
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    return [work.runs[key] for key in sorted(work.runs)]


class _Work:
    def __init__(self, plan: Plan, recorder: Recorder | None, told: Told | None) -> None:
        held = recorder.held if recorder else None
        self.runs = dict(held.runs) if held else {}
        self._expected = dict(held.expected) if held else {}
        self._plan = plan
        self._recorder = recorder
        self._told = told
        self._locks = {task.id: anyio.Lock() for task in plan.tasks}
        self._left = self._open()

    def _open(self) -> Iterator[tuple[Task, int]]:
        done = frozenset(self.runs)
        for task in sorted(self._plan.tasks, key=lambda task: task.id):
            for trial in range(1, self._plan.trials + 1):
                if (task.id, trial) not in done:
                    yield task, trial

    async def off(self) -> None:
        """Play what is left, one after the other, beside others who do the same."""
        for task, trial in self._left:
            finished = await self._one(task, trial)
            self.runs[finished.key] = finished
            if self._recorder is not None:
                self._recorder.run(finished)
            if self._told is not None:
                self._told(finished)

    async def _one(self, task: Task, trial: int) -> Run:
        try:
            wanted = await self._wanted(task)
        except PathError as error:
            why = f"the reference does not get through: {error}"
            episode = Episode(task.id, trial, self._plan.seed, ended="task_failed", why=why)
            wanted = NOTHING_EXPECTED
        else:
            episode = await self._played(task, trial)
        episode = as_kept(episode)
        return Run(episode, grade(task, episode, wanted), digest(task))

    async def _wanted(self, task: Task) -> Expected:
        """What the reference comes to, worked out once."""
        async with self._locks[task.id]:
            if task.id not in self._expected:
                self._expected[task.id] = found = await expected(task)
                if self._recorder is not None:
                    self._recorder.expected(task.id, found)
            return self._expected[task.id]

    async def _played(self, task: Task, trial: int) -> Episode:
        plan = self._plan
        limit = plan.seconds + AROUND_SECONDS
        with anyio.move_on_after(limit):
            return await play(
                task, plan.agent, plan.server, trial=trial, seed=plan.seed, seconds=plan.seconds
            )
        why = f"the server has neither started nor ended within {limit:g} s"
        return Episode(task.id, trial, plan.seed, ended="server_failed", why=why, wall_seconds=limit)
