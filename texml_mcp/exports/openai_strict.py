"""OpenAI strict: a model is held to the schema, which has to name every key and say null for "absent".

Defaults and lengths have no keyword here, so they go into the description.
"""

from __future__ import annotations

from collections.abc import Sequence

from texml_mcp.exports.openai import function
from texml_mcp.exports.wording import Json, as_text, described

_KEPT = ("minimum", "maximum", "pattern")
_SAID = ("default", "minLength", "maxLength")


def convert(tools: Sequence[Json]) -> list[Json]:
    """One strict function a tool."""
    return [function(tool, _schema(tool["inputSchema"], nullable=False), strict=True) for tool in tools]


def _schema(schema: Json, *, nullable: bool) -> Json:
    schema = as_text(schema)
    strict: Json = {"type": [schema["type"], "null"] if nullable else schema["type"]}
    if text := described(schema, _SAID):
        strict["description"] = text
    if "enum" in schema:
        # A validator reads enum and type together: without null among the choices, null is refused.
        strict["enum"] = [*schema["enum"], None] if nullable else list(schema["enum"])
    strict |= {key: schema[key] for key in _KEPT if key in schema}
    if "items" in schema:
        strict["items"] = _schema(schema["items"], nullable=False)
    if "properties" in schema:
        needed = set(schema.get("required", ()))
        strict["properties"] = {
            key: _schema(each, nullable=key not in needed) for key, each in schema["properties"].items()
        }
        strict["required"] = list(schema["properties"])
        strict["additionalProperties"] = False
    return strict
