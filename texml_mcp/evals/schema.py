"""The published JSON Schema of tasks: what the classes of `model` say, for editors and other programs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema

from texml_mcp.evals.model import SCHEMA, Task

FILE = f"{SCHEMA.replace('/', '-')}.schema.json"
ID = f"urn:texml-mcp:{SCHEMA.replace('/', ':')}"

# What the validators of the classes add to their fields.
_BESIDES: dict[str, dict[str, Any]] = {
    "Event": {
        "oneOf": [{"required": [name]} for name in ("request", "tool", "says")],
        "not": {"required": ["says"], "anyOf": [{"required": ["where"]}, {"required": ["attempted"]}]},
    },
    "Grade": {"anyOf": [{"required": [name]} for name in ("state", "asserts", "communicated")]},
    "Step": {
        "oneOf": [{"required": [name]} for name in ("call", "say", "any_order")],
        "dependentRequired": {name: ["call"] for name in ("with", "keep", "expect")},
    },
}


class _Schema(GenerateJsonSchema):
    """Draft 2020-12, without titles that would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@cache
def task_schema() -> dict[str, Any]:
    """The schema that a task's file must fit."""
    made = Task.model_json_schema(by_alias=True, schema_generator=_Schema)
    for name, besides in _BESIDES.items():
        made["$defs"][name] |= besides
    _tidy(made)
    head = {"$schema": _Schema.schema_dialect, "$id": ID, "title": f"A task of {SCHEMA}"}
    return {**head, **{name: value for name, value in made.items() if name != "title"}}


def misfits(content: Any) -> Iterator[tuple[str, str]]:
    """Places in a task's content that do not fit the schema, each with why."""
    for error in _validator().iter_errors(content):
        yield "/".join(str(part) for part in error.absolute_path), str(error.message)[:300]


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(task_schema())


def _tidy(schema: Any) -> None:
    """Say in the usual way what pydantic says in its own: an absent key is absent, not null."""
    if isinstance(schema, list):
        for each in cast("list[Any]", schema):
            _tidy(each)
    if not isinstance(schema, dict):
        return
    held = cast("dict[str, Any]", schema)
    either = held.get("anyOf")
    if held.get("default", "") is None and isinstance(either, list):
        del held["anyOf"], held["default"]
        kept = [each for each in cast("list[dict[str, Any]]", either) if each != {"type": "null"}]
        held |= {**kept[0], **held}
    if "patternProperties" in held:
        held["additionalProperties"] = False
    for each in list(held.values()):
        _tidy(each)
