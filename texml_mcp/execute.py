"""One call, from its name to its result: the pipeline, in the order that keeps people safe.

tool known? -> arguments -> TeXML -> policy and guards -> dry run? -> confirmation -> journal -> send -> shape

Nothing raises out of `execute` but cancellation, an unknown tool, and strict mode without anyone to ask:
every other failure is a result that says what happened, whether anything was sent, and what to do next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from texml_mcp import checking, reading
from texml_mcp.catalog import Endpoint, endpoint
from texml_mcp.catalog.calls import FINAL_STATUSES
from texml_mcp.client import InvalidPathValue, InvalidValue, Upstream, UpstreamError
from texml_mcp.gate.approvals import binding
from texml_mcp.gate.confirm import (
    Approved,
    AskThroughClient,
    CannotAskError,
    Confirmer,
    Person,
    Question,
    Verdict,
)
from texml_mcp.gate.observe import observe
from texml_mcp.gate.preview import describe_request, masked, sentence
from texml_mcp.gate.records import Case, RecordError, Records
from texml_mcp.gate.ruling import Judge, Ruling, emergency_number
from texml_mcp.gate.store import StoreError
from texml_mcp.results import Next, ToolResult, one
from texml_mcp.results.next_steps import settling
from texml_mcp.results.shape import portable
from texml_mcp.text import clean
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
    principal: str = "assistant"
    progress: Progress = _no_progress
    person: Person = field(default_factory=Person)


class UnknownToolError(Exception):
    """No offered tool has this name. The one failure that MCP wants as a protocol error."""


@dataclass(slots=True)
class Departure:
    """Whether a write has left this process, and the reads that would tell what became of it."""

    left: bool = False
    settles: list[Next] = field(default_factory=list[Next])

    def depart(self) -> None:
        self.left = True


@dataclass(slots=True)
class Services:
    """What a pipeline needs: one a server."""

    upstream: Upstream
    offered: frozenset[str]
    judge: Judge
    confirmer: Confirmer
    records: Records
    account_sid: str | None = None
    principal: str = "assistant"
    secret_env: frozenset[str] = frozenset()

    def departed(self, sent: Departure, case: Case) -> None:
        """A write is about to leave: from here on nobody may say that it was not sent."""
        if not sent.left:  # a connection that had to be made anew is still the same write
            sent.depart()
            self.judge.left(case.known, case.wire)


async def execute(services: Services, call: Call) -> ToolResult | AskThroughClient:
    """Run one call. Raises `UnknownToolError`, and `CannotAskError` in strict mode; the rest is told."""
    if call.tool not in services.offered:
        raise UnknownToolError(call.tool)
    sent = Departure()
    try:
        if call.tool == validate_texml.NAME:
            return checking.validate_texml(call.arguments)
        result = await _endpoint(services, call, endpoint(call.tool), sent)
        if isinstance(result, ToolResult):
            _notice_ended(services, result)
        return result
    except CannotAskError:
        raise
    except Exception:
        # A bug of ours must not end the session, and must not pretend to know what was sent.
        log.exception("%s failed", call.tool)
        return internal_failure(sent)


def _notice_ended(services: Services, result: ToolResult) -> None:
    """Calls that this answer shows to be over no longer count among the open ones."""
    for record in [*(result.items or []), *([result.data] if result.data else [])]:
        if record.get("status") in FINAL_STATUSES and "sid" in record:
            services.judge.ended(str(record["sid"]))


async def _endpoint(
    services: Services, call: Call, known: Endpoint, sent: Departure
) -> ToolResult | AskThroughClient:
    try:
        arguments = parse(known, call.arguments, services.account_sid, services.secret_env)
    except ArgumentError as error:
        if not known.reads and emergency_number(known, call.arguments or {}):
            return denied(["Emergency and crisis numbers are never dialled from here."], "emergency_number")
        return ToolResult("error", error.summary, code=error.code, outcome="not_sent", field=error.field)
    sent.settles = [] if known.reads else settling(known, arguments.repeatable)
    try:
        if known.reads:
            ruling = services.judge.rule(known, arguments.wire)
            if ruling.action == "deny":
                return denied(ruling.reasons, ruling.code)
            return await reading.read(services.upstream, known, arguments, call.progress)
        return await _write(services, call, known, arguments, sent)
    except UpstreamError as error:
        return failure(known, arguments, error)
    except (RecordError, StoreError) as error:
        return unrecorded(error)


async def _write(
    services: Services, call: Call, known: Endpoint, arguments: Arguments, sent: Departure
) -> ToolResult | AskThroughClient:
    if refused := checking.refuse_texml(known, arguments):
        return refused
    filled = services.judge.fill(known, arguments.wire)
    arguments = replace(arguments, wire=filled)
    try:
        request = services.upstream.build(known, arguments.wire)
    except (InvalidPathValue, InvalidValue) as error:
        return ToolResult("error", f"{error}.", code="invalid_argument", outcome="not_sent", field=error.name)
    ruling = services.judge.rule(known, arguments.wire)
    if arguments.local.dry_run:
        return ToolResult(
            "dry_run",
            f"Would send {request.method} {request.path}. Ruling: {_ruled(ruling)}.",
            request=describe_request(known, request, arguments.wire),
            risks=_risks(known, arguments),
            notes=[*arguments.notes, *(ruling.reasons if ruling.action != "deny" else [])],
        )
    case = Case(known, arguments.wire, call.principal, ruling.action, ruling.rule)
    if ruling.action == "deny":
        services.records.refused(case, "denied", " ".join(ruling.reasons))
        return denied(ruling.reasons, ruling.code)
    verdict = await _approval(services, call, arguments, ruling, case)
    if not isinstance(verdict, Approved):
        status = verdict.status if isinstance(verdict, ToolResult) else "asked"
        services.records.refused(case, status, "")
        return verdict
    return await _send(
        services, arguments, replace(case, approval=verdict.kind, evidence=verdict.evidence), sent
    )


async def _approval(
    services: Services, call: Call, arguments: Arguments, ruling: Ruling, case: Case
) -> Verdict:
    """`Approved` when this exact call may run now; otherwise the question, or why there is none.

    An identical create that has just been sent is asked about even where policy asks nothing.
    """
    notes = [*arguments.notes, *ruling.reasons]
    if twin := services.records.earlier(case):
        ago = max(0, int(time.time() - twin.at))
        notes.insert(
            0, f"The same call was sent {ago} s ago ({twin.sid or twin.id}): this would be a second one."
        )
    if ruling.action == "allow" and twin is None:
        return Approved("policy")
    known = case.known
    try:
        seen = await observe(services.upstream, known, arguments.wire)
    except UpstreamError as error:
        return unseen(error, notes)
    cost = services.judge.estimate(known, arguments.wire)
    question = Question(
        tool=known.id,
        bound_to=binding(known.id, arguments.wire, call.principal),
        observed=seen.digest,
        words=" ".join(
            [
                sentence(known, arguments.wire, seen.words),
                *([f"At most {cost:.2f} by the configured rate."] if cost else []),
                *notes[: 1 if twin else 0],
            ]
        ),
        risks=_risks(known, arguments),
        again=_again(known, arguments),
        principal=call.principal,
        token=arguments.local.confirm_token,
        notes=notes,
    )
    verdict = await services.confirmer.confirm(question, call.person, ruling.mode)
    if isinstance(verdict, Approved) and verdict.kind == "form" and call.person.asking == "legacy":
        # While the person was thinking the world went on; the other ways look again by themselves.
        try:
            now = await observe(services.upstream, known, arguments.wire)
        except UpstreamError as error:
            return unseen(error, notes)
        if now.digest != seen.digest:
            return services.confirmer.changed(question)
    return verdict


async def _send(services: Services, arguments: Arguments, case: Case, sent: Departure) -> ToolResult:
    """The write itself: written down, sent at most once, settled whatever happens."""
    id = services.records.begin(case)
    if id is None:
        return ToolResult(
            "error",
            "The same call is being sent at this very moment. Repeat it to be asked about a second one.",
            code="duplicate",
            outcome="not_sent",
        )
    try:
        answer = await services.upstream.send(
            case.known, arguments.wire, on_departure=lambda: services.departed(sent, case)
        )
    except UpstreamError as error:
        services.records.settle(id, case, error.outcome, status=error.status)
        raise
    except BaseException:
        # Cancelled, or a bug of ours: after departure nobody knows.
        services.records.settle(id, case, "unknown" if sent.left else "not_sent")
        raise
    result = one(case.known, arguments.wire, answer.body, full=False)
    sid = (result.data or {}).get("sid") or (result.data or {}).get("call_sid") or ""
    if sid and "To" in case.wire:  # a call leg, not a recording or a queue
        services.judge.opened(str(sid), case.account, case.wire)
    problem = services.records.settle(id, case, "ok", status=answer.status, sid=str(sid))
    result.notes += [*arguments.notes, *([problem] if problem else [])]
    return result


def _again(known: Endpoint, arguments: Arguments) -> dict[str, Any]:
    """The same call once more, as the caller would make it; what must not be shown is left out."""
    shown = masked(known, arguments.repeatable)
    again = portable(
        known, {name: value for name, value in arguments.repeatable.items() if shown[name] == value}
    )
    if arguments.local.value_env:
        again["value_env"] = arguments.local.value_env
    return again


def _risks(known: Endpoint, arguments: Arguments) -> list[str]:
    return [f"{risk.kind.value}: {risk.why}" for risk in known.risks_of(arguments.wire)]


def _ruled(ruling: Ruling) -> str:
    return f"deny, {' '.join(ruling.reasons)}".rstrip(".") if ruling.action == "deny" else ruling.action


def denied(reasons: list[str], code: str) -> ToolResult:
    """A call that may not run, and why; asking again changes nothing."""
    why = " ".join(reasons) or "Policy does not allow this call."
    return ToolResult(
        "denied",
        f"{why} Do not try another way: tell the user.",
        code=code,
        outcome="not_sent",
    )


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
        next=settling(known, arguments.repeatable) if error.outcome == "unknown" else [],
    )


def unseen(error: UpstreamError, notes: list[str]) -> ToolResult:
    """What the call would touch cannot be read: nobody can be asked about it, so nothing is sent."""
    return ToolResult(
        "error",
        f"Not sent, because what it would change could not be read: {error.summary}",
        code=str(error.code),
        outcome="not_sent",
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
        "must look at the state directory.",
        code="state_unavailable",
        outcome="not_sent",
    )


def internal_failure(sent: Departure) -> ToolResult:
    """A bug of ours, after or before a write has left."""
    return ToolResult(
        "error",
        "The server failed while handling this call; its log says why.",
        code="internal_error",
        outcome="unknown" if sent.left else "not_sent",
        next=sent.settles if sent.left else [],
    )
