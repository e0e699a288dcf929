"""The tokens file on disk: read only when nobody else could have written it, replaced whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from texml_mcp.identity.entries import TokensError
from texml_mcp.locking import lock

MOST_BYTES = 1024 * 1024
LOCK_SECONDS = 10.0
PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

Signature = tuple[int, int, int, int, int, int]
"""What tells one state of a file from another: times, size, inode, device, rights."""


class MissingError(TokensError):
    """There is no tokens file."""


def signature_of(seen: os.stat_result) -> Signature:
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino, seen.st_dev, seen.st_mode)


def look(path: Path) -> os.stat_result:
    """One `stat`. Raises `TokensError`."""
    try:
        return path.stat()
    except (OSError, ValueError) as error:
        raise _failed(path, "read", error) from None


def read(path: Path) -> tuple[str, os.stat_result]:
    """The text, and the state it was read in. Raises `TokensError`."""
    try:
        # Opened without waiting: a named pipe in place of the file must not hang the server.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            # Looked at before it is read: a write in between shows as a change at the next look.
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode):
                raise TokensError(f"{path} is not a regular file")
            if seen.st_mode & _OTHERS_WRITE:
                raise TokensError(
                    f"{path} can be written by others, who could let themselves in. "
                    f"Check what it says, then: chmod 600 {path}"
                )
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _failed(path, "read", error) from None
    if len(data) > MOST_BYTES:
        raise TokensError(f"{path} is larger than {MOST_BYTES // 1024} KB")
    try:
        return data.decode("utf-8"), seen
    except UnicodeDecodeError:
        raise TokensError(f"{path} is not UTF-8 text") from None


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Nobody else changes the file meanwhile. Raises `TokensError` when somebody does not let go of it.

    The lock is on a file beside it, because the tokens file itself is replaced at each change.
    """
    try:
        path.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        beside = os.open(
            path.with_name(path.name + ".lock"),
            os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
            PRIVATE_FILE,
        )
    except (OSError, ValueError) as error:
        raise _failed(path, "locked", error) from None
    try:
        if not lock(beside, LOCK_SECONDS):
            raise TokensError(f"{path} is being changed by somebody else. Try again.")
        yield
    finally:
        os.close(beside)


def replace(path: Path, text: str) -> None:
    """Put the text in place of the file's: a reader, or a crash, sees the old file or the new one.

    A new file is its owner's alone. One that was there keeps its owner, its group, and its group's right to
    read: the server may run as another user than whoever adds tokens. Raises `TokensError`.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
            with os.fdopen(descriptor, "wb") as file:
                _like(path, descriptor)
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(descriptor)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        # The rename itself must outlive a power cut: a revoked token must not come back.
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise _failed(path, "written", error) from None


def _like(path: Path, descriptor: int) -> None:
    with suppress(FileNotFoundError):
        old, new = path.stat(), os.fstat(descriptor)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, PRIVATE_FILE | (old.st_mode & (stat.S_IRGRP | stat.S_IROTH)))


def _failed(path: Path, what: str, error: Exception) -> TokensError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return MissingError(f"{path} does not exist. Make it with: texml-mcp tokens add NAME --file {path}")
    return TokensError(f"{path} cannot be {what}: {why}")
