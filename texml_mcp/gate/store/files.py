"""Files that only this user may read: the state, the key, the audit trail."""

from __future__ import annotations

import os
import stat
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


def private_directory(directory: Path) -> None:
    """Make the directory for its owner alone. One that is already there keeps the rights it was given."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        # One by one: mkdir(parents=True) gives its mode to the last directory only.
        each.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)


def open_private(path: Path, flags: int) -> int:
    """Open or create a file that its owner alone may read and write; the descriptor. Raises `OSError`."""
    private_directory(path.parent)
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        mode = os.fstat(descriptor).st_mode
        # A device or a pipe is not ours to keep to ourselves, and keeps nothing.
        if not stat.S_ISREG(mode):
            raise OSError(f"{path} is not a regular file")
        # A file from before: others may not go on reading it.
        if stat.S_IMODE(mode) & 0o077:
            os.fchmod(descriptor, PRIVATE_FILE)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
