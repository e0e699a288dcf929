"""The panic switch: a mark in the state directory that stops every write until it is cleared.

It is a file, so that anybody with a shell can set it, whatever else is broken.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from texml_mcp.text import clean

_MARK = "PANIC"


def engage(directory: Path, by: str) -> Path:
    """Stop all writes of all servers on this state directory."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = directory / _MARK
    mark.write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} by {clean(by, 60)}\n", encoding="utf-8")
    return mark


def clear(directory: Path) -> bool:
    """Allow writes again; whether they were stopped."""
    try:
        (directory / _MARK).unlink()
    except FileNotFoundError:
        return False
    return True


def engaged(directory: Path | None) -> str | None:
    """Why writes are stopped, or None. A mark that cannot be looked for counts as one that is there."""
    if directory is None:
        return None
    try:
        told = (directory / _MARK).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"the state directory cannot be read ({type(error).__name__})"
    return f"set {clean(told, 100)}"
