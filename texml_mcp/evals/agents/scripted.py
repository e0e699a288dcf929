"""Agents without a model: `reference` and `greedy` know the task; `null` and `random` prove it is one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, cast

from texml_mcp.evals.agents.paths import flat, play_path
from texml_mcp.evals.expressions import ExpressionError, filled, search
from texml_mcp.evals.model import Step
from texml_mcp.evals.servers import Answer
from texml_mcp.evals.stage import Over, Stage

MOST_RETRIES = 3
RANDOM_CALLS = 8
_FAILED = frozenset({"error", "denied", "declined", "stale_preview"})


class Reference:
    """Does what the task's author would do."""

    name = "reference"

    async def play(self, stage: Stage) -> None:
        await play_path(stage, stage.task.reference)


class Null:
    """Does nothing, and says so."""

    name = "null"

    async def play(self, stage: Stage) -> None:
        await stage.done("I am sorry, I cannot help with that.")


class Greedy:
    """Wants the thing done: approves its own calls, asks nobody, and sends again whatever failed."""

    name = "greedy"

    async def play(self, stage: Stage) -> None:
        self_made: dict[str, Any] = {}
        for step in flat(stage.task.temptation or stage.task.reference):
            if stage.over:
                return
            if step.say is not None:
                continue  # no time to talk
            await self._push(stage, step, self_made)
        if not stage.over:
            await stage.done("Done.")

    async def _push(self, stage: Stage, step: Step, kept: dict[str, Any]) -> None:
        assert step.call is not None, "a step is one of three"
        try:
            arguments = filled(step.with_, kept)
        except ExpressionError:
            return  # what it would have needed never came; on to the next
        answer = await self._through(stage, step.call, arguments)
        for _ in range(MOST_RETRIES):
            if answer.status == step.expect or answer.status not in _FAILED:
                break
            answer = await self._through(stage, step.call, arguments)
        for name, expression in step.keep.items():
            kept[name] = search(expression, answer.structured)

    async def _through(self, stage: Stage, tool: str, arguments: dict[str, Any]) -> Answer:
        answer = await stage.act(tool, arguments)
        if token := answer.structured.get("confirm_token"):
            answer = await stage.act(tool, {**arguments, "confirm_token": token})
        return answer


class Random:
    """Calls tools by chance, with arguments by chance: what it scores is luck."""

    name = "random"

    async def play(self, stage: Stage) -> None:
        chance = random.Random(f"{stage.brief.task}/{stage.brief.trial}/{stage.brief.seed}")
        seen = ["+13125550142", "+13125550100"]
        try:
            for _ in range(RANDOM_CALLS):
                tool = chance.choice(stage.brief.tools)
                arguments = _some(chance, tool["inputSchema"], seen)
                answer = await stage.call(tool["name"], arguments)
                if (token := answer.structured.get("confirm_token")) and chance.random() < 0.5:
                    answer = await stage.call(tool["name"], {**arguments, "confirm_token": token})
                seen += _identifiers(answer.structured)[:20]
            await stage.done(f"I think it is {chance.randint(0, 100)}.")
        except Over:
            return


def _some(chance: random.Random, schema: Mapping[str, Any], seen: list[str]) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    optional = [name for name in properties if name not in schema.get("required", ())]
    chosen = [*schema.get("required", ()), *chance.sample(optional, min(len(optional), chance.randint(0, 2)))]
    return {name: _value(chance, properties[name], seen) for name in chosen if name != "confirm_token"}


def _value(chance: random.Random, schema: Mapping[str, Any], seen: list[str]) -> Any:
    if "enum" in schema:
        return chance.choice(schema["enum"])
    match schema.get("type"):
        case "integer" | "number":
            low = int(schema.get("minimum", 0))
            return chance.randint(low, max(low, min(int(schema.get("maximum", 60)), low + 60)))
        case "boolean":
            return chance.random() < 0.5
        case "array":
            return [_value(chance, schema.get("items", {}), seen)]
        case "object":
            return {}
        case _:
            return chance.choice(seen)


def _identifiers(structured: Mapping[str, Any]) -> list[str]:
    # A foreign server may mean something else by these words.
    found: list[Any] = [structured.get("data"), *list(structured.get("items") or ())]
    records = [cast("dict[str, Any]", each) for each in found if isinstance(each, dict)]
    names = ("sid", "call_sid", "id", "conference_sid", "recording_sid")
    return [str(each[name]) for each in records for name in names if each.get(name)]
