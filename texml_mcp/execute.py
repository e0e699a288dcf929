"""One call, from its name to its result: the pipeline, in the order that keeps people safe.

tool known? -> arguments -> TeXML -> policy and guards -> dry run? -> confirmation -> journal -> send -> shape

Nothing raises out of `execute` but cancellation, an unknown tool, and strict mode without anyone to ask:
every other failure is a result that says what happened, whether anything was sent, and what to do next.
"""

from __future__ import annotations

import logging
import math

from texml_mcp import checking, reading, writing
from texml_mcp.accounts import UnknownAccountError
from texml_mcp.call import Call, Departure, Services, UnknownToolError
from texml_mcp.catalog import Endpoint, endpoint
from texml_mcp.catalog.calls import FINAL_STATUSES
from texml_mcp.client import UpstreamError
from texml_mcp.facts import running
from texml_mcp.gate.confirm import AskThroughClient, CannotAskError
from texml_mcp.gate.records import RecordError
from texml_mcp.gate.ruling import emergency_number
from texml_mcp.gate.store import StoreError
from texml_mcp.refusals import denied, failure, internal_failure, refused, unrecorded
from texml_mcp.results import Next, ToolResult
from texml_mcp.results.next_steps import settling
from texml_mcp.tools import validate_texml
from texml_mcp.tools.arguments import ArgumentError, parse

__all__ = ["Call", "Services", "UnknownToolError", "execute"]

log = logging.getLogger(__name__)


async def execute(
    services: Services, call: Call, sent: Departure | None = None
) -> ToolResult | AskThroughClient:
    """Run one call. Raises `UnknownToolError`, and `CannotAskError` in strict mode; the rest is told.

    Whoever may give up waiting passes `sent` along, and knows by it whether a write has left.
    """
    if call.tool not in services.offered:
        raise UnknownToolError(call.tool)
    sent = sent or Departure()
    bound = running.set(call.facts)
    try:
        if services.rate is not None and (wait := await services.rate.wait(services.principal)):
            why = f"{services.principal} calls too often. Nothing was sent; wait before the next call."
            return refused("too_many_calls", why, math.ceil(wait * 10) / 10)
        if call.tool == validate_texml.NAME:
            return checking.validate_texml(call.arguments)
        result = await _endpoint(services, call, endpoint(call.tool), sent)
        if isinstance(result, ToolResult):
            _notice_ended(services, result)
            # A ready call of a tool that is not offered here would only be refused.
            result.next = _offered(services, result.next)
        return result
    except CannotAskError:
        raise
    except Exception:
        # A bug of ours must not end the session, and must not pretend to know what was sent.
        log.exception("%s failed", call.tool)
        return internal_failure(sent)
    finally:
        running.reset(bound)
        call.facts.left = sent.left


def _offered(services: Services, steps: list[Next]) -> list[Next]:
    """What this caller can really do next."""
    return [each for each in steps if each.tool in services.offered]


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
    try:
        account = services.account_of(known, arguments.wire)
        services = services.on(account)
    except UnknownAccountError as error:
        return denied([str(error)], "account_not_allowed")
    sent.settles = [] if known.reads else _offered(services, settling(known, arguments.repeatable))
    try:
        if known.reads:
            ruling = services.judge.rule(known, arguments.wire)
            call.facts.ruled(ruling.action, ruling.rule)
            if ruling.action == "deny":
                return denied(ruling.reasons, ruling.code)
            return await reading.read(services.upstream, known, arguments, call.progress)
        return await writing.write(services, call, known, arguments, sent, account)
    except UpstreamError as error:
        return failure(known, arguments, error, sent)
    except (RecordError, StoreError) as error:
        return unrecorded(error)
