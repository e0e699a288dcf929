"""Expressions and names in tasks: JMESPath over data, and `$name` in values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

_NAME = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_WHOLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})(?![\s\S])")


# What the library itself stumbles over: comparing a text with a number, steps of 0, numbers without end.
_FAILS = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError)


class ExpressionError(ValueError):
    """An expression or a name that cannot be used; the text says why."""


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Any:
    """The expression, ready to search. Raises `ExpressionError`."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(expression)
    except (JMESPathError, RecursionError) as error:
        raise ExpressionError(f"{_short(expression)} is not a JMESPath expression: {_line(error)}") from None


def search(expression: str, data: Any) -> Any:
    """What the expression finds in the data, None for nothing. Raises `ExpressionError`."""
    from jmespath.exceptions import JMESPathError

    try:
        found = compiled(expression).search(data)
        json.dumps(found, allow_nan=False)  # what is no data cannot be compared, or told
    except (JMESPathError, *_FAILS) as error:
        raise ExpressionError(f"{_short(expression)} cannot be worked out: {_line(error)}") from None
    return found


def used(value: Any) -> set[str]:
    """The names that a value mentions."""
    if isinstance(value, str):
        return {found[1] or found[2] for found in _NAME.finditer(value)}
    if isinstance(value, Mapping):
        return {name for inner in cast("Mapping[str, Any]", value).values() for name in used(inner)}
    if isinstance(value, (list, tuple)):
        return {name for inner in cast("list[Any]", value) for name in used(inner)}
    return set()


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """A value with its names replaced: whole, a name stands for what it holds, within a text for its text.

    Raises `ExpressionError` for a name that holds nothing.
    """
    if isinstance(value, str):
        if (whole := _WHOLE.match(value)) is not None:
            return _held(whole, names)
        return _NAME.sub(lambda found: str(_held(found, names)), value)
    if isinstance(value, Mapping):
        return {key: filled(inner, names) for key, inner in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [filled(inner, names) for inner in cast("list[Any]", value)]
    return value


def _held(found: re.Match[str], names: Mapping[str, Any]) -> Any:
    name = found[1] or found[2]
    if names.get(name) is None:
        raise ExpressionError(f"${name} holds nothing")
    return names[name]


def _short(expression: str) -> str:
    return repr(expression if len(expression) <= 200 else expression[:200] + "...")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
