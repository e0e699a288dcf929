"""BFCL: the types its Python checker knows, described parameters, and names that Python can call."""

from __future__ import annotations

import keyword

from texml_mcp.exports.rules.common import (
    Json,
    as_object,
    foreign,
    names,
    nodes,
    properties,
    required_exist,
    text,
)

_NAME = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
_FIELDS = frozenset(("name", "description", "parameters"))
_KEYWORDS = frozenset(("type", "description", "enum", "default", "items", "properties", "required"))
_TYPES = frozenset(("string", "integer", "float", "boolean", "array", "tuple", "dict", "any"))


def problems(export: list[Json]) -> list[str]:
    """Where its checker would raise, or its handlers would tell a model something else."""
    found = names(export, _NAME)
    for function in export:
        name, schema = str(function.get("name")), function.get("parameters")
        found += foreign(function, name, _FIELDS) + text(function)
        if as_object(schema).get("type") != "dict" or "required" not in as_object(schema):
            found.append(f"{name}: parameters must be a dict that says what is required")
        for where, node in nodes(schema, name):
            found += _node(where, node, root=where == name)
    return found


def _node(where: str, node: Json, *, root: bool) -> list[str]:
    found = foreign(node, where, _KEYWORDS) + required_exist(node, where)
    kind = node.get("type")
    if kind not in _TYPES:
        found.append(f"{where}: {kind} is no type")
    if not root and not node.get("description"):
        found.append(f"{where}: no description")
    if kind in ("array", "tuple") and "type" not in node.get("items", {}):
        found.append(f"{where}: a list whose items have no type")
    # Models that answer in Python write the arguments as keywords.
    for key in properties(node):
        if not key.isidentifier() or keyword.iskeyword(key):
            found.append(f"{where}: {key} cannot be a Python argument")
    return found
