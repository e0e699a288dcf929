"""Whether something that happened is what a task speaks of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from texml_mcp.evals.expressions import ExpressionError, filled
from texml_mcp.evals.model import Event

Happened = Mapping[str, Any]


def fits(where: Mapping[str, Any], given: Mapping[str, Any], names: Mapping[str, Any]) -> bool:
    """Whether the arguments are as `where` says; those it does not speak of may be anything."""
    return all(_fits(wanted, given.get(name), names) for name, wanted in where.items())


def _fits(wanted: Any, value: Any, names: Mapping[str, Any]) -> bool:
    if isinstance(wanted, Mapping) and len(held := cast("Mapping[str, Any]", wanted)) == 1:
        operator, operand = next(iter(held.items()))
        if operator == "matches":
            return value is not None and re.search(operand, as_text(value), re.IGNORECASE) is not None
        if operator == "in":
            return any(_fits(each, value, names) for each in operand)
        if operator == "not":
            return not _fits(operand, value, names)
        if operator == "absent":
            return (value is None) is bool(operand)
    try:
        return value is not None and as_text(filled(wanted, names)) == as_text(value)
    except ExpressionError:
        return False  # nothing is called so in this world, so nothing can be equal to it


def as_text(value: Any) -> str:
    """A value as it is compared: 60 is "60", true is "true", and an object is its JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, sort_keys=True)


def carried_out(request: Happened) -> bool:
    """Whether the API did what the request asked, also when nobody heard the answer."""
    return 200 <= request["status"] < 300


def arguments_of(request: Happened) -> dict[str, Any]:
    """Path, query and body of a request as one set of arguments, under wire names."""
    return {**request["path"], **request["query"], **request["body"]}


def places(event: Event, log: Sequence[Happened], names: Mapping[str, Any]) -> list[int]:
    """Where in the log the event happens: the indices, in order."""
    return [at for at, happened in enumerate(log) if _is(event, happened, names)]


def _is(event: Event, happened: Happened, names: Mapping[str, Any]) -> bool:
    match happened["kind"]:
        case "request":
            return (
                event.request in (happened["operation"], "*")
                and (event.attempted or carried_out(happened))
                and fits(event.where, arguments_of(happened), names)
            )
        case "call":
            return event.tool in (happened["tool"], "*") and fits(event.where, happened["arguments"], names)
        case "agent":
            return (
                event.says is not None and re.search(event.says, happened["text"], re.IGNORECASE) is not None
            )
        case _:
            return False
