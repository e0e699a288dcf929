"""The standard streams of a command: a closed one is empty, and one that takes no more ends it in a line."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

FAILED = 1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def opened() -> None:
    """Python has no object for a stream that was closed before the start; commands need not know of it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open as long as the process


def lost(error: OSError) -> int:
    """The exit status after an error that stdout gave, told where somebody may want to know.

    Raises the error again when it is not of that kind: files have names, and their own words.
    """
    if error.filename is not None or not (isinstance(error, BrokenPipeError) or error.errno in _FULL):
        raise error
    # What is held back would fail once more when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if not isinstance(error, BrokenPipeError):  # `| head` has seen what it wanted
        sys.stderr.write(
            f"texml-mcp: not everything could be printed: {error.strerror}. What was done stays done.\n"
        )
    return FAILED
