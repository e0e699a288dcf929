"""Gemini: function declarations in its subset of OpenAPI 3.0.

`additionalProperties` has no field there, and a default is accepted and ignored, so it is said in words.
"""

from __future__ import annotations

from collections.abc import Sequence

from texml_mcp.exports.wording import Json, as_text, described

_KEPT = ("minimum", "maximum", "pattern")
_COUNTS = ("minLength", "maxLength")


def convert(tools: Sequence[Json]) -> list[Json]:
    """The `tools` of a request: one entry that declares every function."""
    return [
        {
            "functionDeclarations": [
                {
                    "name": tool["name"],
                    "description": tool["description"],
                    "parameters": _schema(tool["inputSchema"]),
                }
                for tool in tools
            ]
        }
    ]


def _schema(schema: Json) -> Json:
    schema = as_text(schema)
    subset: Json = {"type": schema["type"].upper()}
    if text := described(schema, ("default",)):
        subset["description"] = text
    if "enum" in schema:
        subset |= {"format": "enum", "enum": list(schema["enum"])}
    subset |= {key: schema[key] for key in _KEPT if key in schema}
    # 64-bit counts travel as text in this API's JSON.
    subset |= {key: str(schema[key]) for key in _COUNTS if key in schema}
    if "items" in schema:
        subset["items"] = _schema(schema["items"])
    if "properties" in schema:
        subset["properties"] = {key: _schema(each) for key, each in schema["properties"].items()}
        if required := schema.get("required"):
            subset["required"] = list(required)
    return subset
