"""The least an MCP server can be: one trivial tool, and one that makes the GET that `get_call` makes."""

from __future__ import annotations

import os
import sys
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

SCHEMA = {"type": "object", "properties": {"call_sid": {"type": "string"}}}


def build() -> Server[Any]:
    client: Any = None

    async def list_tools(ctx: Any, params: Any) -> Any:
        tools = [{"name": name, "inputSchema": SCHEMA} for name in ("echo", "get_call")]
        return {"resultType": "complete", "tools": tools}

    async def call_tool(ctx: Any, params: Any) -> Any:
        nonlocal client
        text = "hello"
        if params.name == "get_call":
            import httpx

            if client is None:
                client = httpx.AsyncClient(headers={"authorization": "Bearer sandbox-bench"})
            url = f"{os.environ['BENCH_URL']}/texml/Accounts/acc/Calls/{params.arguments['call_sid']}"
            text = (await client.get(url)).text
        return {"resultType": "complete", "content": [{"type": "text", "text": text}]}

    return Server("bare", version="1", on_list_tools=list_tools, on_call_tool=call_tool)


async def main() -> None:
    async with stdio_server() as (incoming, outgoing):
        server = build()
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    sys.exit(anyio.run(main))
