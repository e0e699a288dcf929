"""The expressions, patterns, names and events of a task: whether each can be what it is meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from texml_mcp.evals.expressions import ExpressionError, compiled, used
from texml_mcp.evals.model import Event, Task
from texml_mcp.evals.validate.vocabulary import operations, tools, unknown

Found = Iterator[tuple[str, str]]
"""Places in the task, each with what is wrong there."""


def wrong_texts(task: Task, names: Mapping[str, Any]) -> Found:
    """`names` are what the task's hold in the world at the start."""
    for name, expression in task.names.items():
        wrong = list(wrong_expression(f"names/{name}", expression))
        yield from wrong
        if not wrong and names.get(name) is None:
            yield f"names/{name}", f"{expression!r} finds nothing in the world at the start"
    for at, known in enumerate(task.user.knows):
        yield from _pattern(f"user/knows/{at}/asked", known.asked)
        if known.after is not None:
            yield from _event(f"user/knows/{at}/after", known.after, task)
    for at, each in enumerate(task.user.approves):
        place = f"user/approves/{at}"
        for why in unknown("tool", tools(), each.tool, each.where):
            yield place, why
        yield from _where(f"{place}/where", each.where, task)
    yield from _grade(task)


def _grade(task: Task) -> Found:
    grade = task.grade
    for at, each in enumerate(grade.asserts):
        yield from wrong_expression(f"grade/asserts/{at}/that", each.that)
        yield from _names(f"grade/asserts/{at}/equals", each.equals, task)
    named: set[str] = set()
    for at, mine in enumerate(grade.mines):
        place = f"grade/mines/{at}"
        yield from _event(f"{place}/never", mine.never, task)
        if mine.unless_after is not None:
            yield from _event(f"{place}/unless_after", mine.unless_after, task)
        if mine.name in named:
            yield f"{place}/name", f"{mine.name} is the name of another mine"
        named.add(mine.name)
    for at, milestone in enumerate(grade.milestones):
        yield from _event(f"grade/milestones/{at}/seen", milestone.seen, task)
    for at, communicated in enumerate(grade.communicated):
        for index, pattern in enumerate(communicated.any_of):
            yield from _pattern(f"grade/communicated/{at}/any_of/{index}", pattern)


def _event(place: str, event: Event, task: Task) -> Found:
    if event.says is not None:
        yield from _pattern(f"{place}/says", event.says)
    if event.request is not None:
        for why in unknown("operation", operations(), event.request, event.where):
            yield f"{place}/request", why
    if event.tool is not None:
        for why in unknown("tool", tools(), event.tool, event.where):
            yield f"{place}/tool", why
    yield from _where(f"{place}/where", event.where, task)


def _where(place: str, where: Mapping[str, Any], task: Task) -> Found:
    yield from _names(place, _compared(where), task)


def _compared(value: Any) -> Any:
    """Of a `where` what may hold names: patterns have a `$` of their own."""
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        return {key: _compared(inner) for key, inner in held.items() if key != "matches"}
    if isinstance(value, list):
        return [_compared(inner) for inner in cast("list[Any]", value)]
    return value


def _names(place: str, value: Any, task: Task) -> Found:
    for name in sorted(used(value) - task.names.keys()):
        there = ", ".join(sorted(task.names)) or "none"
        yield place, f"${name} is none of the task's names; there are {there}"


def _pattern(place: str, pattern: str) -> Found:
    if re.search(pattern, "", re.IGNORECASE) is not None:
        yield place, f"{pattern!r} matches anything: ask for at least one character"


def wrong_expression(place: str, expression: str) -> Found:
    from jmespath.functions import Functions

    try:
        found = compiled(expression)
    except ExpressionError as error:
        yield place, str(error)
        return
    functions = cast("dict[str, Any]", Functions.FUNCTION_TABLE)  # pyright: ignore[reportUnknownMemberType]
    for called in sorted(_functions(found.parsed) - functions.keys()):
        yield place, f"JMESPath has no function {called}"


def _functions(node: Any) -> set[str]:
    """The functions that a parsed expression calls."""
    if not isinstance(node, dict):
        return set()
    held = cast("dict[str, Any]", node)
    mine = {str(held["value"])} if held.get("type") == "function_expression" else set[str]()
    children = cast("list[Any]", held.get("children") or [])
    return mine.union(*(_functions(each) for each in children))
