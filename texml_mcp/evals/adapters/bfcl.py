"""Decision points as entries of the Berkeley Function-Calling Leaderboard: one file asks, one answers.

An entry of the category `multiple` is a conversation and the functions that there are. Its answer lists the
values that are accepted for each argument of the one right call; the empty text says that it may be left out.
Models are given plain roles only there, so what a tool said before is quoted in words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, cast

from texml_mcp.evals.adapters.answers import Accepted, Point
from texml_mcp.exports.formats import export

CATEGORY = "multiple"
FILE = f"BFCL_v4_{CATEGORY}.json"
ABSENT = ""


def entries(points: Sequence[Point]) -> list[dict[str, Any]]:
    """The questions: `question` is a list of turns, here of one. `texml_bench` says which point it is."""
    return [
        {
            "id": entry_id(each.decision.id),
            "question": [plain(each.decision.messages)],
            "function": export("bfcl", each.tools),
            "texml_bench": each.decision.id,
        }
        for each in _in_order(points)
    ]


def answers(points: Sequence[Point]) -> list[dict[str, Any]]:
    """The possible answers, under the ids of their entries."""
    return [
        {
            "id": entry_id(each.decision.id),
            "ground_truth": [{each.decision.tool: {name: _values(it) for name, it in each.accepted.items()}}],
        }
        for each in _in_order(points)
    ]


def entry_id(point: str) -> str:
    """The category and a number, as ids have to be there. The number is the point's, whatever is exported."""
    return f"{CATEGORY}_{_number(point)}"


def lines(rows: Sequence[dict[str, Any]]) -> str:
    """JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def plain(messages: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The messages with roles that every model has: calls and their answers are told as text."""
    told: list[dict[str, str]] = []
    name = ""
    for each in messages:
        if calls := cast("list[dict[str, Any]]", each.get("tool_calls") or []):
            name = calls[0]["function"]["name"]
            told.append(
                {"role": "assistant", "content": f"I call {name} with {calls[0]['function']['arguments']}"}
            )
        elif each["role"] == "tool":
            told.append({"role": "user", "content": f"[Result of {name}, not my words]\n{each['content']}"})
        else:
            told.append({"role": each["role"], "content": each["content"]})
    return told


def _in_order(points: Sequence[Point]) -> list[Point]:
    # Results are sorted by number before they are held against entries and answers, line by line.
    return sorted(points, key=lambda each: _number(each.decision.id))


def _number(point: str) -> int:
    return int.from_bytes(hashlib.sha256(point.encode()).digest()[:6], "big")


def _values(accepted: Accepted) -> list[Any]:
    values = [_nested(each) for each in accepted.values]
    return [*values, ABSENT] if accepted.optional else values


def _nested(value: Any) -> Any:
    """Of an object each key has a list of accepted values of its own."""
    if isinstance(value, dict):
        return {key: [each] for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_nested(each) for each in cast("list[Any]", value)]
    return value
