"""The tables of docs/policy.md: every key of a policy file, from its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from texml_mcp.catalog import ENDPOINTS, RiskClass
from texml_mcp.gate.policy.schema import json_schema

Schema = Mapping[str, Any]

_TOOLS = {each.id for each in ENDPOINTS}
_TOOLSETS = {each.toolset for each in ENDPOINTS}
_RISKS = {each.value for each in RiskClass}
_SCALARS = {"boolean", "integer", "number", "string"}
_PARTS = (
    ("Rule", "Rule", "`[[rules]]`"),
    ("Condition", "Condition", "A table under `when`"),
    ("Role", "Role", "`[roles.NAME]`"),
    ("GuardConfig", "Guards", "`[guards]`"),
    ("QuietHours", "Quiet hours", "`[guards.quiet_hours]`"),
)


def tables() -> str:
    """Every key, what it takes, its default and its meaning; first the file's own, then each table's."""
    schema = json_schema()
    blocks = [f"### The file\n\n{schema['description']}\n\n{_table(schema)}"]
    for name, title, where in _PARTS:
        part = schema["$defs"][name]
        said = " ".join(str(part["description"]).split())
        blocks.append(f"### {title}\n\n{where}. {said}\n\n{_table(part)}")
    return "\n\n".join(blocks)


def unnamed() -> set[str]:
    """Parts of the schema that no table is about."""
    return set(json_schema()["$defs"]) - {name for name, _, _ in _PARTS}


def _table(schema: Schema) -> str:
    needed = set(schema.get("required", ()))
    lines = ["| key | takes | default | meaning |", "|---|---|---|---|"]
    for name, each in cast("dict[str, Schema]", schema["properties"]).items():
        default = "needed" if name in needed else _default(each)
        lines.append(f"| `{name}` | {_takes(each)} | {default} | {each.get('description', '')} |")
    return "\n".join(lines)


def _default(schema: Schema) -> str:
    value = schema.get("default")
    if value is None or value in ("", []) or isinstance(value, dict):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _takes(schema: Schema) -> str:
    """What a value may be, in a few words."""
    if "$ref" in schema:
        return _linked(schema)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return _one_of(schema["enum"])
    if "anyOf" in schema:
        kinds = {each.get("type") for each in schema["anyOf"]}
        if kinds == {"integer", "number"}:
            return "number"
        if kinds >= _SCALARS:
            rest = [each for each in schema["anyOf"] if each.get("type") not in _SCALARS]
            return " or ".join(["value", *(_takes(each) for each in rest)])
        return " or ".join(dict.fromkeys(_takes(each) for each in schema["anyOf"]))
    match schema.get("type"):
        case "array":
            inner = _takes(schema["items"])
            return f"list of {inner}" if inner.startswith("[") else f"list of {inner}s"
        case "object":
            return _mapping(schema)
        case "string":
            longest = f", at most {schema['maxLength']}" if "maxLength" in schema else ""
            return "plain name" if "a-z0-9_-" in schema.get("pattern", "") else f"text{longest}"
        case "boolean":
            return "true or false"
        case kind:
            bounds = [f"from {schema['minimum']}"] if "minimum" in schema else []
            bounds += [f"to {schema['maximum']}"] if "maximum" in schema else []
            return " ".join(["whole number" if kind == "integer" else "number", *bounds])


def _mapping(schema: Schema) -> str:
    if "patternProperties" in schema:
        return f"plain name = {_takes(next(iter(schema['patternProperties'].values())))}"
    values = _takes(schema["additionalProperties"])
    key = _one_of(schema["propertyNames"]["enum"]) if "propertyNames" in schema else "argument"
    return f"{key} = {values}"


def _linked(schema: Schema) -> str:
    named = schema["$ref"].rpartition("/")[2]
    title = next(title for name, title, _ in _PARTS if name == named)
    return f"[{title[0].lower()}{title[1:]}](#{title.lower().replace(' ', '-')})"


def _one_of(values: list[str]) -> str:
    for known, word in ((_TOOLS, "tool"), (_TOOLSETS, "toolset"), (_RISKS, "risk")):
        if set(values) == known:
            return word
    return ", ".join(f"`{each}`" for each in values)
