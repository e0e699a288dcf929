"""What commands print alike: JSON for another program, and words that several of them say."""

from __future__ import annotations

import getpass
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

USAGE = 2


def print_json(value: Any) -> None:
    """JSON for another program: two spaces, text as it is."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def wrong_use(problem: str) -> int:
    """Tell why nothing can be done as asked; the exit status of wrong use."""
    sys.stderr.write(f"texml-mcp: {problem}\n")
    return USAGE


def why_unread(error: OSError | UnicodeDecodeError) -> str:
    """Why a file that was named could not be read as text."""
    return str(error.strerror) if isinstance(error, OSError) else "it is not UTF-8 text"


def nothing_in(directory: Path | None) -> str:
    """For somebody who looks where no server keeps its records."""
    return (
        f"No server has kept anything in {directory}. --state-dir names another directory; a sandbox keeps "
        "its records in memory unless it has one."
    )


def this_user() -> str:
    """Who types: the name of the user, or the number where the system knows no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # in a container, say
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"
