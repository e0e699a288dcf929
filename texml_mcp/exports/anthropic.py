"""Anthropic: the `tools` of a message, each with its `input_schema`."""

from __future__ import annotations

from collections.abc import Sequence

from texml_mcp.exports.wording import Json


def convert(tools: Sequence[Json]) -> list[Json]:
    """One tool each; the schema is JSON Schema 2020-12, which is what ours already is."""
    return [
        {"name": tool["name"], "description": tool["description"], "input_schema": tool["inputSchema"]}
        for tool in tools
    ]
