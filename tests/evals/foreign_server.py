"""A small MCP server with one tool, `get_call`, that can misbehave: `foreign_server.py PID_FILE MANNER`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

calls = 0


async def list_tools(_: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    tool = types.Tool(name="get_call", description="A call.", input_schema={"type": "object"})
    if MANNER != "lists-two-pages":
        return types.ListToolsResult(tools=[tool])
    if params is None or params.cursor is None:
        return types.ListToolsResult(tools=[tool], next_cursor="more")
    other = types.Tool(name="list_calls", description="Calls.", input_schema={"type": "object"})
    return types.ListToolsResult(tools=[other])


async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    global calls
    calls += 1
    if MANNER == "dies-at-the-second-call" and calls == 2:
        sys.stderr.write("out of memory, or so\n")
        sys.stderr.flush()
        os._exit(7)
    if MANNER == "hangs-in-a-call":
        await anyio.sleep_forever()
    if MANNER == "floods":
        while True:
            os.write(OUT, b"x" * 65_536)
    if MANNER == "prints-garbage":
        os.write(OUT, b"this is no message\n" * 10_000)
    return types.CallToolResult(
        content=[types.TextContent(text=f"call {calls}")], structured_content={"status": "completed"}
    )


async def serve() -> None:
    async with stdio_server() as (read, write):
        server: Server[Any] = Server("tiny", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    # The SDK takes its own copy of standard output and points the old one elsewhere.
    OUT = os.dup(1)
    MANNER = sys.argv[2]
    with Path(sys.argv[1]).open("a") as pids:
        pids.write(f"{os.getpid()}\n")
        if MANNER == "has-a-child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            pids.write(f"{child.pid}\n")
    match MANNER:
        case "crashes-at-once":
            sys.exit("no licence found")
        case "never-answers":
            time.sleep(600)
        case "answers-garbage":
            os.write(OUT, b"Welcome to the server!\n")
            time.sleep(600)
        case "greets":
            os.write(OUT, b"Welcome to the server!\n")
    anyio.run(serve)
