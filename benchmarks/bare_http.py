"""The bare server over HTTP, on the same sandbox inside its process, with the same number of connections."""

from __future__ import annotations

import sys
from typing import Any

import httpx
import uvicorn
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server

from benchmarks.bare import SCHEMA
from texml_mcp.sandbox import create_app
from texml_mcp.server.http.serving import bind

URL = "http://sandbox.invalid/v2/texml/Accounts/61bf923e-5e4d-4595-a110-56190ea18a1b/Calls"


def build() -> Server[Any]:
    network: Any = create_app(clock="real")
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=network), headers={"authorization": "Bearer sandbox"}
    )

    async def list_tools(ctx: Any, params: Any) -> Any:
        return {"resultType": "complete", "tools": [{"name": "get_call", "inputSchema": SCHEMA}]}

    async def call_tool(ctx: Any, params: Any) -> Any:
        answer = await client.get(f"{URL}/{params.arguments['call_sid']}")
        return {"resultType": "complete", "content": [{"type": "text", "text": answer.text}]}

    # The least that the modern wire takes without an error at every call: a hint, and a schema to look up.
    return Server(
        "bare",
        version="1",
        cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="private")},
        get_tool_input_schema=lambda name: SCHEMA,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def main() -> None:
    sock = bind("127.0.0.1", 0)
    sys.stderr.write(f"serving on http://127.0.0.1:{sock.getsockname()[1]}/mcp\n")
    sys.stderr.flush()
    config = uvicorn.Config(
        build().streamable_http_app(), http="h11", ws="none", access_log=False, log_config=None
    )
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main()
