"""What counts as the right call at a decision point, for harnesses that compare one call with another.

Such a comparison is by value, so a point where several calls are right, or where a document has to be
written, is left out, with the reason: whoever did it well would be told that it was wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, cast

from texml_mcp.catalog import Effect, endpoint
from texml_mcp.evals.adapters.decisions import WRITES, Decision, decisions
from texml_mcp.evals.agents.paths import PathError
from texml_mcp.evals.clockwork import told
from texml_mcp.evals.model import Step, Task

DOCUMENTS = frozenset({"Texml"})
MOST_REORDERED = 4  # items of a list whose every order is listed

_WHY_DOCUMENT = "a document is written here, and no two people write the same"
_WHY_SEVERAL = "several calls are right here, in any order"
_WHY_REFUSAL = "to call nothing may be right here"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Values of one argument that are right, and whether it may be left out."""

    values: list[Any]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A decision point with all that is right at it. An argument that is not listed must not be given."""

    decision: Decision
    accepted: dict[str, Accepted]
    tools: list[dict[str, Any]]
    family: str


@dataclass(slots=True)
class Points:
    """Those that can be judged by comparison, and why the others cannot, by their ids."""

    judged: list[Point] = field(default_factory=list[Point])
    left_out: dict[str, str] = field(default_factory=dict[str, str])


async def points(tasks: Sequence[Task]) -> Points:
    """The decision points of these tasks, in their order. A task without a write has none, and says so."""
    found = Points()
    for task in tasks:
        try:
            made, tools = await decisions(task)
        except PathError as error:
            found.left_out[task.id] = str(error).removeprefix(f"{task.id}: ")
            continue
        if not made:
            found.left_out[task.id] = "its reference changes nothing, so there is no call to compare"
            continue
        account = told(task.world, task.id).account_sid if task.server.account_sid == "world" else None
        for each, several in zip(made, _several(task.reference), strict=True):
            if task.refusal:
                found.left_out[each.id] = _WHY_REFUSAL
            elif several:
                found.left_out[each.id] = _WHY_SEVERAL
            elif DOCUMENTS & each.arguments.keys():
                found.left_out[each.id] = _WHY_DOCUMENT
            else:
                found.judged.append(Point(each, _accepted(each, tools, account), tools, task.family))
    return found


def _accepted(point: Decision, tools: Sequence[dict[str, Any]], account: str | None) -> dict[str, Accepted]:
    """The arguments of the reference; besides, what is the same as nothing: defaults, and the account."""
    (schema,) = [tool["inputSchema"] for tool in tools if tool["name"] == point.tool]
    # Left out of an update, an argument may stand for what is there rather than for its default.
    known = endpoint(point.tool).effect is not Effect.UPDATE
    properties = cast("dict[str, dict[str, Any]]", schema["properties"])
    defaults = {name: each["default"] for name, each in properties.items() if known and "default" in each}
    if account is not None and "account_sid" in properties:
        defaults["account_sid"] = account
    found = {name: Accepted([value], optional=True) for name, value in defaults.items()}
    for name, value in point.arguments.items():
        found[name] = Accepted(_orders(value), optional=name in defaults and defaults[name] == value)
    return found


def _orders(value: Any) -> list[Any]:
    """A list of words in each of its orders: nothing here depends on it."""
    if not isinstance(value, list) or len(items := cast("list[Any]", value)) > MOST_REORDERED:
        return [value]
    if not all(isinstance(each, str) for each in items):
        return [value]
    return [list(each) for each in permutations(items)]


def _several(steps: Sequence[Step], free: bool = False) -> Iterator[bool]:
    """For each write on the path, whether another branch could be next just as well."""
    for step in steps:
        if step.any_order is not None:
            for at, branch in enumerate(step.any_order, 1):
                yield from _several(branch, free or at < len(step.any_order))
        elif step.call in WRITES and "confirm_token" not in step.with_:
            yield free
