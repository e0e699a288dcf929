"""Writes: checked, ruled on, approved, written down, sent at most once, settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyio.lowlevel import checkpoint_if_cancelled

from texml_mcp import checking
from texml_mcp.call import Call, Departure, Services
from texml_mcp.catalog import Endpoint
from texml_mcp.catalog.common import ACCOUNT_SID
from texml_mcp.client import InvalidPathValue, InvalidValue, RequestPlan, UpstreamError
from texml_mcp.gate.approvals import binding
from texml_mcp.gate.begun import Begun, begin
from texml_mcp.gate.confirm import Approved, AskThroughClient, Question, Verdict
from texml_mcp.gate.observe import observe
from texml_mcp.gate.preview import describe_request, masked, sentence
from texml_mcp.gate.questions import Told
from texml_mcp.gate.records import Case
from texml_mcp.gate.ruling import Ruling
from texml_mcp.refusals import denied, unseen
from texml_mcp.results import ToolResult, one
from texml_mcp.results.shape import portable
from texml_mcp.tools.arguments import Arguments

if TYPE_CHECKING:
    from texml_mcp.gate.journal import Entry


async def write(
    services: Services,
    call: Call,
    known: Endpoint,
    arguments: Arguments,
    sent: Departure,
    account: str | None,
) -> ToolResult | AskThroughClient:
    """A write from its arguments to its result. Raises `UpstreamError`, `RecordError` and `StoreError`."""
    if refused := checking.refuse_texml(known, arguments):
        return refused
    filled = services.judge.fill(known, arguments.wire)
    arguments = replace(arguments, wire=filled)
    try:
        request = services.upstream.build(known, arguments.wire)
    except (InvalidPathValue, InvalidValue) as error:
        return ToolResult("error", f"{error}.", code="invalid_argument", outcome="not_sent", field=error.name)
    exact = _on_account(services, known, arguments.wire, account)
    case, ruling, twin = await services.run(
        _looked, services, call, Case(known, exact, call.principal), arguments.local.dry_run
    )
    if arguments.local.dry_run:
        return ToolResult(
            "dry_run",
            f"Would send {request.method} {request.path}. Ruling: {_ruled(ruling)}.",
            request=describe_request(known, request, arguments.wire),
            risks=_risks(known, arguments),
            notes=[*arguments.notes, *(ruling.reasons if ruling.action != "deny" else [])],
        )
    if ruling.action == "deny":
        await services.run(services.records.refused, case, "denied", " ".join(ruling.reasons))
        return denied(ruling.reasons, ruling.code)
    start = _Start(services, call, case)
    verdict = await _approval(start, arguments, request, ruling, twin)
    if not isinstance(verdict, Approved):
        status = verdict.status if isinstance(verdict, ToolResult) else "asked"
        await services.run(services.records.refused, case, status, "")
        return verdict
    if not start.tried:
        await services.run_through(start, verdict)
    return await _send(services, arguments, request, start, sent)


def _looked(services: Services, call: Call, case: Case, dry_run: bool) -> tuple[Case, Ruling, Entry | None]:
    """The case with its ruling, and an identical call that was sent before, where that matters."""
    ruling = services.judge.rule(case.known, case.wire)
    call.facts.ruled(ruling.action, ruling.rule)
    case = replace(case, decision=ruling.action, rule=ruling.rule)
    if ruling.action == "deny" or dry_run:
        return case, ruling, None
    case = replace(case, digest=services.records.digest(case))
    return case, ruling, services.records.earlier(case)


@dataclass(slots=True)
class _Start:
    """The beginning of one write: with its approval where that is used in the store, otherwise after it."""

    services: Services
    call: Call
    case: Case
    tried: bool = False
    begun: Begun | Ruling | None = None

    def __call__(self, verdict: Approved) -> None:
        self.tried = True
        self.call.facts.approval = verdict.kind
        self.case = replace(self.case, approval=verdict.kind, evidence=verdict.evidence)
        self.begun = begin(self.services.judge, self.services.records, self.case)


async def _approval(
    start: _Start, arguments: Arguments, request: RequestPlan, ruling: Ruling, twin: Entry | None
) -> Verdict:
    """`Approved` when this exact call may run now; otherwise the question, or why there is none.

    An identical create that has just been sent is asked about even where policy asks nothing.
    """
    services, call, case = start.services, start.call, start.case
    second: list[str] = []
    if twin is not None:
        ago = max(0, int(services.records.state.clock() - twin.at))
        second = [f"The same call was sent {ago} s ago ({twin.sid or twin.id}): this would be a second one."]
    notes = [*second, *arguments.notes, *ruling.reasons]
    if ruling.action == "allow" and twin is None:
        return Approved("policy")
    known = case.known
    try:
        seen = await observe(services.upstream, known, arguments.wire, services.now)
    except UpstreamError as error:
        return unseen(known, arguments, error, notes)

    account = services.label(case.account)
    cost = services.judge.estimate(known, case.wire)

    def telling() -> Told:
        again = _again(known, arguments)
        told = notes.copy()
        if left_out := [name for name in portable(known, arguments.repeatable) if name not in again]:
            told.append(f"next leaves out {', '.join(left_out)}: give the same again.")
        return Told(
            risks=_risks(known, arguments),
            again=again,
            notes=told,
            warnings=[*second, *ruling.reasons],
            request=describe_request(known, request, arguments.wire),
            account=services.account_of(known, arguments.wire) or "",
            account_label=account,
        )

    question = Question(
        tool=known.id,
        bound_to=binding(known.id, case.wire, call.principal),
        observed=seen.digest,
        words=" ".join(
            [
                *([f"On account {account}."] if account else []),
                sentence(known, case.wire, seen.words, services.now()),
                *([f"At most {cost:.2f} by the configured rate."] if cost else []),
                *second,
            ]
        ),
        principal=call.principal,
        token=arguments.local.confirm_token,
        telling=telling,
    )
    verdict = await services.confirmer.confirm(question, call.person, ruling.mode, start)
    if isinstance(verdict, Approved) and verdict.waited:
        # While the person was thinking the world went on; the other ways look again by themselves.
        try:
            now = await observe(services.upstream, known, arguments.wire, services.now)
        except UpstreamError as error:
            return unseen(known, arguments, error, notes)
        if now.digest != seen.digest:
            return services.confirmer.changed(question)
    return verdict


async def _send(
    services: Services, arguments: Arguments, request: RequestPlan, start: _Start, sent: Departure
) -> ToolResult:
    """The write itself, which has been written down: sent at most once, settled whatever happens."""
    case, begun = start.case, start.begun
    if begun is None:
        return ToolResult(
            "error",
            "The same call is being sent at this very moment. Repeat it to be asked about a second one.",
            code="duplicate",
            outcome="not_sent",
        )
    if isinstance(begun, Ruling):
        await services.run(services.records.refused, case, "denied", " ".join(begun.reasons))
        return denied(begun.reasons, begun.code)
    try:
        await checkpoint_if_cancelled()  # whoever has gone away while it was written down wants it no more
        answer = await services.upstream.send(
            case.known, arguments.wire, request=request, on_departure=sent.depart
        )
    except UpstreamError as error:
        await services.run_through(begun.settle, error.outcome, error.status)
        raise
    except BaseException:
        # Cancelled, or a bug of ours: after departure nobody knows.
        await services.run_through(begun.settle, "unknown" if sent.left else "not_sent")
        raise
    result = one(case.known, arguments.wire, answer.body, full=False)
    sid = (result.data or {}).get("sid") or (result.data or {}).get("call_sid") or ""
    problem = await services.run_through(begun.settle, "ok", answer.status, str(sid))
    result.notes += [*arguments.notes, *([problem] if problem else [])]
    return result


def _on_account(
    services: Services, known: Endpoint, wire: dict[str, Any], account: str | None
) -> dict[str, Any]:
    """The arguments with the account that they are for, also where the endpoint takes none.

    A new call is counted, written down and looked for by its account, whatever it is placed through; where
    there are several accounts, approvals, twins and the trail must tell all else apart too.
    """
    if account and (known.starts_call or services.label(account)):
        return wire | {ACCOUNT_SID.name: account}
    return wire


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
