"""The MCP server: the tool list, the call handler, both protocol eras at once."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)

from texml_mcp import __version__
from texml_mcp.execute import Call, Services, UnknownToolError, execute
from texml_mcp.facts import Facts
from texml_mcp.gate.confirm import AskThroughClient, CannotAskError
from texml_mcp.server.admission import Admission
from texml_mcp.server.asking import cannot_ask, input_required, person_behind
from texml_mcp.server.instructions import instructions
from texml_mcp.server.narrowing import NarrowingError
from texml_mcp.server.output import wire_result
from texml_mcp.server.reach import Reach
from texml_mcp.server.reference import LIST_TTL_MS, add_reference
from texml_mcp.server.sealing import OwnKey
from texml_mcp.server.telemetry.calls import Telemetry
from texml_mcp.server.telemetry.veil import Veiled
from texml_mcp.tools.files import definitions, offered_definitions

log = logging.getLogger(__name__)

NAME = "texml-mcp"
Context = ServerRequestContext[Any, Any]


def build_server(
    services: Services,
    *,
    sandbox: bool,
    reach: Reach | None = None,
    admission: Admission | None = None,
    seal_keys: Sequence[bytes] = (),
    telemetry: Telemetry | None = None,
) -> Server[Any]:
    """A server for any transport. It closes its upstream connections when it stops.

    Over HTTP `reach` says what a request may use, and `admission` whether it may begin. `seal_keys` seal
    what a client brings back with its answer, the newest first; without them only this process can read it.
    """
    reach = reach or Reach(services)
    telemetry = telemetry or Telemetry()
    run = telemetry.counting(execute if admission is None else admission.run)

    def reached(ctx: Context) -> Services:
        try:
            return reach.of(ctx.request)
        except NarrowingError as error:
            raise MCPError(INVALID_PARAMS, f"{error} Nothing was sent.") from None

    async def list_tools(ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        services = reached(ctx)
        # Answered from the committed files, as they stand: no model is built for a tool.
        tools = offered_definitions(services.offered)
        return {"resultType": "complete", "tools": tools}  # pyright: ignore[reportReturnType]  # the runner takes a dict

    async def call_tool(ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        services = reached(ctx)
        with telemetry.call(params.name, services, ctx) as watch:
            answer = await answered(ctx, params, services, watch.facts)
            return watch.answered(answer)  # pyright: ignore[reportReturnType]  # the runner takes a dict

    async def answered(
        ctx: Context, params: CallToolRequestParams, services: Services, facts: Facts
    ) -> dict[str, Any]:
        async def progress(done: float, total: float | None, message: str) -> None:
            await ctx.session.report_progress(done, total, message)

        person = person_behind(ctx, params)
        call = Call(params.name, params.arguments, services.principal, progress, person, facts)
        try:
            result = await run(services, call)
        except UnknownToolError:
            raise MCPError(INVALID_PARAMS, unknown_tool(params.name, services)) from None
        except CannotAskError as error:
            return cannot_ask(params.name, person, str(error))
        if isinstance(result, AskThroughClient):
            return input_required(result)
        return wire_result(params.name, result)

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncGenerator[dict[str, Any]]:
        try:
            yield {}
        finally:
            await (services.accounts or services.upstream).aclose()

    server: Server[Any] = Server(
        NAME,
        version=__version__,
        title="TeXML phone calls",
        instructions=instructions(services.offered, sandbox=sandbox, account_sid=services.account_sid),
        lifespan=lifespan,
        cache_hints={
            "tools/list": CacheHint(ttl_ms=LIST_TTL_MS, scope="private"),
        },
        # No parameter travels in a header (`x-mcp-header`), so there is no schema to search at every call.
        get_tool_input_schema=lambda name: None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    add_reference(server, reached, run)
    server.middleware[0] = Veiled(server.middleware[0], services.offered)
    # Without this nothing a client brings back is sealed: it could write its own approval.
    security = RequestStateSecurity(keys=seal_keys) if seal_keys else RequestStateSecurity(codec=OwnKey())
    server.middleware.append(RequestStateBoundary(security, default_audience=NAME))
    return server


def unknown_tool(name: str, services: Services) -> str:
    """Why there is no such tool here, and which one was probably meant."""
    from difflib import get_close_matches

    from texml_mcp.text import shown

    if name in definitions():
        return f"Tool {name} is not offered by this server's settings. Nothing was sent."
    near = get_close_matches(name[:80], services.offered, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"Unknown tool {shown(name)}.{hint} Nothing was sent."
