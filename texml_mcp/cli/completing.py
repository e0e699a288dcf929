"""What a shell offers behind TAB: tools and the names of their arguments, and names that options take."""

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


def policies(incomplete: str) -> list[str]:
    """Shipped policies whose name begins so."""
    from texml_mcp.gate.policy.load import SHIPPED

    return [name for name in SHIPPED if name.startswith(incomplete)]


def toolsets(incomplete: str) -> list[str]:
    """Toolsets whose name begins so."""
    from texml_mcp.tools.offer import OFFERED_SETS

    return [name for name in OFFERED_SETS if name.startswith(incomplete)]


def roles(incomplete: str) -> list[str]:
    """Roles whose name begins so."""
    from typing import get_args

    from texml_mcp.identity.entries import Role

    return [name for name in get_args(Role) if name.startswith(incomplete)]


def families(incomplete: str) -> list[str]:
    """Families of tasks whose name begins so."""
    from typing import get_args

    from texml_mcp.evals.model import Family

    return [name for name in get_args(Family) if name.startswith(incomplete)]


def difficulties(incomplete: str) -> list[str]:
    """How hard a task may be."""
    from typing import get_args

    from texml_mcp.evals.model import Difficulty

    return [name for name in get_args(Difficulty) if name.startswith(incomplete)]


def agents(incomplete: str) -> list[str]:
    """Agents whose name begins so; behind a colon comes what nobody knows."""
    known = ("reference", "null", "random", "greedy", "command:", "openai:")
    return [name for name in known if name.startswith(incomplete)]
