"""A small MCP server with one tool, `get_call`, that can misbehave: `foreign_server.py PID_FILE MANNER`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# The SDK takes its own copy of standard output and points the old one elsewhere.
OUT = os.dup(1)


def main(pid_file: Path, manner: str) -> None:
    with pid_file.open("a") as pids:
        pids.write(f"{os.getpid()}\n")
        if manner == "has-a-child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            pids.write(f"{child.pid}\n")
    if manner == "crashes-at-once":
        sys.exit("no licence found")
    if manner in ("answers-garbage", "greets"):
        os.write(OUT, b"Welcome to the server!\n")
    if manner in ("answers-garbage", "never-answers"):
        time.sleep(600)
    serve(manner)


def serve(manner: str) -> None:
    import anyio
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server

    calls = 0

    async def list_tools(_: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        tool = types.Tool(name="get_call", description="A call.", input_schema={"type": "object"})
        if manner != "lists-two-pages":
            return types.ListToolsResult(tools=[tool])
        if params is None or params.cursor is None:
            return types.ListToolsResult(tools=[tool], next_cursor="more")
        other = types.Tool(name="list_calls", description="Calls.", input_schema={"type": "object"})
        return types.ListToolsResult(tools=[other])

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        nonlocal calls
        calls += 1
        if manner == "dies-at-the-second-call" and calls == 2:
            sys.stderr.write("out of memory, or so\n")
            sys.stderr.flush()
            os._exit(7)
        if manner == "hangs-in-a-call":
            await anyio.sleep_forever()
        if manner == "floods":
            while True:
                os.write(OUT, b"x" * 65_536)
        if manner == "prints-garbage":
            os.write(OUT, b"this is no message\n" * 10_000)
        text = types.TextContent(text=f"call {calls}")
        return types.CallToolResult(content=[text], structured_content={"status": "completed"})

    async def run() -> None:
        async with stdio_server() as (read, write):
            server: Server[Any] = Server(
                "tiny", version="1", on_list_tools=list_tools, on_call_tool=call_tool
            )
            await server.run(read, write, server.create_initialization_options())

    anyio.run(run)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
