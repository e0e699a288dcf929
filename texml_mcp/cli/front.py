"""What `texml-mcp` says when it is called with nothing: the commands to begin with, and how things stand."""

from __future__ import annotations

import os
from collections.abc import Iterator

from texml_mcp import __version__

_WIDTH = 38


def lines() -> Iterator[str]:
    """The screen, line by line; at most 80 columns."""
    yield f"texml-mcp {__version__}: phone calls for AI through the Telnyx TeXML API, with a gate."
    for title, commands in _SECTIONS:
        yield ""
        yield title
        for command, what in commands:
            yield f"  {command:<{_WIDTH}}{what}"
    yield ""
    yield _key()
    yield "Every command: texml-mcp --help. Completion: texml-mcp --install-completion."


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
