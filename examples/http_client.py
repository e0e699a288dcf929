"""A server for a team, and two people on it over HTTP: one may only look, one ends a call after a yes.

python examples/http_client.py [--yes]
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from asking import typed
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

COMMAND = [sys.executable, "-m", "texml_mcp"]
YES = "--yes" in sys.argv


def token_for(name: str, role: str, file: Path) -> str:
    """A token is printed once, alone, and kept only as a hash."""
    add = [*COMMAND, "tokens", "add", name, "--role", role, "--file", str(file)]
    return subprocess.run(add, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def server(tokens_file: Path) -> Generator[str]:
    """The address of a server on loopback, which ends with the example."""
    serve = [*COMMAND, "serve", "--http", "--sandbox", "--port", "0", "--tokens-file", str(tokens_file)]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"http://\S+/mcp", line):
                    yield found[0]
                    return
                sys.stderr.write(line)
            raise SystemExit("The server did not start.")
        finally:
            process.terminate()


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncGenerator[Client]:
    """A client whose every request carries the token."""
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), elicitation_callback=approve) as client,
    ):
        yield client


async def approve(_: Any, params: Any) -> ElicitResult:
    """What a host does with a question of the server: show it to a person, and send back the answer."""
    print(f"\n  {params.message}")
    if YES or await typed("  Do this? [y/N] ") == "y":
        return ElicitResult(action="accept", content={"confirm": True})
    return ElicitResult(action="decline")


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "tokens.toml"
        vera, otto = token_for("vera", "viewer", file), token_for("otto", "operator", file)
        with server(file) as url:
            async with connected(url, vera) as client:
                tools = (await client.list_tools()).tools
                acting = [tool.name for tool in tools if not tool.annotations.read_only_hint]
                print(f"vera, a viewer: {len(tools)} tools, {len(acting)} of them can act")
            async with connected(url, otto) as client:
                print(f"otto, an operator: {len((await client.list_tools()).tools)} tools")
                calls = (await client.call_tool("list_calls", {"limit": 100})).structured_content
                live = next(each["sid"] for each in calls["items"] if each["status"] == "in-progress")
                ended = await client.call_tool("update_call", {"call_sid": live, "Status": "completed"})
                print(f"{ended.structured_content['status']}: {ended.structured_content['summary']}")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(130)
