"""Anthropic tools: names of 64, property keys without brackets, `input_schema` in JSON Schema 2020-12."""

from __future__ import annotations

from texml_mcp.exports.rules.common import Json, foreign, json_schema, keys, names, nodes, text

_NAME = r"[A-Za-z0-9_-]{1,64}"
_KEY = r"[A-Za-z0-9_.-]{1,64}"
_FIELDS = frozenset(("name", "description", "input_schema"))


def problems(export: list[Json]) -> list[str]:
    """What the API would answer with 400: one bad key costs the whole tool list."""
    found = names(export, _NAME)
    for tool in export:
        name, schema = str(tool.get("name")), tool.get("input_schema")
        found += foreign(tool, name, _FIELDS) + text(tool) + json_schema(schema, name)
        found += [
            f"{name}: {key} at the root" for key in ("oneOf", "anyOf", "allOf") if schema and key in schema
        ]
        for where, node in nodes(schema, name):
            found += keys(node, where, _KEY)
    return found
