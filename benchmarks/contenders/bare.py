"""The least a low-level `mcp` server can be: the same tool list, and a call that forwards the answer.

python -m benchmarks.contenders.bare [--http]
"""

from __future__ import annotations

import sys
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server

from benchmarks.contenders.routes import Api, tools


def build() -> Server[Any]:
    api = Api()
    listed = tools()
    schemas = {tool["name"]: tool["inputSchema"] for tool in listed}

    async def list_tools(ctx: Any, params: Any) -> Any:
        return {"resultType": "complete", "tools": listed}

    async def call_tool(ctx: Any, params: Any) -> Any:
        text = await api.ask(params.name, params.arguments or {})
        return {"resultType": "complete", "content": [{"type": "text", "text": text}]}

    return Server(
        "bare",
        version="1",
        # The least that the modern wire takes without an error: a hint, and a schema to look up.
        cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="private")},
        get_tool_input_schema=schemas.get,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def over_stdio() -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (incoming, outgoing):
        server = build()
        await server.run(incoming, outgoing, server.create_initialization_options())


def main() -> None:
    if "--http" in sys.argv:
        from benchmarks.contenders.listening import serve

        serve(build().streamable_http_app())
    else:
        import anyio

        anyio.run(over_stdio)


if __name__ == "__main__":
    main()
