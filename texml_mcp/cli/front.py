"""What `texml-mcp` says when it is called with nothing: the commands to begin with, and how things stand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from shutil import get_terminal_size
from textwrap import wrap

from texml_mcp import __version__

_WIDTH = 38
_NEEDED = 80


def lines(columns: int | None = None) -> Iterator[str]:
    """The screen, line by line, for a terminal of so many columns (default: this one's); 80 at most."""
    columns = min(columns or get_terminal_size().columns, 80)
    what_it_is = "phone calls for AI through the Telnyx TeXML API, with a gate."
    yield from wrap(f"texml-mcp {__version__}: {what_it_is}", columns, break_on_hyphens=False)
    for title, commands in _SECTIONS:
        yield ""
        yield title
        for command, what in commands:
            if columns >= _NEEDED:
                yield f"  {command:<{_WIDTH}}{what}"
            else:
                yield f"  {command}"
                yield f"      {what}"
    yield ""
    yield from wrap(_key(), columns, break_on_hyphens=False)
    yield from wrap(
        "Every command: texml-mcp --help. Completion: texml-mcp --install-completion.",
        columns,
        break_on_hyphens=False,
    )


def _key() -> str:
    if not os.environ.get("TELNYX_API_KEY", "").strip():
        return "TELNYX_API_KEY is not set: only what says --sandbox works, and demo."
    return "TELNYX_API_KEY is set: without --sandbox, calls are real."


_SECTIONS = (
    (
        "Try it, without an account",
        (
            ("texml-mcp demo", "a story on the built-in phone network"),
            ("texml-mcp call list_calls --sandbox", "one tool by hand"),
        ),
    ),
    (
        "Use it",
        (
            ("texml-mcp install cursor --sandbox", "or claude-desktop, claude-code, vscode"),
            ("texml-mcp doctor", "is everything right and safe?"),
            ("texml-mcp tools", "what a model is offered"),
            ("texml-mcp tools create_call", "one of them, with its arguments"),
        ),
    ),
    (
        "Keep it in hand",
        (
            ("texml-mcp approvals list", "what waits for somebody's yes"),
            ("texml-mcp audit tail", "what was decided, and why"),
            ("texml-mcp panic --hang-up", "stop every write, end the calls"),
        ),
    ),
)
