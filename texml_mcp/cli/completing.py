"""What a shell offers behind TAB: tools, the names of their arguments, and hosts."""

from __future__ import annotations

from typing import Any

import typer


def tools(incomplete: str) -> list[tuple[str, str]]:
    """Tools whose name begins so, with what they do."""
    from texml_mcp.tools.files import definitions

    return [
        (name, tool.get("title") or "") for name, tool in definitions().items() if name.startswith(incomplete)
    ]


def arguments(ctx: typer.Context, incomplete: str) -> list[str]:
    """`To=`, `From=`: the arguments of the tool that was named before."""
    from texml_mcp.tools.files import definitions

    if "=" in incomplete:
        return []  # a value, and nobody knows those
    tool: dict[str, Any] = definitions().get(str(ctx.params.get("tool")), {})
    names = tool.get("inputSchema", {}).get("properties", {})
    return [f"{name}=" for name in names if name.startswith(incomplete)]


def hosts(incomplete: str) -> list[str]:
    """Hosts whose name begins so."""
    from texml_mcp.hosts.known import HOSTS

    return [name for name in HOSTS if name.startswith(incomplete)]
