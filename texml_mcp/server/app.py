"""The MCP server: the tool list, the call handler, both protocol eras at once."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
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
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from texml_mcp import __version__
from texml_mcp.execute import Call, Services, UnknownToolError, execute
from texml_mcp.gate.confirm import AskThroughClient, CannotAskError
from texml_mcp.server import resources
from texml_mcp.server.asking import cannot_ask, input_required, person_behind
from texml_mcp.server.instructions import instructions
from texml_mcp.server.output import wire_result
from texml_mcp.tools.files import definitions

log = logging.getLogger(__name__)

NAME = "texml-mcp"
Context = ServerRequestContext[Any, Any]

# The list changes only with the version: a client may keep it for the length of a session.
LIST_TTL_MS = 3_600_000


def build_server(services: Services, *, sandbox: bool) -> Server[Any]:
    """A server for any transport. It closes its upstream connections when it stops."""

    async def list_tools(ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        # Answered from the committed files, as they stand: no model is built for a tool.
        tools = [tool for name, tool in definitions().items() if name in services.offered]
        return {"resultType": "complete", "tools": tools}  # pyright: ignore[reportReturnType]  # the runner takes a dict

    async def call_tool(ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        async def progress(done: float, total: float | None, message: str) -> None:
            await ctx.session.report_progress(done, total, message)

        person = person_behind(ctx, params)
        call = Call(params.name, params.arguments, services.principal, progress, person)
        try:
            result = await execute(services, call)
        except UnknownToolError:
            raise MCPError(INVALID_PARAMS, unknown_tool(params.name, services)) from None
        except CannotAskError as error:
            return cannot_ask(params.name, person, str(error))  # pyright: ignore[reportReturnType]
        if isinstance(result, AskThroughClient):
            return input_required(result)  # pyright: ignore[reportReturnType]
        return wire_result(params.name, result)  # pyright: ignore[reportReturnType]  # the runner takes a dict

    async def list_resources(ctx: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        return {"resultType": "complete", "resources": resources.RESOURCES}  # pyright: ignore[reportReturnType]

    async def read_resource(ctx: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        text = resources.read(str(params.uri))
        if text is None:
            known = ", ".join(each["uri"] for each in resources.RESOURCES)
            raise MCPError(INVALID_PARAMS, f"No such resource. Valid: {known}.", {"uri": str(params.uri)})
        contents = [{"uri": str(params.uri), "mimeType": "application/json", "text": text}]
        return {"resultType": "complete", "contents": contents}  # pyright: ignore[reportReturnType]

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncGenerator[dict[str, Any]]:
        try:
            yield {}
        finally:
            await services.upstream.aclose()

    server: Server[Any] = Server(
        NAME,
        version=__version__,
        title="TeXML phone calls",
        instructions=instructions(services.offered, sandbox=sandbox, account_sid=services.account_sid),
        lifespan=lifespan,
        cache_hints={
            "tools/list": CacheHint(ttl_ms=LIST_TTL_MS, scope="private"),
            "resources/list": CacheHint(ttl_ms=LIST_TTL_MS, scope="public"),
            "resources/read": CacheHint(ttl_ms=LIST_TTL_MS, scope="public"),
        },
        get_tool_input_schema=lambda name: definitions().get(name, {}).get("inputSchema"),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )
    # Without this nothing a client brings back is sealed: it could write its own approval.
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME))
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
