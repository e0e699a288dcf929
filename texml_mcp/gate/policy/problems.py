"""A validation error in the words of the policy file: which key, what is wrong, what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from pydantic import BaseModel

from texml_mcp.gate.policy.conditions import Condition
from texml_mcp.gate.policy.errors import nearest, unknown
from texml_mcp.gate.policy.model import Policy, Role
from texml_mcp.gate.policy.rule import Rule
from texml_mcp.text import clean, shown


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` is where in the file, `sentence` what to change."""

    path: tuple[str | int, ...]
    sentence: str


def problem_of(error: Mapping[str, Any]) -> Problem:
    """One entry of `ValidationError.errors()`."""
    path = _path(error)
    context: Mapping[str, Any] = error.get("ctx") or {}
    match error["type"]:
        case "extra_forbidden":
            sentence = unknown("key", str(path[-1]), _keys_of(path[:-1]))
        case "missing":
            sentence = f"{path[-1]} is missing"
        case "literal_error":
            choices = [
                choice.strip("' ") for choice in str(context["expected"]).replace(" or ", ", ").split(",")
            ]
            sentence = (
                f"{path[-1]} cannot be {shown(error['input'])}. {nearest(str(error['input']), choices)}"
            )
        case "value_error" | "policy":
            sentence = clean(str(context.get("error") or context.get("problem")), 500)
        case _:
            sentence = f"{path[-1] if path else 'the file'}: {clean(str(error['msg']), 300)}"
    return Problem(path, sentence.strip())


def _path(error: Mapping[str, Any]) -> tuple[str | int, ...]:
    """The location without the steps that only pydantic knows: `[key]`, the branch of a union."""
    steps = [step for step in cast("tuple[str | int, ...]", error["loc"]) if step != "[key]"]
    if len(steps) > 1 and steps[-1] in ("bool", "int", "float", "str"):
        steps.pop()
    context: Mapping[str, Any] = error.get("ctx") or {}
    return (*steps, context["key"]) if error["type"] == "policy" else tuple(steps)


def _keys_of(table: tuple[str | int, ...]) -> list[str]:
    """What may stand in a table of the file."""
    match table:
        case ():
            model: type[BaseModel] | None = Policy
        case ("rules", int()):
            model = Rule
        case ("rules", int(), "when", *_):
            model = Condition
        case ("roles", _):
            model = Role
        case ("guards", *inner):
            model = _inside(Policy.model_fields["guards"].annotation, inner)
        case _:
            model = None
    return list(model.model_fields) if model else []


def _inside(annotation: Any, path: list[str | int]) -> type[BaseModel] | None:
    """The model at a path below another model, through optional fields."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            if not path:
                return candidate
            field = candidate.model_fields.get(str(path[0]))
            return _inside(field.annotation, path[1:]) if field else None
    return None
