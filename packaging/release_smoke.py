"""Whether an installed texml-mcp works: it lists its tools and answers a call on the sandbox, over stdio.

Run by the Python of the environment that has it, from elsewhere than a checkout: `release_smoke.py VERSION`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters

SECONDS = 60


async def smoke(command: str) -> str:
    """What was seen, in a sentence. Raises `SystemExit` with what is wrong."""
    server = StdioServerParameters(command=command, args=["serve", "--sandbox"])
    with anyio.fail_after(SECONDS):
        async with Client(server) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            told = await client.call_tool("list_applications", {})
    if not {"create_call", "validate_texml"} <= set(names):
        raise SystemExit(f"tools/list answers {len(names)} tools, and not those that must be there: {names}")
    items = (told.structured_content or {}).get("items")
    if told.is_error or not items:
        raise SystemExit(f"list_applications on the sandbox fails: {told.content}")
    return f"{len(names)} tools, and list_applications answers {len(items)}"


def main(version: str) -> int:
    """Print what was seen; the exit status."""
    command = str(Path(sys.executable).with_name("texml-mcp" + (".exe" if os.name == "nt" else "")))
    said = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True)
    if said.stdout.strip() != version:
        raise SystemExit(f"the installed command says version {said.stdout.strip()}, not {version}")
    sys.stdout.write(f"{anyio.run(smoke, command)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
