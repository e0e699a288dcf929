"""BFCL: function documents as the Berkeley leaderboard writes them, with Python's names for types.

Its checker reads types, choices and what is required; ranges and lengths reach a model by description only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from texml_mcp.exports.wording import Json, as_text, described

_TYPES = {"object": "dict", "number": "float"}
_SAID = ("minimum", "maximum", "minLength", "maxLength", "pattern")


def convert(tools: Sequence[Json]) -> list[Json]:
    """The `function` list of a test entry."""
    return [
        {
            "name": tool["name"],
            "description": tool["description"],
            "parameters": _object(tool["inputSchema"]),
        }
        for tool in tools
    ]


def _object(schema: Json) -> Json:
    return {
        "type": "dict",
        "properties": {key: _property(each, key) for key, each in schema["properties"].items()},
        "required": list(schema.get("required", ())),
    }


def _property(schema: Json, name: str) -> Json:
    schema = as_text(schema)
    document: Json = {"type": _TYPES.get(schema["type"], schema["type"])}
    # Its handlers append to the description of a float, and fail where there is none.
    document["description"] = described(schema, _SAID) or _spelled_out(name)
    if "enum" in schema:
        document["enum"] = list(schema["enum"])
    if "default" in schema:
        document["default"] = schema["default"]
    if "items" in schema:
        document["items"] = _property(schema["items"], "item")
    if "properties" in schema:
        document |= _object(schema)
    return document


def _spelled_out(name: str) -> str:
    """`StatusCallbackMethod` in words, where the declaration needs none."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").split()
    return " ".join(words).capitalize()
