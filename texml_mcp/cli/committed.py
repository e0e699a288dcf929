"""Files that are made from the code and committed: written anew, or held against what they would be now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

RENEW = "run texml-mcp schemas write"


def write(where: Path, files: Mapping[str, str], present: Iterable[str]) -> list[str]:
    """Write every file, remove those that are present and not among them; what changed.

    `files` are texts by path from `where`; `present` are the paths that are there and must be among them.
    """
    changed: list[str] = []
    for old in present:
        if old not in files:
            (where / old).unlink()
            changed.append(f"removed {old}")
    for name, text in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(f"wrote {name}")
    return changed


def problems(where: Path, files: Mapping[str, str], present: Iterable[str]) -> list[str]:
    """What is missing, stale or left over."""
    found: list[str] = []
    for name, text in files.items():
        path = where / name
        if not path.is_file():
            found.append(f"{name} is missing: {RENEW}")
        elif path.read_text("utf-8") != text:
            found.append(f"{name} is stale: {RENEW}")
    return [*found, *(f"{name} belongs to no tool" for name in present if name not in files)]
