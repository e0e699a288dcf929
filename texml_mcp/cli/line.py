"""One command line: run it, tell what is wrong with it, end with a status that scripts can use."""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130


def run(words: Sequence[str]) -> int:
    """The exit status: 0 done, 1 not done, 2 wrong use, 130 interrupted."""
    import typer

    from texml_mcp.cli import streams

    streams.opened()
    from texml_mcp.cli.app import app

    try:
        code = app(list(words), prog_name="texml-mcp", standalone_mode=False)
        sys.stdout.flush()
    except OSError as error:
        return streams.lost(error)
    except typer.Abort:  # Ctrl-D where Typer waits for a word
        return INTERRUPTED
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            return error.exit_code  # its text is printed: the help of a group of commands
        from texml_mcp.cli.mistakes import told

        sys.stderr.write(f"{told(error, words)}\n")
        return error.exit_code
    return code if isinstance(code, int) else 0
