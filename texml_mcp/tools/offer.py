"""Which tools a server offers. Toolsets, allow and deny lists and read-only are upper bounds.

What belongs to an opt-in toolset is offered only where that toolset, or the tool itself, is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from texml_mcp.catalog import DEFAULT, ENDPOINTS, OPT_IN, TOOLSETS
from texml_mcp.tools import validate_texml

DEFAULT_TOOLS: tuple[str, ...] = (*(each.id for each in DEFAULT), validate_texml.NAME)
ALL_TOOLS: tuple[str, ...] = (*DEFAULT_TOOLS, *(each.id for each in ENDPOINTS if each.toolset in OPT_IN))
READ_TOOLS = frozenset({*(each.id for each in ENDPOINTS if each.reads), validate_texml.NAME})
# Sets that cross the catalogue's own.
PRESETS: dict[str, tuple[str, ...]] = {
    # What is offered where nothing is named; to be named beside an opt-in toolset.
    "default": DEFAULT_TOOLS,
    # Place calls, follow and end them, look after a conference; list_applications is for ApplicationSid.
    "core": (
        "list_calls",
        "create_call",
        "get_call",
        "update_call",
        "list_conferences",
        "update_conference",
        "list_conference_participants",
        "update_conference_participant",
        "remove_conference_participant",
        "list_applications",
    ),
}
OFFERED_SETS: tuple[str, ...] = (*PRESETS, *TOOLSETS)
_LISTED = 20  # all tools would bury the one that was meant
_IN_SET: dict[str, frozenset[str]] = {
    **{name: frozenset(each.id for each in ENDPOINTS if each.toolset == name) for name in TOOLSETS},
    **{name: frozenset(tools) for name, tools in PRESETS.items()},
}


class UnknownNameError(Exception):
    """A toolset or tool that does not exist: the server must not start with it."""


def offered(
    *,
    toolsets: Iterable[str] = (),
    tools: Iterable[str] = (),
    exclude: Iterable[str] = (),
    read_only: bool = False,
    usual: Collection[str] = DEFAULT_TOOLS,
) -> tuple[str, ...]:
    """The offered tools in the documented order. Raises `UnknownNameError`.

    Without `toolsets` the `usual` ones may be offered, and whichever others are among the `tools`.
    """
    toolsets, tools, exclude = set(toolsets), set(tools), set(exclude)
    _known(toolsets, OFFERED_SETS, "toolset")
    _known(tools | exclude, ALL_TOOLS, "tool")
    wanted = frozenset[str]().union(*(_IN_SET[name] for name in toolsets)) if toolsets else tools
    usual = () if toolsets else usual
    return tuple(
        name
        for name in ALL_TOOLS
        if (name in wanted or name in usual or name == validate_texml.NAME)
        and (not tools or name in tools)
        and name not in exclude
        and (not read_only or name in READ_TOOLS)
    )


def _known(names: set[str], valid: tuple[str, ...], what: str) -> None:
    for name in sorted(names - set(valid)):
        near = get_close_matches(name, valid, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        if not near or len(valid) <= _LISTED:
            hint += f" Valid: {', '.join(valid)}."
        raise UnknownNameError(f"Unknown {what} '{name}'.{hint}")
