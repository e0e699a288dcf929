"""What a role is offered. A tool that is not offered is not listed and cannot be called."""

from __future__ import annotations

from collections.abc import Iterable

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.identity.principals import Principal

# The local tool sends nothing. Named, not taken as "no endpoint": a local tool yet to come may write.
_VIEWER_TOOLS = frozenset({*(each.id for each in ENDPOINTS if each.reads), "validate_texml"})


def narrowed(offered: Iterable[str], principal: Principal) -> frozenset[str]:
    """Those of the offered tools that this principal may use. Never more than was offered."""
    tools = frozenset(offered)
    return tools if principal.may("operator") else tools & _VIEWER_TOOLS
