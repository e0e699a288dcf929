"""How the pipeline says no: why, whether anything was sent, and what to do next."""

from __future__ import annotations

from texml_mcp.call import Departure
from texml_mcp.catalog import Endpoint
from texml_mcp.client import ErrorCode, Outcome, UpstreamError
from texml_mcp.results import Next, ToolResult
from texml_mcp.results.next_steps import finding
from texml_mcp.text import clean
from texml_mcp.tools.arguments import Arguments

_NOBODY_KNOWS = "No tool offered here shows whether it happened: tell the user, who has to look."


def denied(reasons: list[str], code: str) -> ToolResult:
    """A call that may not run, and why; asking again changes nothing."""
    why = " ".join(reasons) or "Policy does not allow this call."
    return ToolResult(
        "denied",
        f"{why} Do not try another way: tell the user.",
        code=code,
        outcome="not_sent",
    )


def failure(known: Endpoint, arguments: Arguments, error: UpstreamError, sent: Departure) -> ToolResult:
    """An upstream failure as a result, with the read that helps: after a lost answer, or a wrong id."""
    result = _told(error, error.summary, error.outcome, arguments.notes)
    if error.outcome != "unknown":
        result.next = _instead(known, arguments, error)
    return _unsettled(result, sent)


def unseen(known: Endpoint, arguments: Arguments, error: UpstreamError, notes: list[str]) -> ToolResult:
    """What the call would touch cannot be read: nobody can be asked about it, so nothing is sent."""
    why = f"Not sent, because what it would change could not be read: {error.summary}"
    result = _told(error, why, "not_sent", notes)
    result.next = _instead(known, arguments, error)
    return result


def _instead(known: Endpoint, arguments: Arguments, error: UpstreamError) -> list[Next]:
    return finding(known, arguments.repeatable) if error.code == ErrorCode.NOT_FOUND else []


def _told(error: UpstreamError, summary: str, outcome: Outcome, notes: list[str]) -> ToolResult:
    return ToolResult(
        "error",
        summary,
        code=str(error.code),
        outcome=outcome,
        field=error.field,
        retry_after_seconds=error.retry_after_seconds,
        upstream=error.upstream,
        notes=notes,
    )


def unrecorded(error: Exception) -> ToolResult:
    """What cannot be written down, or cannot be checked against what was, is not sent."""
    return ToolResult(
        "error",
        f"Not sent, because the gate's own records cannot be used: {clean(str(error), 200)}. An operator "
        "must look at the state directory or the shared store.",
        code="state_unavailable",
        outcome="not_sent",
    )


def internal_failure(sent: Departure) -> ToolResult:
    """A bug of ours, after or before a write has left."""
    result = ToolResult(
        "error",
        "The server failed while handling this call; its log says why.",
        code="internal_error",
        outcome="unknown" if sent.left else "not_sent",
    )
    return _unsettled(result, sent)


def refused(code: str, why: str, retry_after_seconds: float | None = None) -> ToolResult:
    """A call that was not begun."""
    return ToolResult("error", why, code=code, outcome="not_sent", retry_after_seconds=retry_after_seconds)


def overdue(sent: Departure, seconds: float) -> ToolResult:
    """A call that took longer than the server lets any call take."""
    result = ToolResult(
        "error",
        f"Not done within {seconds:g} s, the most this server waits for a call.",
        code="overdue",
        outcome="unknown" if sent.left else "not_sent",
    )
    return _unsettled(result, sent)


def _unsettled(result: ToolResult, sent: Departure) -> ToolResult:
    """With what shows whether a write happened that has left and is not known to have failed."""
    if sent.left and result.outcome == "unknown":
        result.next = sent.settles
        if not sent.settles:
            result.notes = [*result.notes, _NOBODY_KNOWS]
    return result
