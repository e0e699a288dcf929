"""What a model pays for the tool list before it has said a word."""

from __future__ import annotations

from typing import Any

from benchmarks.answers import compact
from benchmarks.contenders.registry import OURS, Ours
from benchmarks.field import Field
from benchmarks.stats import Row, judged
from benchmarks.wire.launch import Launch
from benchmarks.wire.stdio import serving
from texml_mcp.tools.schema import model_text, token_estimate

LIMIT, CORE_LIMIT = 7000, 2500


def definitions(field: Field) -> list[Row]:
    """Tools, bytes on the wire, and tokens (bytes/4) of what reaches a model. Deterministic."""
    rows: list[Row] = []
    for contender in field.contenders:
        tools = listed(contender.launch())
        row = cost(contender.name, tools)
        rows.append(row)
        if isinstance(contender, Ours):
            endpoints = [tool for tool in tools if tool["name"] != "validate_texml"]
            rows.append(judged(cost(f"{OURS}, endpoints alone", endpoints), "tokens", LIMIT))
            rows.append(judged(cost(f"{OURS}, core", listed(contender.core())), "tokens", CORE_LIMIT))
    return rows + field.absent


def listed(launch: Launch) -> list[dict[str, Any]]:
    """The tools that a server answers."""
    with serving(launch) as pipe:
        pipe.hello()
        return pipe.request("tools/list", {})["result"]["tools"]


def cost(name: str, tools: list[dict[str, Any]]) -> Row:
    """Bytes of the whole answer; tokens of names, descriptions and input schemas, which models are given."""
    tokens = {tool["name"]: token_estimate(model_text(tool)) for tool in tools}
    largest = max(tokens, key=lambda tool: tokens[tool])
    return {
        "what": name,
        "tools": len(tools),
        "wire bytes": len(compact(tools).encode()),
        "tokens": sum(tokens.values()),
        "largest tool": largest,
        "most tokens": tokens[largest],
    }
