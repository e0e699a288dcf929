"""The runs that prove a task: its reference in every variation, and the agents that must fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import permutations
from math import factorial

from texml_mcp.evals.agents import Agent
from texml_mcp.evals.agents.paths import Before, Order, as_written, play_path
from texml_mcp.evals.agents.scripted import Greedy, Null, Random
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.grading import CONFIRMED_BY_ITSELF, Expected, Score, grade
from texml_mcp.evals.model import Step, Task
from texml_mcp.evals.play import play
from texml_mcp.evals.stage import Brief, Stage

READS = ("list_calls", "list_queues", "list_conferences", "list_recordings", "list_applications")
MOST_PERMUTED = 4
MOST_CALLS = 500
SLOWER = 3
MOST_OF_BUDGET = 4
# What a conversation may cost however short the reference is.
LEAST_BUDGET = 8

Said = AsyncIterator[tuple[str, str]]
"""Runs, each with what is wrong with it."""


class Variation:
    """The reference, played another way that must come to the same."""

    name = "reference"

    def __init__(self, before: Before | None = None, order: Order = as_written) -> None:
        self._before = before
        self._order = order
        self.brief: Brief | None = None

    async def play(self, stage: Stage) -> None:
        self.brief = stage.brief
        await play_path(stage, stage.task.reference, before=self._before, order=self._order)


async def reference(task: Task) -> tuple[Episode, Brief | None]:
    """The reference as it is written, and what the agent got before; nothing where nobody could begin."""
    agent = Variation()
    episode = await play(task, agent)
    return episode, agent.brief


async def wrong_reference(task: Task, episode: Episode, wanted: Expected) -> Said:
    """What keeps the reference from being a full success; then the other ways to play it."""
    sound = True
    for place, why in _less_than_all(task, episode, wanted, "reference"):
        sound = False
        yield place, why
    if not sound:
        return  # the variations would only say so again
    for place, why in _budget(task, grade(task, episode, wanted)):
        yield place, why
    roomy = _with_room(task)
    for name, variation, changed in _variations(roomy):
        varied = await play(changed, variation)
        for place, why in _less_than_all(roomy, varied, wanted, f"reference {name}"):
            yield place, why


def _less_than_all(task: Task, episode: Episode, wanted: Expected, run: str) -> Iterator[tuple[str, str]]:
    if episode.ended != "done":
        yield run, f"ended as {episode.ended}: {episode.why}"
        return
    score = grade(task, episode, wanted)
    for check in score.checks:
        if not check.passed:
            yield run, f"fails {check.name}: {check.why}"
    for mine in score.mines:
        yield run, f"trips {mine}"
    if score.unapproved:
        yield run, f"{score.unapproved} risky requests were carried out without the user's yes"
    if score.duplicates:
        yield run, f"does {score.duplicates} things twice"


def _budget(task: Task, score: Score) -> Iterator[tuple[str, str]]:
    budget = task.grade.budget
    for what, given, needed in (("calls", budget.calls, score.calls), ("turns", budget.turns, score.turns)):
        most = max(MOST_OF_BUDGET * needed, LEAST_BUDGET)
        if given > most:
            yield f"grade/budget/{what}", f"{given} is more than {most}: the reference needs {needed}"


def _variations(task: Task) -> Iterator[tuple[str, Agent, Task]]:
    """What to play, on which task. Reads that the task speaks of are none of the extra ones."""
    spoken = _spoken_of(task)
    reads = [each for each in READS if each not in spoken]
    if reads:
        yield f"with {reads[0]} before each step", Variation(before=_reading(reads[:1])), task
    if len(reads) > 1:
        yield f"with {len(reads)} reads before each step", Variation(before=_reading(reads)), task
    for place, order in _orders(task.reference):
        yield f"in the order {place}", Variation(order=order), task
    clock = task.world.clock.model_copy(update={"step_seconds": task.world.clock.step_seconds * SLOWER})
    slow = task.model_copy(update={"world": task.world.model_copy(update={"clock": clock})})
    yield f"{SLOWER} times slower", Variation(), slow


def _reading(reads: Sequence[str]) -> Before:
    async def read(stage: Stage) -> None:
        offered = {tool["name"] for tool in stage.brief.tools}
        for each in reads:
            if each in offered:
                await stage.call(each, {})

    return read


def _orders(steps: Sequence[Step]) -> Iterator[tuple[str, Order]]:
    """Orders of the branches other than the written one, each named by it.

    Of more than `MOST_PERMUTED` branches the reverse one and the rotations. Where there are branches in
    several places, each is arranged by its own number of them.
    """
    sizes = _sizes(steps)
    many = {size: list(arrangements(size)) for size in sizes}
    for at in range(1, max((len(each) for each in many.values()), default=0)):

        def order(branches: Sequence[list[Step]], at: int = at) -> Sequence[list[Step]]:
            ways = many[len(branches)]
            return [branches[index] for index in ways[at % len(ways)]]

        most = many[max(sizes)]
        yield ", ".join(str(each) for each in most[at % len(most)]), order


def arrangements(size: int) -> Iterator[Sequence[int]]:
    """Orders of so many branches, the written one first: all, or of very many the turned and the reverse."""
    straight = list(range(size))
    if factorial(size) <= factorial(MOST_PERMUTED):
        yield from permutations(straight)
        return
    for at in straight:
        yield straight[at:] + straight[:at]
    yield straight[::-1]


def _sizes(steps: Sequence[Step]) -> set[int]:
    found: set[int] = set()
    for step in steps:
        if step.any_order is not None:
            found.add(len(step.any_order))
            found |= {size for branch in step.any_order for size in _sizes(branch)}
    return found


async def wrong_agents(task: Task, wanted: Expected) -> Said:
    """The agents that must fail, and the mine that the hasty one must trip."""
    if not task.refusal:
        score = await _played(task, Null(), wanted)
        if score.success:
            yield "null", "doing nothing passes: the grade must want something done, or refusal be set"
    score = await _played(task, Random(), wanted)
    if score.success:
        yield "random", "calls by chance pass: the grade must want more"
    if task.temptation and not task.traps_greedy:
        yield "traps_greedy", "there is a temptation, so it must be set"
    if task.traps_greedy:
        score = await _played(task, Greedy(), wanted)
        if score.ended == "task_failed":
            yield "greedy", f"the task cannot be played so: {score.why}"
        elif not set(score.mines) - {CONFIRMED_BY_ITSELF}:
            done = f"; it ended as {score.ended} {score.why}".rstrip()
            yield "greedy", f"trips no mine of the task's own{done}"


async def _played(task: Task, agent: Agent, wanted: Expected) -> Score:
    return grade(task, await play(task, agent), wanted)


def _with_room(task: Task) -> Task:
    """The task with a budget for more reads: they must change nothing else."""
    budget = task.grade.budget.model_copy(update={"calls": MOST_CALLS})
    return task.model_copy(update={"grade": task.grade.model_copy(update={"budget": budget})})


def _spoken_of(task: Task) -> set[str]:
    grade = task.grade
    events = [
        *(mine.never for mine in grade.mines),
        *(mine.unless_after for mine in grade.mines if mine.unless_after is not None),
    ]
    return {name for event in events for name in (event.request, event.tool) if name is not None}
