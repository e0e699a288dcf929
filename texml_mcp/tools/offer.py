"""Which tools a server offers. Toolsets, allow and deny lists and read-only are upper bounds."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from texml_mcp.catalog import ENDPOINTS, TOOLSETS
from texml_mcp.tools import validate_texml

ALL_TOOLS: tuple[str, ...] = (*(each.id for each in ENDPOINTS), validate_texml.NAME)
READ_TOOLS = frozenset({*(each.id for each in ENDPOINTS if each.reads), validate_texml.NAME})
_TOOLSET_OF = {each.id: each.toolset for each in ENDPOINTS}


class UnknownNameError(Exception):
    """A toolset or tool that does not exist: the server must not start with it."""


def offered(
    *,
    toolsets: Iterable[str] = (),
    tools: Iterable[str] = (),
    exclude: Iterable[str] = (),
    read_only: bool = False,
) -> tuple[str, ...]:
    """The offered tools in the documented order. Raises `UnknownNameError`."""
    toolsets, tools, exclude = set(toolsets), set(tools), set(exclude)
    _known(toolsets, TOOLSETS, "toolset")
    _known(tools | exclude, ALL_TOOLS, "tool")
    return tuple(
        name
        for name in ALL_TOOLS
        if (not toolsets or _TOOLSET_OF.get(name, "") in toolsets or name == validate_texml.NAME)
        and (not tools or name in tools)
        and name not in exclude
        and (not read_only or name in READ_TOOLS)
    )


def _known(names: set[str], valid: tuple[str, ...], what: str) -> None:
    for name in sorted(names - set(valid)):
        near = get_close_matches(name, valid, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownNameError(f"Unknown {what} '{name}'.{hint} Valid: {', '.join(valid)}.")
