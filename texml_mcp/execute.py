"""One call, from its name to its result: the pipeline, in the order that keeps people safe.

tool known? -> arguments -> dry run? -> confirmation -> send -> shape

Nothing raises out of `execute` but cancellation and an unknown tool: every other failure is a result
that says what happened, whether anything was sent, and what to do next.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from texml_mcp.catalog import Endpoint, endpoint
from texml_mcp.client import Upstream, UpstreamError
from texml_mcp.gate.approvals import Approvals, Redeemed, binding
from texml_mcp.gate.policy import default_action
from texml_mcp.gate.preview import describe_request, sentence
from texml_mcp.results import Next, ToolResult, one
from texml_mcp.results.next_steps import settling
from texml_mcp.results.shape import portable
from texml_mcp.tools import validate_texml
from texml_mcp.tools.arguments import ArgumentError, Arguments, parse

log = logging.getLogger(__name__)

Progress = Callable[[float, float | None, str], Awaitable[None]]


async def _no_progress(done: float, total: float | None, message: str) -> None:
    """Used when the caller did not ask for progress."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asked for, and how to reach it while the call runs."""

    tool: str
    arguments: Mapping[str, Any] | None
    principal: str = "local"
    progress: Progress = _no_progress


class UnknownToolError(Exception):
    """No offered tool has this name. The one failure that MCP wants as a protocol error."""


@dataclass(slots=True)
class Services:
    """What a pipeline needs: one a server."""

    upstream: Upstream
    offered: frozenset[str]
    account_sid: str | None = None
    approvals: Approvals = field(default_factory=Approvals)


async def execute(services: Services, call: Call) -> ToolResult:
    """Run one call. Raises `UnknownToolError`; anything else is told in the result."""
    if call.tool not in services.offered:
        raise UnknownToolError(call.tool)
    if call.tool == validate_texml.NAME:
        return validate_texml.run(call.arguments)
    known = endpoint(call.tool)
    try:
        arguments = parse(known, call.arguments, services.account_sid)
    except ArgumentError as error:
        return ToolResult("error", error.summary, code=error.code, outcome="not_sent", field=error.field)
    try:
        if known.reads:
            return await _read(services, call, known, arguments)
        return await _write(services, call, known, arguments)
    except UpstreamError as error:
        return failure(known, arguments, error)
    except Exception:
        # A bug of ours must not end the session, and must not pretend to know what was sent.
        log.exception("%s failed", call.tool)
        return internal_failure(known, arguments)


async def _read(services: Services, call: Call, known: Endpoint, arguments: Arguments) -> ToolResult:
    from texml_mcp import reading

    return await reading.read(services.upstream, known, arguments, call.progress)


async def _write(services: Services, call: Call, known: Endpoint, arguments: Arguments) -> ToolResult:
    request = services.upstream.build(known, arguments.wire)
    action = default_action(known, arguments.wire)
    if arguments.local.dry_run:
        return ToolResult(
            "dry_run",
            f"Would send {request.method} {request.path}. Policy: {action}.",
            request=describe_request(known, request, arguments.wire),
            risks=[f"{risk.kind.value}: {risk.why}" for risk in known.risks_of(arguments.wire)],
            notes=arguments.notes,
        )
    if action == "confirm" and (refused := _confirm(services, call, known, arguments)):
        return refused
    answer = await services.upstream.send(known, arguments.wire)
    result = one(known, arguments.wire, answer.body, full=False)
    result.notes += arguments.notes
    return result


def _confirm(services: Services, call: Call, known: Endpoint, arguments: Arguments) -> ToolResult | None:
    """None when this exact call carries a valid approval; otherwise the question, or why it is none."""
    bound_to = binding(known.id, arguments.wire, call.principal)
    notes: list[str] = []
    if token := arguments.local.confirm_token:
        attempt = services.approvals.redeem(token, bound_to)
        if attempt is Redeemed.OK:
            return None
        notes.append(_TOKEN_PROBLEMS[attempt])
    fresh = services.approvals.issue(bound_to)
    question = sentence(known, arguments.wire)
    again = {**portable(known, arguments.wire), "confirm_token": fresh}
    return ToolResult(
        "confirmation_required",
        f"{question} Needs approval: ask the user, then repeat the call with confirm_token.",
        preview=question,
        risks=[f"{risk.kind.value}: {risk.why}" for risk in known.risks_of(arguments.wire)],
        confirm_token=fresh,
        expires_in_seconds=services.approvals.seconds,
        notes=[*notes, *arguments.notes],
        next=[Next(known.id, again, "only after the user said yes")],
    )


_TOKEN_PROBLEMS = {
    Redeemed.UNKNOWN: "That confirm_token is not open: never issued, used already, or spent on a wrong try.",
    Redeemed.EXPIRED: "That confirm_token has expired.",
    Redeemed.OTHER_CALL: "That confirm_token was issued for a different call and is now void.",
}


def failure(known: Endpoint, arguments: Arguments, error: UpstreamError) -> ToolResult:
    """An upstream failure as a result; an unknown outcome comes with the read that settles it."""
    return ToolResult(
        "error",
        error.summary,
        code=str(error.code),
        outcome=error.outcome,
        field=error.field,
        retry_after_seconds=error.retry_after_seconds,
        upstream=error.upstream,
        notes=arguments.notes,
        next=settling(known, arguments.wire) if error.outcome == "unknown" else [],
    )


def internal_failure(known: Endpoint, arguments: Arguments) -> ToolResult:
    """A bug of ours: for a write nobody knows how far it came."""
    outcome = "not_sent" if known.reads else "unknown"
    return ToolResult(
        "error",
        "The server failed while handling this call; its log says why.",
        code="internal_error",
        outcome=outcome,
        next=settling(known, arguments.wire) if outcome == "unknown" else [],
    )
