"""What is wrong with a policy, in words that say where and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

from texml_mcp.text import clean, shown
from texml_mcp.wording import near_name

MOST_LISTED = 12


class PolicyError(Exception):
    """A policy that must not be used. `line` counts from 1, where it is known."""

    def __init__(self, problem: str, *, name: str = "", line: int | None = None) -> None:
        self.problem = problem
        self.name = name
        self.line = line
        where = clean(name, 200) if name else "policy"
        super().__init__(f"{where}:{line}: {problem}" if line else f"{where}: {problem}")


def nearest(name: str, valid: Iterable[str]) -> str:
    """`Did you mean X?` when something is near, and the valid names when they are few."""
    choices = list(valid)
    near = near_name(name, choices)
    parts = [f"Did you mean {near}?"] if near else []
    if choices and len(choices) <= MOST_LISTED:
        parts.append(f"Valid: {', '.join(choices)}.")
    return " ".join(parts)


def unknown(what: str, name: str, valid: Iterable[str]) -> str:
    """The sentence about a name nobody knows."""
    return f"Unknown {what} {shown(name, 60)}. {nearest(name, valid)}".strip()
