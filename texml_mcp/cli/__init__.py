"""The command line. `serve` goes its own short way, so that a host never waits for the other commands."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """The `texml-mcp` command."""
    try:
        sys.exit(_run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["serve"]:
        # Nothing that is loaded now becomes garbage: looking for it takes an eighth of the start.
        gc.disable()
        from texml_mcp.cli.serve import run

        return run(arguments[1:])
    from texml_mcp.cli.line import run

    return run(arguments)
