"""The official MCP client, connected to a server of ours in a process of its own."""

from __future__ import annotations

import sys
from typing import Any

from mcp import Client, StdioServerParameters


def sandbox_server(*flags: str, **options: Any) -> Client:
    """A client of `texml-mcp serve --sandbox`; `options` are those of `mcp.Client`."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "texml_mcp", "serve", "--sandbox", *flags]
    )
    return Client(command, **options)
