"""The same walk, through real clients of both eras: what they bring back is sealed and checked on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult

from tests.security.model import CALLS, CLIENTS, PRINCIPALS, Given, Grant, Walk, Who
from tests.security.world import MODES
from texml_mcp.gate.questions import ANSWER_KEY, Answer, AskThroughClient
from texml_mcp.results import ToolResult
from texml_mcp.server.app import build_server


def on_the_wire(answer: Answer) -> Any:
    content = {ANSWER_KEY: answer.ticked} if answer.action == "accept" else None
    return ElicitResult(action=answer.action, content=content)  # type: ignore[arg-type]


@dataclass
class ClientWalk(Walk):
    """One server for each way to ask, and four clients at each.

    What is not sealed by this server, for these arguments, is turned away before the gate sees it; so an
    approval may also be left unused here, and `exact` does not hold.
    """

    exact: bool = False
    clients: dict[tuple[str, str], Client] = field(default_factory=dict[tuple[str, str], Client])
    shown: Given | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[ClientWalk]:
        servers = {mode: build_server(self.servers[0][mode], sandbox=True) for mode in MODES}
        self.steps_by_name = [each for each in self.steps_by_name if each[0] != self.restart]
        async with AsyncExitStack() as stack:
            for mode in MODES:
                for kind in CLIENTS:
                    options: dict[str, Any] = {"mode": "auto" if kind.startswith("modern") else "legacy"}
                    if kind.endswith("form"):
                        options["elicitation_callback"] = self._show
                    client = await stack.enter_async_context(Client(servers[mode], **options))
                    self.clients[mode, kind] = client
            yield self
        self.close()

    async def _show(self, _: Any, params: Any) -> ElicitResult:
        given = self.shown
        assert given is not None
        if given.turns:
            self.turn(given.which)
        if given.form is None:
            raise RuntimeError("no window")
        return on_the_wire(given.form)

    def some_call(self) -> Given:
        given = super().some_call()
        given.principal = PRINCIPALS[0]  # a server has one
        return given

    def take(self, grant: Grant | None, kind: str, who: Who) -> bool:
        if grant is not None and grant.kind != kind:
            return False  # sealed, so no token; or not sealed, so no state: the gate never sees it
        return super().take(grant, kind, who)

    async def make(self, given: Given) -> ToolResult | AskThroughClient | None:
        tool, arguments = CALLS[given.which]
        if given.token is not None:
            arguments = {**arguments, "confirm_token": given.token.secret}
        more: dict[str, Any] = {}
        if given.client == "modern form":
            more = {
                "request_state": given.state.secret if given.state else None,
                "input_responses": {ANSWER_KEY: on_the_wire(given.answer)} if given.answer else None,
            }
        self.calls += 1
        self.shown = given
        seen = self.now_of(given.which)
        client = self.clients[given.mode, given.client]
        try:
            got = await client.session.call_tool(tool, arguments, allow_input_required=True, **more)
        except MCPError as error:
            self._turned_away(given, error)
            return None
        if isinstance(got, InputRequiredResult):
            result: ToolResult | AskThroughClient = AskThroughClient("", str(got.request_state))
        else:
            result = told(got)
        self._keep(given, result, seen)
        return result

    def _turned_away(self, given: Given, error: MCPError) -> None:
        if given.state is not None and "state" in error.error.message.lower():
            given.state.live = given.state.was_live


def told(got: CallToolResult) -> ToolResult:
    content = got.structured_content or {}
    return ToolResult(content["status"], content["summary"], confirm_token=content.get("confirm_token"))
