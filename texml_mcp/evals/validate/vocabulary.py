"""What tasks may name: the server's tools with their arguments, and the API's operations with theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.tools.schema import tool_definitions

ANY = "*"
Vocabulary = Mapping[str, frozenset[str]]


@cache
def tools() -> Vocabulary:
    """The arguments of each tool, by its name."""
    return {tool["name"]: frozenset(tool["inputSchema"]["properties"]) for tool in tool_definitions()}


@cache
def operations() -> Vocabulary:
    """The arguments of each operation under their wire names, by its id."""
    return {each.id: frozenset(param.name for _, param in each.params()) for each in ENDPOINTS}


def unknown(kind: str, known: Vocabulary, name: str, arguments: Iterable[str]) -> Iterator[str]:
    """Say that there is no such `kind` of thing, or which of the arguments it does not have."""
    if name == ANY:
        there = frozenset(each for held in known.values() for each in held)
    elif name in known:
        there = known[name]
    else:
        yield f"there is no {kind} {name!r}{_perhaps(name, known)}"
        return
    for each in arguments:
        if each not in there:
            lacks = f"no {kind} has an argument" if name == ANY else f"{name} has no argument"
            yield f"{lacks} {each!r}{_perhaps(each, there)}"


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
