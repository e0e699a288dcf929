"""Servers made of our OpenAPI document: tools named after operations, arguments under wire names, one level.

What is more than one request in our own tools is as many calls here: a poll for each look while waiting, a
call for each page, another for each read that failed in passing. They are what an agent without our server
would have to do itself, so each counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyio.lowlevel import checkpoint

from texml_mcp import reading
from texml_mcp.catalog import ENDPOINTS, Endpoint
from texml_mcp.client import Answer as Reply
from texml_mcp.client import ErrorCode, Outcome, Upstream, UpstreamError, answers, content, lag
from texml_mcp.evals.clockwork import Clockwork
from texml_mcp.evals.servers import Answer
from texml_mcp.results import ToolResult, one
from texml_mcp.server.services import SANDBOX_KEY, SANDBOX_URL
from texml_mcp.tools.arguments import ArgumentError, Arguments, parse
from texml_mcp.tools.local import Local, local_params

if TYPE_CHECKING:
    from texml_mcp.evals.stage import Stage

MOST_READS = 4
# Of what was made a moment ago and does not show yet.
MOST_LOOKS = 15
_BY_ID = {each.id: each for each in ENDPOINTS}
_STATUS = re.compile(r"(?<!\d)([345]\d\d)(?!\d)")


class OpenApi:
    """`account_sid` is given with every call that has a place for it and names none."""

    def __init__(self, account_sid: str, clockwork: Clockwork) -> None:
        self._account = account_sid
        self._clockwork = clockwork
        # Remembers, over the whole run, what has just been made: reads may trail behind.
        self._recent = lag.RecentWrites(clockwork.now)

    def meaning(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        known = _BY_ID.get(tool)
        if known is None:
            return tool, dict(arguments)
        keys = {param.name: param.key for _, param in known.params()}
        meant = {keys.get(name, name): value for name, value in arguments.items()}
        if meant.get("account_sid") == self._account:
            del meant["account_sid"]  # ours is not told it
        return tool, meant

    async def act(self, stage: Stage, tool: str, arguments: Mapping[str, Any]) -> Answer:
        known = _BY_ID.get(tool)
        if known is None:
            return await stage.call(tool, arguments)  # no operation; the server says so itself
        if arguments.get("dry_run"):
            why = "An operation can be carried out, or not; it cannot be tried."
            return Answer(why, {"status": "error", "summary": why}, is_error=True)
        try:
            parsed = parse(known, arguments, self._account or None)
        except ArgumentError:
            # What ours refuses is not for a dialect to judge: it goes out as it was meant.
            parsed = Arguments(_spelled(known, arguments), Local())
        through = _Through(stage, self._clockwork, self._recent)
        try:
            if known.reads:
                result = await reading.read(through, known, parsed, _nobody)
            else:
                reply = await through.send(known, parsed.wire)
                result = one(known, parsed.wire, reply.body, full=False)
        except UpstreamError as error:
            result = ToolResult("error", error.summary, code=str(error.code), outcome=error.outcome)
        return Answer(through.last or result.summary, result.structured(), result.is_error)


class _Through(Upstream):
    """The API as it is reached through the tools of the server: a request is a call."""

    def __init__(self, stage: Stage, clockwork: Clockwork, recent: lag.RecentWrites) -> None:
        super().__init__(SANDBOX_KEY, base_url=SANDBOX_URL)
        self._stage = stage
        self._clockwork = clockwork
        self.recent = recent
        self.last = ""

    async def send(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
        *,
        account_sid: str | None = None,
        request: object = None,
        on_departure: object = None,
    ) -> Reply:
        for count in range(1, MOST_LOOKS + 1):
            answer = await self._stage.call(endpoint.id, arguments)
            self.last = answer.text
            try:
                reply = Reply(200, _body(endpoint, answer))
            except UpstreamError as error:
                missing = lag.is_missing(error) and self.recent.concerns(endpoint, arguments)
                most = MOST_LOOKS if missing else MOST_READS if error.transient else 1
                if not endpoint.reads or count >= most:
                    raise
                continue
            self.recent.note(endpoint, reply.body)
            return reply
        raise AssertionError("the last round answers or raises")

    def now(self) -> float:
        return self._clockwork.now()

    async def pause(self, seconds: float) -> None:
        # Time passes with each call; there is nothing to wait with.
        await checkpoint()


def _body(known: Endpoint, answer: Answer) -> Any:
    """What the API answered. Raises `UpstreamError` for its refusals, and where it gave no answer."""
    if not answer.is_error:
        if known.success == 204 or not answer.text.strip():
            return None
        try:
            return content.parse(answer.text.encode("utf-8", "surrogatepass"))
        except ValueError:
            raise UpstreamError(
                ErrorCode.NOT_JSON, f"Not JSON: {answer.text[:200]}", _outcome(known)
            ) from None
    said = _STATUS.search(answer.text)
    if said is None:
        raise UpstreamError(ErrorCode.CONNECTION_LOST, answer.text[:500], _outcome(known), transient=True)
    _, brace, rest = answer.text.partition("{")
    try:
        body = content.parse((brace + rest).encode("utf-8", "surrogatepass")) if brace else None
    except ValueError:
        body = None
    raise answers.refusal(known, int(said[1]), body, {})


def _outcome(known: Endpoint) -> Outcome:
    return "rejected" if known.reads else "unknown"


def _spelled(known: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments under wire names, their values as they came; what only our own tools know is left out."""
    names = {param.key: param.name for _, param in known.params()}
    local = {param.name for param in local_params(known)}
    return {names.get(key, key): value for key, value in arguments.items() if key not in local}


async def _nobody(done: float, total: float | None, message: str) -> None:
    """Nobody watches the progress."""
