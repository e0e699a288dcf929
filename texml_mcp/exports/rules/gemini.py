"""Gemini: the fields of its `Schema` message and no others, upper-case types, choices of text only."""

from __future__ import annotations

import re
from typing import Any

from texml_mcp.exports.rules.common import (
    Json,
    as_object,
    foreign,
    keys,
    names,
    nodes,
    properties,
    required_exist,
    text,
)

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"
_KEY = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_MOST = 128
_FIELDS = frozenset(("name", "description", "parameters", "response"))
_COUNTS = frozenset(
    ("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength")  # int64, as text
)
_KEYWORDS = _COUNTS | {
    *("type", "format", "title", "description", "nullable", "enum", "properties", "required", "pattern"),
    *("example", "anyOf", "propertyOrdering", "default", "items", "minimum", "maximum"),
}
# The developer API refuses other formats; Vertex AI knows more.
_FORMATS = {
    "STRING": ("enum", "date-time"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64"),
    "BOOLEAN": (),
    "ARRAY": (),
    "OBJECT": (),
}


def problems(export: list[Json]) -> list[str]:
    """What the API would answer with 400."""
    found: list[str] = []
    declared: list[Json] = []
    for entry in export:
        found += foreign(entry, "tools", frozenset(("functionDeclarations",)))
        declared += entry.get("functionDeclarations", [])
    found += names(declared, _NAME, _MOST)
    for function in declared:
        name, schema = str(function.get("name")), function.get("parameters")
        found += foreign(function, name, _FIELDS) + text(function)
        if as_object(schema).get("type") != "OBJECT":
            found.append(f"{name}: the root is no OBJECT")
        for where, node in nodes(schema, name):
            found += foreign(node, where, _KEYWORDS) + _node(where, node)
    return found


def _node(where: str, node: Json) -> list[str]:
    kind = str(node.get("type"))
    if kind not in _FORMATS:
        return [f"{where}: {kind} is no type"]
    found = keys(node, where, _KEY) + required_exist(node, where)
    if kind == "OBJECT" and not properties(node):
        found.append(f"{where}: an OBJECT without properties")
    if kind == "ARRAY" and "items" not in node:
        found.append(f"{where}: an ARRAY without items")
    if "format" in node and node["format"] not in _FORMATS[kind]:
        found.append(f"{where}: the format {node['format']} is not permitted for {kind}")
    if "enum" in node:
        choices: list[Any] = node["enum"]
        if kind != "STRING" or not all(isinstance(choice, str) and choice for choice in choices):
            found.append(f"{where}: only a STRING has choices, and none is empty")
    for count in _COUNTS & set(node):
        if not re.fullmatch(r"[0-9]{1,18}", str(node[count])):
            found.append(f"{where}: {count} is no count")
    return found
