"""Calls across a disguise: from what a model called to the real call, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from texml_mcp.exports.perturb import MAP_FORMAT
from texml_mcp.exports.wording import Json
from texml_mcp.text import shown


class UntranslatableError(Exception):
    """A call that has no real counterpart; `distractor` when the tool was put there to be left alone."""

    def __init__(self, message: str, *, distractor: bool = False) -> None:
        super().__init__(message)
        self.distractor = distractor


def translate(disguise: Json, tool: str, arguments: Mapping[str, Any]) -> tuple[str, Json]:
    """The real tool and arguments of a disguised call. Raises `UntranslatableError`.

    Real names are refused where they are disguised: a model that knows them has not read its tools.
    """
    entry = _tools(disguise).get(tool)
    if entry is None:
        raise UntranslatableError(f"{shown(tool)} is no tool of this export.")
    if entry["tool"] is None:
        raise UntranslatableError(f"{shown(tool)} is a distractor: nothing real does this.", distractor=True)
    return entry["tool"], _renamed(entry["arguments"], arguments)


def disguised(disguise: Json, tool: str, arguments: Mapping[str, Any]) -> tuple[str, Json]:
    """A real call as the disguised tools spell it, for reference answers. Raises `UntranslatableError`."""
    for name, entry in _tools(disguise).items():
        if entry["tool"] == tool:
            return name, _renamed({real: ours for ours, real in entry["arguments"].items()}, arguments)
    raise UntranslatableError(f"{shown(tool)} is not among the real tools of this export.")


def _tools(disguise: Json) -> Json:
    if disguise.get("format") != MAP_FORMAT:
        raise UntranslatableError(f"This is no map of a disguise: its format is not {MAP_FORMAT}.")
    return disguise["tools"]


def _renamed(names: Mapping[str, str], arguments: Mapping[str, Any]) -> Json:
    if unknown := [name for name in arguments if name not in names]:
        raise UntranslatableError(f"Unknown argument {shown(unknown[0])}. Valid: {', '.join(names)}.")
    return {names[name]: value for name, value in arguments.items()}
