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


def obstacle(directory: Path) -> str:
    """What keeps files from being written in a directory that is there or can be made; "" for nothing."""
    try:
        there = next(each for each in (directory, *directory.absolute().parents) if each.exists())
        is_directory = there.is_dir()
    except OSError as error:
        return f"cannot be used: {error.strerror}"
    if is_directory and os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return ""
    why = "cannot be read and written" if is_directory else "is not a directory"
    return why if there == directory else f"cannot be made: {there} {why}"


def create_private(path: Path) -> None:
    """Make sure of a file that its owner alone may read and write. Raises `OSError`.

    One that is there is not opened: a process that closes a file gives up every lock that it has on it, those
    of a database's other connections too, and the next program takes the database for unused.
    """
    private_directory(path.parent)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE))
    except FileExistsError:
        mode = path.stat().st_mode
        _check_regular(path, mode)
        if stat.S_IMODE(mode) & 0o077:
            path.chmod(PRIVATE_FILE)


def open_private(path: Path, flags: int) -> int:
    """Open or create a file that its owner alone may read and write; the descriptor. Raises `OSError`."""
    flags |= os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, PRIVATE_FILE)
    except FileNotFoundError:
        private_directory(path.parent)
        descriptor = os.open(path, flags, PRIVATE_FILE)
    try:
        mode = os.fstat(descriptor).st_mode
        _check_regular(path, mode)
        # A file from before: others may not go on reading it.
        if stat.S_IMODE(mode) & 0o077:
            os.fchmod(descriptor, PRIVATE_FILE)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(path: Path, mode: int) -> None:
    # A device or a pipe is not ours to keep to ourselves, and keeps nothing.
    if not stat.S_ISREG(mode):
        raise OSError(f"{path} is not a regular file")
