"""Who may connect: principals with a role, the tokens that prove them, and what a role may use."""

from __future__ import annotations

from texml_mcp.identity.principals import ROLES, Principal, Role

__all__ = ["ROLES", "Principal", "Role"]
