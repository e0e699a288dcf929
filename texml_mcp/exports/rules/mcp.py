"""MCP: names of 1 to 128 letters, digits, `_`, `-` and `.`; JSON schemas with an object at the root."""

from __future__ import annotations

from texml_mcp.exports.rules.common import Json, json_schema, names, text

_NAME = r"[A-Za-z0-9_.-]{1,128}"


def problems(export: Json) -> list[str]:
    """What a client of the protocol would refuse."""
    tools: list[Json] = export["tools"]
    found = names(tools, _NAME)
    for tool in tools:
        found += text(tool)
        for schema in ("inputSchema", "outputSchema"):
            if schema in tool or schema == "inputSchema":
                found += json_schema(tool.get(schema), f"{tool.get('name')}.{schema}")
    return found
