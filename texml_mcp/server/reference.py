"""Resources, prompts and completions as MCP asks for them, in both eras.

None of it is imported before a client asks: a host that only lists tools does not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CompleteRequestParams,
    GetPromptRequestParams,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from texml_mcp.execute import Services, execute
from texml_mcp.server.reader import Reader, Run
from texml_mcp.text import clean

if TYPE_CHECKING:
    from texml_mcp.server.completions import Completions

Context = ServerRequestContext[Any, Any]

LEGACY_RESOURCE_NOT_FOUND = -32002
"""What 2025-11-25 wants for a resource that is not there; 2026-07-28 retired it for invalid params."""

LIST_TTL_MS = 3_600_000
"""Lists change only with the version and the settings: a client may keep one for the length of a session.
What they lead to is read live."""
_LIST_FOR_ALL = {"resultType": "complete", "ttlMs": LIST_TTL_MS, "cacheScope": "public"}
_LIST_FOR_ONE = {"resultType": "complete", "ttlMs": LIST_TTL_MS, "cacheScope": "private"}
_LIVE = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}

URI_CAP = 200


def add_reference(server: Server[Any], of_request: Callable[[Context], Services], run: Run = execute) -> None:
    """Have a server answer for resources, prompts and completions.

    Each request uses its own services, and what it reads is let in like a tool call.
    """

    @cache
    def completions() -> Completions:
        from texml_mcp.server.completions import Completions

        return Completions()

    async def list_resources(ctx: Context, params: PaginatedRequestParams) -> dict[str, Any]:
        from texml_mcp.server.resources import RESOURCES

        return {**_LIST_FOR_ALL, "resources": RESOURCES}

    async def list_templates(ctx: Context, params: PaginatedRequestParams) -> dict[str, Any]:
        from texml_mcp.server.resources import templates

        return {**_LIST_FOR_ONE, "resourceTemplates": templates(of_request(ctx))}

    async def read_resource(ctx: Context, params: ReadResourceRequestParams) -> dict[str, Any]:
        from texml_mcp.server.resources import VERBS_URI, ResourceError, read

        uri = str(params.uri)
        try:
            text = await read(Reader(of_request(ctx), run), uri)
        except ResourceError as error:
            raise _not_readable(ctx, uri, error) from None
        hint = _LIST_FOR_ALL if uri == VERBS_URI else _LIVE
        return {**hint, "contents": [{"uri": uri, "mimeType": "application/json", "text": text}]}

    async def list_prompts(ctx: Context, params: PaginatedRequestParams) -> dict[str, Any]:
        from texml_mcp.server import prompts

        return {**_LIST_FOR_ONE, "prompts": prompts.listed(of_request(ctx).offered)}

    async def get_prompt(ctx: Context, params: GetPromptRequestParams) -> dict[str, Any]:
        from texml_mcp.server import prompts

        try:
            found = prompts.get(params.name, params.arguments, of_request(ctx).offered)
        except prompts.PromptError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None
        return {"resultType": "complete", **found}

    async def complete(ctx: Context, params: CompleteRequestParams) -> dict[str, Any]:
        from texml_mcp.server.completions import UnknownReferenceError

        reader, ref, argument = Reader(of_request(ctx), run), params.ref, params.argument
        try:
            if isinstance(ref, PromptReference):
                found = await completions().of_prompt(reader, ref.name, argument.name, argument.value)
            else:
                found = await completions().of_template(reader, ref.uri, argument.name, argument.value)
        except UnknownReferenceError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None
        return {"resultType": "complete", "completion": found}

    server.add_request_handler("resources/list", PaginatedRequestParams, list_resources)
    server.add_request_handler("resources/templates/list", PaginatedRequestParams, list_templates)
    server.add_request_handler("resources/read", ReadResourceRequestParams, read_resource)
    server.add_request_handler("prompts/list", PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", GetPromptRequestParams, get_prompt)
    server.add_request_handler("completion/complete", CompleteRequestParams, complete)


def _not_readable(ctx: Context, uri: str, error: Any) -> MCPError:
    """The protocol error for a resource; `data.uri` is what was asked for, as far as it is fit to show."""
    data: Mapping[str, Any] = {"uri": clean(uri, URI_CAP), **error.data}
    if error.missing:
        modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        return MCPError(INVALID_PARAMS if modern else LEGACY_RESOURCE_NOT_FOUND, str(error), data)
    return MCPError(INTERNAL_ERROR if error.failed else INVALID_PARAMS, str(error), data)
