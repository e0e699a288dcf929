"""How a task says which arguments it means: values, and objects with one of four operators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

OPERATORS = ("matches", "in", "not", "absent")


def problems(where: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a `where` by itself: an operator or an operand that it cannot have."""
    for name, wanted in where.items():
        for why in _problems(wanted):
            yield f"{name}: {why}"


def _problems(wanted: Any) -> Iterator[str]:
    if not isinstance(wanted, Mapping):
        return
    held = cast("Mapping[str, Any]", wanted)
    operator = next(iter(held), "")
    operand = held.get(operator)
    if len(held) != 1 or operator not in OPERATORS:
        yield f"one of {', '.join(OPERATORS)} is needed"
    elif operator == "not":
        yield from _problems(operand)
    elif operator == "in":
        if isinstance(operand, list):
            for each in cast("list[Any]", operand):
                yield from _problems(each)
        else:
            yield "in takes a list"
    elif operator == "absent":
        if not isinstance(operand, bool):
            yield "absent takes true or false"
    elif why := pattern_problem(operand):
        yield why


def pattern_problem(pattern: Any) -> str:
    """Why this is no regular expression; "" where it is one."""
    try:
        re.compile(pattern, re.IGNORECASE)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        return f"{pattern!r} is no regular expression: {error}"
    return ""
