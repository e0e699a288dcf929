"""OpenAI: the `tools` of a chat completion, with JSON schemas that guide and do not bind."""

from __future__ import annotations

from collections.abc import Sequence

from texml_mcp.exports.wording import Json


def convert(tools: Sequence[Json]) -> list[Json]:
    """One function a tool. `strict` is said, because one of the two APIs takes its absence for true."""
    return [function(tool, tool["inputSchema"], strict=False) for tool in tools]


def function(tool: Json, parameters: Json, *, strict: bool) -> Json:
    """A tool in OpenAI's envelope."""
    return {
        "type": "function",
        "function": {
            "name": tool["name"],
            "description": tool["description"],
            "parameters": parameters,
            "strict": strict,
        },
    }
