"""The person behind a client: whether the client can put a question to them, and how."""

from __future__ import annotations

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY, CallToolRequestParams, ElicitResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from texml_mcp.gate.questions import ANSWER_KEY, Answer, Asking, AskThroughClient, Person
from texml_mcp.results import ToolResult
from texml_mcp.server.output import wire_result
from texml_mcp.server.telemetry.veil import unrecorded

Context = ServerRequestContext[Any, Any]

# One required tick without a default: a bare accept carries no content, and so does not approve.
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {ANSWER_KEY: {"type": "boolean", "title": "Do this"}},
    "required": [ANSWER_KEY],
}


def person_behind(ctx: Context, params: CallToolRequestParams) -> Person:
    """How this request's user can be reached, by what the client declared and what the wire allows."""
    modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
    forms, pages = _shows(ctx)
    if not (forms or pages) or not (modern or ctx.session.can_send_request):
        return Person("none", modern)
    how: Asking = "modern" if modern else "legacy"
    asking, opening = how if forms else "none", how if pages else "none"
    if modern:
        return Person(asking, modern, state=params.request_state, answer=_answer_in(params), opening=opening)

    async def ask(question: str) -> Answer:
        with unrecorded():
            return answer_of(await ctx.session.elicit_form(question, FORM, related_request_id=ctx.request_id))

    async def open(words: str, url: str, id: str) -> Answer:
        with unrecorded():
            return answer_of(await ctx.session.elicit_url(words, url, id, related_request_id=ctx.request_id))

    return Person(asking, modern, ask=ask, opening=opening, open=open)


def _shows(ctx: Context) -> tuple[bool, bool]:
    """Whether the client shows forms, and whether it opens pages.

    An empty elicitation capability means forms; one that names only `url` does not.
    """
    capabilities = ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None:
        return False, False
    pages = elicitation.url is not None
    return elicitation.form is not None or not pages, pages


def _answer_in(params: CallToolRequestParams) -> Answer | None:
    response = (params.input_responses or {}).get(ANSWER_KEY)
    return answer_of(response) if isinstance(response, ElicitResult) else None


def answer_of(result: ElicitResult) -> Answer:
    return Answer(result.action, (result.content or {}).get(ANSWER_KEY) is True)


def input_required(asked: AskThroughClient) -> dict[str, Any]:
    """The question as a modern client gets it: it asks, and repeats the call with both parts."""
    form: dict[str, Any] = {"mode": "form", "message": asked.words, "requestedSchema": FORM}
    if asked.url:
        form = {"mode": "url", "message": asked.words, "url": asked.url}
    return {
        "resultType": "input_required",
        "inputRequests": {ANSWER_KEY: {"method": "elicitation/create", "params": form}},
        "requestState": asked.state,
    }


def cannot_ask(tool: str, person: Person, question: str) -> dict[str, Any]:
    """Strict mode and nobody to ask: a protocol error where the specification wants one."""
    if person.modern_era:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This call needs a person's approval, and this client declares no form elicitation. "
            "Nothing was sent.",
            {"requiredCapabilities": {"elicitation": {"form": {}}}},
        )
    return wire_result(
        tool,
        ToolResult(
            "denied",
            "This call needs a person's approval in a form, and this client cannot show one.",
            preview=question,
            code="cannot_ask",
            outcome="not_sent",
        ),
    )
