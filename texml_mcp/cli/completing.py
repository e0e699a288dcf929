"""What a shell offers behind TAB: tools and the names of their arguments, and names that options take."""

from __future__ import annotations

from collections.abc import Iterable
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

    return _beginning(incomplete, HOSTS)


def policies(incomplete: str) -> list[str]:
    """Shipped policies whose name begins so."""
    from texml_mcp.gate.policy.load import SHIPPED

    return _beginning(incomplete, SHIPPED)


def toolsets(incomplete: str) -> list[str]:
    """Toolsets whose name begins so."""
    from texml_mcp.tools.offer import OFFERED_SETS

    return _beginning(incomplete, OFFERED_SETS)


def roles(incomplete: str) -> list[str]:
    """Roles whose name begins so."""
    from typing import get_args

    from texml_mcp.identity.entries import Role

    return _beginning(incomplete, get_args(Role))


def families(incomplete: str) -> list[str]:
    """Families of tasks whose name begins so."""
    from typing import get_args

    from texml_mcp.evals.model import Family

    return _beginning(incomplete, get_args(Family))


def difficulties(incomplete: str) -> list[str]:
    """How hard a task may be."""
    from typing import get_args

    from texml_mcp.evals.model import Difficulty

    return _beginning(incomplete, get_args(Difficulty))


def agents(incomplete: str) -> list[str]:
    """Agents whose name begins so; behind a colon comes what nobody knows."""
    from texml_mcp.evals.agents.named import KNOWN

    return _beginning(incomplete, ("".join(each.partition(":")[:2]) for each in KNOWN))


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
