"""Where in a TOML text a key stands, so that a problem can be pointed at."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]#]+)\]")
_KEY = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")

Path = tuple[str | int, ...]


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line of the entry at `path`, or of the nearest table around it; None when neither is found.

    A line scan, not a parser: text inside a multi-line string may be taken for a key. It only ever
    decides which line an error names.
    """
    known: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            table = _parts(header.group(2))
            if header.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            elif table and table[:1] in counts:  # [rules.when] belongs to the last [[rules]]
                table = (table[0], counts[table[:1]], *table[1:])
            known.setdefault(table, number)
        elif key := _KEY.match(line):
            known.setdefault((*table, *_parts(key.group(1))), number)
    wanted = tuple(path)
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted[:-1]
    return None


def _parts(dotted: str) -> Path:
    return tuple(found[1] or found[2] or found[3] for found in _PART.finditer(dotted))
