"""MCP: the answer of `tools/list`, as a server gives it."""

from __future__ import annotations

from collections.abc import Sequence

from texml_mcp.exports.wording import Json


def convert(tools: Sequence[Json]) -> Json:
    """The tools as they are, under the key that `tools/list` answers with."""
    return {"tools": list(tools)}
