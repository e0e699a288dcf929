"""The text channel: for hosts that show a model only text. It tells all that the structured one does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from texml_mcp.results.model import NOT_EXECUTED, Next, ToolResult


def render(result: ToolResult) -> str:
    """The summary line, then items or `key: value` lines, then notes and ready calls."""
    head = result.summary
    if result.status != "ok" and not (result.status == "error" and result.outcome == "unknown"):
        head = f"{NOT_EXECUTED}. {head}"
    if result.status == "error":
        head = f"{head} [{result.code}, outcome: {result.outcome}]"
    lines = [head]
    if result.preview and result.preview not in head:
        lines.append(result.preview)
    if result.request is not None:
        lines.append("request: " + compact(result.request))
    if result.risks:
        lines.append("risks: " + "; ".join(result.risks))
    if result.confirm_token:
        lines.append(f"confirm_token: {result.confirm_token} (expires in {result.expires_in_seconds:g} s)")
    if result.data is not None:
        lines += _pairs(result.data, result.untrusted, head)
    lines += result.lines
    for key in ("field", "retry_after_seconds"):
        if (value := getattr(result, key)) is not None:
            lines.append(f"{key}: {value}")
    lines += [f"note: {note}" for note in result.notes]
    lines += [f"next: {ready(each)}" for each in result.next]
    return "\n".join(lines)


def ready(step: Next) -> str:
    return f"{step.tool} {compact(step.arguments)} ({step.why})"


def compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _pairs(data: Mapping[str, Any], untrusted: list[str], head: str) -> list[str]:
    """The fields as lines, without the words that the head has said; what others wrote has its label."""
    said = {word.rstrip(".:,;") for word in head.split()}
    lines: list[str] = []
    for key, value in data.items():
        if value in (None, "", [], {}) or (isinstance(value, str) and value in said and key not in untrusted):
            continue
        label = f"{key} (untrusted)" if key in untrusted else key
        shown = (
            compact(cast("dict[str, Any]", value))
            if isinstance(value, dict)
            else _text(value, quote=key in untrusted)
        )
        lines.append(f"{label}: {shown}")
    return lines


def _text(value: Any, *, quote: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return f'"{value}"' if quote else str(value)
