"""Playing the path of a task: its calls, what is kept of their answers, and what is said to the user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from texml_mcp.evals.expressions import ExpressionError, filled, search
from texml_mcp.evals.model import Step
from texml_mcp.evals.servers import Answer
from texml_mcp.evals.stage import Over, Stage

Before = Callable[[Stage], Awaitable[None]]
Order = Callable[[Sequence[list[Step]]], Sequence[list[Step]]]


class PathError(Exception):
    """The path does not go as the task says; the text names the step."""


def as_written(branches: Sequence[list[Step]]) -> Sequence[list[Step]]:
    return branches


async def play_path(
    stage: Stage, steps: Sequence[Step], *, before: Before | None = None, order: Order = as_written
) -> None:
    """Play the steps. `before` is awaited before each, `order` arranges steps of any order.

    Raises `PathError` where an answer is not the expected one, or where an expression finds nothing.
    """
    player = _Player(stage, before, order)
    await player.play(steps, "reference")
    if not stage.over:
        await stage.done()


def flat(steps: Sequence[Step]) -> list[Step]:
    """The steps one after the other, those of any order as they are written."""
    found: list[Step] = []
    for step in steps:
        if step.any_order is None:
            found.append(step)
        else:
            found += [each for branch in step.any_order for each in flat(branch)]
    return found


class _Player:
    def __init__(self, stage: Stage, before: Before | None, order: Order) -> None:
        self._stage = stage
        self._before = before
        self._order = order
        self._kept: dict[str, Any] = {}

    async def play(self, steps: Sequence[Step], place: str) -> None:
        for at, step in enumerate(steps):
            here = f"{place}/{at}"
            if step.any_order is not None:
                for branch in self._order(step.any_order):
                    await self.play(branch, f"{here}/any_order/{step.any_order.index(branch)}")
                continue
            if self._before is not None:
                await self._before(self._stage)
            try:
                await self._one(step, here)
            except ExpressionError as error:
                raise PathError(f"{here}: {error}") from None
            except Over:
                raise PathError(f"{here}: the user has ended the conversation before") from None

    async def _one(self, step: Step, here: str) -> None:
        if step.say is not None:
            await self._stage.say(filled(step.say, self._kept))
            return
        assert step.call is not None, "a step is one of three"
        answer = await self._approved(step.call, filled(step.with_, self._kept), step.expect)
        if answer.status != step.expect:
            said = " ".join(answer.text.split())[:300]
            raise PathError(f"{here}: {step.call} answered {answer.status}, not {step.expect}: {said}")
        for name, expression in step.keep.items():
            found = search(expression, answer.structured)
            if found is None:
                raise PathError(f"{here}: {expression!r} finds nothing for ${name}")
            self._kept[name] = found

    async def _approved(self, tool: str, arguments: dict[str, Any], expected: str) -> Answer:
        """Call, and where approval is needed tell the user, and go on with their yes."""
        answer = await self._stage.act(tool, arguments)
        for _ in range(3):  # what is asked may have changed meanwhile, and is asked again
            token = answer.structured.get("confirm_token")
            if answer.status == expected or not token:
                break
            turn = await self._stage.say(f"{answer.structured.get('summary', answer.text)} Shall I?")
            if not turn.approved:
                break
            answer = await self._stage.act(tool, {**arguments, "confirm_token": token})
        return answer
