"""Reading a host's file, and replacing it whole or not at all, with the old one kept beside it."""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from texml_mcp.locking import lock

PRIVATE = 0o600
MOST_BYTES = 20_000_000
BUSY_SECONDS = 5.0


class HostFileError(Exception):
    """The file cannot be read or written; it is as it was."""


def load(path: Path) -> str | None:
    """The text with its own line ends and byte order mark; None when there is no file."""
    try:
        if not path.exists():
            return None
        if not path.is_file():
            raise HostFileError(f"{path} is not a file")
        data = path.read_bytes()
    except OSError as error:
        raise HostFileError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise HostFileError(f"{path} is too large to be a configuration")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise HostFileError(f"{path} is not UTF-8 text") from None


def save(path: Path, text: str, before: str | None, *, private: bool = False) -> Path | None:
    """Write the text, and answer where the old one is kept; `before` is what it was made from.

    With `private` the file is its owner's alone from now on, otherwise its rights stay. A link is
    followed: settings are often kept elsewhere. Raises `HostFileError`.
    """
    draft: Path | None = None
    try:
        path = path.resolve()
        if path.is_symlink():  # from Python 3.13 on a link to itself is its own end
            raise RuntimeError("it is a link to itself")
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = PRIVATE if private or before is None else stat.S_IMODE(path.stat().st_mode)
        backup = None if before is None else _backup(path, before)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        _write_new(draft, text, mode)
        with _alone(path.parent):
            if load(path) != before:  # the host, or another install, was at it meanwhile
                raise HostFileError(f"{path} changed meanwhile: run it again")
            draft.replace(path)
    except (OSError, RuntimeError) as error:  # before Python 3.13 a link to itself is a RuntimeError
        why = error.strerror if isinstance(error, OSError) else error
        raise HostFileError(f"{path} cannot be written: {why}") from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
    return backup


def keep_private(path: Path) -> None:
    """Make a file its owner's alone from now on. Raises `HostFileError`."""
    try:
        path.chmod(PRIVATE)
    except OSError as error:
        raise HostFileError(f"{path} cannot be made its owner's alone: {error.strerror}") from None


@contextmanager
def _alone(directory: Path) -> Generator[None]:
    """No other install replaces a file in this directory meanwhile, where the system can tell them so."""
    if os.name != "posix":  # no such lock: two installs within the same millisecond are left to chance
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        if not lock(descriptor, BUSY_SECONDS):
            raise HostFileError(f"{directory} is held by another program: run it again")
        yield
    finally:
        os.close(descriptor)


def _backup(path: Path, text: str) -> Path:
    """A copy for its owner alone: it may hold keys. No earlier copy is written over."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in range(1000):
        copy = path.with_name(f"{path.name}.{stamp}{f'-{number}' if number else ''}.bak")
        try:
            _write_new(copy, text, PRIVATE)
        except FileExistsError:
            continue
        return copy
    raise HostFileError(f"{path}: no name is free for a copy of it")


def _write_new(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)
