"""OpenAI strict mode: every key required, objects closed, no defaults or lengths, and limits on size.

The limits are those of the structured outputs guide: 5,000 properties, 10 levels, 1,000 enum values,
15,000 characters in an enum of more than 250 values, 120,000 characters of names and enum values.
"""

from __future__ import annotations

from typing import Any

from texml_mcp.exports.rules.common import (
    Json,
    as_object,
    foreign,
    json_schema,
    nodes,
    properties,
    required_exist,
)
from texml_mcp.exports.rules.openai import envelope, functions

MOST_PROPERTIES = 5_000
MOST_LEVELS = 10
MOST_ENUM_VALUES = 1_000
LARGE_ENUM, LARGE_ENUM_CHARACTERS = 250, 15_000
MOST_CHARACTERS = 120_000
KEYWORDS = frozenset(
    {
        *("type", "description", "title", "enum", "const", "anyOf", "properties", "required"),
        *("additionalProperties", "items", "minItems", "maxItems", "pattern", "format"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    }
)
TYPES = frozenset(("string", "number", "boolean", "integer", "object", "array", "null"))
FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")  # no others
)


def problems(export: list[Json]) -> list[str]:
    """What the API would answer with 400."""
    found = envelope(export, strict=True)
    for function in functions(export):
        name, schema = str(function.get("name")), function.get("parameters")
        found += json_schema(schema, name)
        inside = list(nodes(schema, name))
        if inside and "anyOf" in inside[0][1]:
            found.append(f"{name}: anyOf at the root")
        for where, node in inside:
            found += _node(where, node)
        found += _size(name, [node for _, node in inside])
        if (depth := levels(schema)) > MOST_LEVELS:
            found.append(f"{name}: {depth} levels, at most {MOST_LEVELS}")
    return found


def _node(where: str, node: Json) -> list[str]:
    found = foreign(node, where, KEYWORDS)
    kinds = _kinds(node)
    if not kinds and "anyOf" not in node:
        found.append(f"{where}: no type")
    found += [f"{where}: {kind} is no type" for kind in sorted(kinds - TYPES)]
    if "object" in kinds:
        if node.get("additionalProperties") is not False:
            found.append(f"{where}: additionalProperties must be false")
        absent = [key for key in properties(node) if key not in node.get("required", ())]
        found += [f"{where}: {key} must be required" for key in absent]
        found += required_exist(node, where)
    if "array" in kinds and "items" not in node:
        found.append(f"{where}: an array without items")
    if "null" in kinds and "enum" in node and None not in node["enum"]:
        found.append(f"{where}: null is a type and no choice")
    if node.get("format", "date") not in FORMATS:
        found.append(f"{where}: the format {node['format']} is not permitted")
    if any(mark in node.get("pattern", "") for mark in ("(?=", "(?!", "(?<")):
        found.append(f"{where}: the pattern looks around")
    return found


def _kinds(node: Json) -> set[str]:
    kind: Any = node.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)


def _size(name: str, inside: list[Json]) -> list[str]:
    enums: list[list[Any]] = [node["enum"] for node in inside if "enum" in node]
    keys = [key for node in inside for key in properties(node)]
    values = [str(value) for enum in enums for value in enum]
    found: list[str] = []
    if len(keys) > MOST_PROPERTIES:
        found.append(f"{name}: {len(keys)} properties, at most {MOST_PROPERTIES}")
    if len(values) > MOST_ENUM_VALUES:
        found.append(f"{name}: {len(values)} enum values, at most {MOST_ENUM_VALUES}")
    if (total := sum(map(len, keys + values))) > MOST_CHARACTERS:
        found.append(f"{name}: {total} characters of names and choices, at most {MOST_CHARACTERS}")
    for enum in enums:
        if (
            len(enum) > LARGE_ENUM
            and (size := sum(len(str(value)) for value in enum)) > LARGE_ENUM_CHARACTERS
        ):
            found.append(f"{name}: an enum of {size} characters, at most {LARGE_ENUM_CHARACTERS}")
    return found


def levels(schema: Any) -> int:
    """Levels of objects inside each other; an array adds none."""
    node = as_object(schema)
    inner: list[Any] = [*node.get("properties", {}).values(), *node.get("anyOf", [])]
    if "items" in node:
        inner.append(node["items"])
    deepest = max((levels(each) for each in inner), default=0)
    return deepest + (1 if "properties" in node else 0)
