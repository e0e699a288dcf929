"""OpenAI functions: at most 128, names of 64, descriptions of 1,024 characters, a plain object as root."""

from __future__ import annotations

from texml_mcp.exports.rules.common import Json, json_schema, names, nodes, text

NAME = r"[A-Za-z0-9_-]{1,64}"
MOST_TOOLS = 128
MOST_DESCRIPTION = 1024
_NOT_AT_ROOT = ("oneOf", "anyOf", "allOf", "enum", "not")


def problems(export: list[Json]) -> list[str]:
    """What the API would answer with 400."""
    found = envelope(export, strict=False)
    for function in functions(export):
        schema, name = function.get("parameters"), str(function.get("name"))
        found += json_schema(schema, name)
        found += [f"{name}: {key} at the root" for key in _NOT_AT_ROOT if schema and key in schema]
        for where, node in nodes(schema, name):
            if node.get("type") == "array" and "items" not in node:
                found.append(f"{where}: an array without items")
    return found


def functions(export: list[Json]) -> list[Json]:
    """The functions inside their envelopes."""
    return [entry["function"] for entry in export]


def envelope(export: list[Json], *, strict: bool) -> list[str]:
    """What holds for both modes."""
    found = [
        f"type {entry.get('type')!r} is no function" for entry in export if entry.get("type") != "function"
    ]
    inner = functions(export)
    found += names(inner, NAME, MOST_TOOLS)
    for function in inner:
        found += text(function, MOST_DESCRIPTION)
        if function.get("strict") is not strict:
            found.append(f"{function.get('name')}: strict is {function.get('strict')}")
    return found
