"""What each role is offered."""

from __future__ import annotations

import pytest

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.identity import ROLES, Principal, Role
from texml_mcp.identity.roles import narrowed
from texml_mcp.tools.offer import ALL_TOOLS, READ_TOOLS


def test_a_viewer_is_offered_what_changes_nothing() -> None:
    offered = narrowed(ALL_TOOLS, Principal("v", "viewer"))
    assert offered == READ_TOOLS
    assert not [each.id for each in ENDPOINTS if each.id in offered and not each.reads]


@pytest.mark.parametrize("role", ["operator", "approver", "admin"])
def test_the_other_roles_are_offered_everything(role: Role) -> None:
    assert narrowed(ALL_TOOLS, Principal("o", role)) == set(ALL_TOOLS)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_is_offered_more_than_the_server_offers(role: Role) -> None:
    assert narrowed(["list_calls", "create_call"], Principal("x", role)) <= {"list_calls", "create_call"}
    assert narrowed([], Principal("x", role)) == frozenset()


def test_a_tool_yet_unknown_is_not_for_viewers() -> None:
    assert narrowed(["list_calls", "format_disk"], Principal("v", "viewer")) == {"list_calls"}
