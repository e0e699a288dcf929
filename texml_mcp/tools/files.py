"""The committed tool definitions: read as they stand, so that listing tools builds nothing.

`tool_schemas/` holds one canonical JSON file a tool and an index with their order, and the same in a folder
for each opt-in toolset. It sits at the top of a checkout, and inside the package in an installed wheel.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from texml_mcp.catalog import OPT_IN

_PACKAGE = Path(__file__).resolve().parent.parent
INDEX = "index.json"
_SENTENCE_END = re.compile(r"(?<=\.) ")
_WORD = re.compile(r"\w+")


def directory() -> Path:
    """Where the definitions are; raises `FileNotFoundError` when the installation is broken."""
    for candidate in (_PACKAGE / "tool_schemas", _PACKAGE.parent / "tool_schemas"):
        if (candidate / INDEX).is_file():
            return candidate
    raise FileNotFoundError(
        "tool_schemas is missing: install texml-mcp again, or run texml-mcp schemas write"
    )


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Every tool definition by name, in the documented order; what is opt-in comes last."""
    found: dict[str, dict[str, Any]] = {}
    for folder in ("", *OPT_IN):
        where = directory() / folder
        index = json.loads((where / INDEX).read_bytes())
        found |= {each["name"]: json.loads((where / each["file"]).read_bytes()) for each in index["tools"]}
    return found


def offered_definitions(names: Collection[str]) -> list[dict[str, Any]]:
    """The definitions of these tools in the documented order, as whoever is offered no others reads them.

    A sentence that sends its reader to a tool that is not among them is left out.
    """
    return list(_told(frozenset(names)))


@lru_cache(maxsize=64)
def _told(names: frozenset[str]) -> tuple[dict[str, Any], ...]:
    absent = definitions().keys() - names
    return tuple(
        tool | {"description": without(tool["description"], absent)}
        for name, tool in definitions().items()
        if name in names
    )


def without(description: str, absent: Collection[str]) -> str:
    """A description without the sentences that name one of these tools."""
    sentences = _SENTENCE_END.split(description)
    kept = [each for each in sentences if set(absent).isdisjoint(_WORD.findall(each))]
    return " ".join(kept)


def canonical(value: Any) -> str:
    """The one way a definition is written: readable, stable, ending in a newline."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
