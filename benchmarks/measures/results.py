"""What a model pays to read an answer, against the JSON it came from."""

from __future__ import annotations

from typing import Any

from benchmarks.answers import Typical, by_address, compact, typical
from benchmarks.contenders.registry import OURS, Contender
from benchmarks.field import Field, scratch
from benchmarks.stats import Row, judged
from benchmarks.upstream import upstream
from benchmarks.wire.stdio import Pipe, serving
from texml_mcp.tools.schema import token_estimate

LIMIT = 0.3


def results(field: Field) -> list[Row]:
    """Tokens (bytes/4) of ten typical answers as text, as hosts pass them on, beside the upstream JSON."""
    able, unable = field.able("results")
    rows: list[Row] = [
        {"answer": each.tool, "upstream JSON": token_estimate(each.upstream_text)} for each in typical()
    ]
    with upstream(by_address()) as url:
        for contender in able:
            for row, (text, structured) in zip(rows, told(contender, url), strict=True):
                row[contender.name] = token_estimate(text)
                if contender.name == OURS:
                    row["structured"] = token_estimate(structured)
    columns = [name for name in rows[0] if name != "answer"]
    total: Row = {"answer": "all ten", **{name: sum(row[name] for row in rows) for name in columns}}
    share: Row = {
        "answer": "of upstream",
        **{name: round(total[name] / total["upstream JSON"], 2) for name in columns},
    }
    for row in rows:
        row["ours of upstream"] = round(row[OURS] / row["upstream JSON"], 2)
    unable = [{"answer": row["what"]} | {"why not": row["why not"]} for row in unable]
    return [*rows, total, judged(share, OURS, LIMIT), *unable]


def told(contender: Contender, url: str) -> list[tuple[str, str]]:
    """Text and structured content of the ten, of one server."""
    with scratch() as state, serving(contender.launch(url, state=state)) as pipe:
        pipe.hello()
        return [_answer(contender, pipe, each) for each in typical()]


def _answer(contender: Contender, pipe: Pipe, each: Typical) -> tuple[str, str]:
    tool, arguments = contender.named(each.tool, each.arguments)
    answer = pipe.call(tool, arguments)
    held = answer.get("structuredContent", {})
    if contender.name == OURS and held["status"] == "confirmation_required":
        answer = pipe.call(tool, arguments | {"confirm_token": held["confirm_token"]})
    return text_of(answer), compact(answer.get("structuredContent", {}))


def text_of(answer: dict[str, Any]) -> str:
    """The text channel of a result."""
    return "\n".join(part["text"] for part in answer["content"] if part["type"] == "text")
