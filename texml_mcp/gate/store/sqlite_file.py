"""One connection to one SQLite file: opened with care, used by one thread at a time, never in doubt."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from texml_mcp.gate.store.files import create_private
from texml_mcp.gate.store.model import StoreError

if TYPE_CHECKING:
    import sqlite3

SCHEMA_VERSION = 2
MEMORY = ":memory:"

_AMOUNTS = (
    "CREATE TABLE amounts (series TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, amount REAL NOT NULL)",
    "CREATE INDEX amounts_by_time ON amounts (series, at, amount)",
    "CREATE TABLE buckets (name TEXT PRIMARY KEY, full_at REAL NOT NULL)",
)
_SCHEMA = (
    "CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, key TEXT NOT NULL,"
    " value TEXT NOT NULL, version INTEGER NOT NULL, expires_at REAL, UNIQUE (space, key))",
    "CREATE INDEX items_by_space ON items (space, id)",
    "CREATE INDEX items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL",
    *_AMOUNTS,
)
# Nothing wrote amounts under version 1, so there is nothing to carry over.
_FROM_1 = ("DROP TABLE amounts", *_AMOUNTS)


class SqliteFile:
    """A connection at a path, or in memory.

    `busy_seconds` is how long a lock of another thread or process is waited for; then it is a
    `StoreError`, because a gate that hangs is a gate someone switches off. `synchronous` is SQLite's:
    with FULL every change is on the disk when its transaction is over, with NORMAL it survives the
    process and may be lost with the machine's power.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        busy_seconds: float = 2.0,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
    ) -> None:
        self._path = str(path)
        self._busy_seconds = busy_seconds
        self._synchronous = synchronous
        self._lock = threading.RLock()
        self._thread: int | None = None
        self._failed = False
        self._connection: sqlite3.Connection | None = None
        self._of_parent: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._closed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r})"

    def close(self) -> None:
        """Give the file back. Everything afterwards is a `StoreError`."""
        with self._lock:
            self._closed = True
            self._drop()

    @property
    def _ours(self) -> bool:
        """Whether it is this thread that uses the connection now."""
        return self._thread == threading.get_ident()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """One transaction that holds the write lock from its start: what it read is still true.

        Inside another one of this thread it is a part of that.
        """
        with self._connected() as db:
            if db.in_transaction:
                yield db
                return
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                if self._failed:
                    raise StoreError("the store failed in a part of it")
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # SQLite has rolled back by itself when the disk is full
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """The connection, for one thread at a time. Whatever goes wrong inside is a `StoreError`."""
        import sqlite3

        if not self._lock.acquire(timeout=self._busy_seconds):
            raise StoreError("the store is busy")
        outermost, self._thread = self._thread is None, threading.get_ident()
        try:
            yield self._open()
        except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError) as error:
            self._failed = True
            raise StoreError(f"the store failed: {error}") from error
        finally:
            if outermost:
                # The next caller gets a new connection, not one in an unknown state. In memory the
                # connection is the state, and a claim that is forgotten could be made twice.
                if self._failed and self._path != MEMORY:
                    self._drop()
                self._thread, self._failed = None, False
            self._lock.release()

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError("the store is closed")
        if self._process != os.getpid():
            # After a fork the connection is the parent's. It is kept and not used: closing it here, or
            # letting it be collected, would drop the parent's locks.
            if self._path == MEMORY:
                raise StoreError("a store in memory cannot be used by another process")
            self._of_parent, self._connection, self._process = self._connection, None, os.getpid()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        if self._path != MEMORY:
            # Created here with its rights: SQLite would create it readable for everyone, and gives its
            # own rights to the files it puts beside it.
            create_private(Path(self._path))
        db = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            self._use_wal(db)
            db.execute(f"PRAGMA synchronous = {self._synchronous}")
            self._migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _use_wal(self, db: sqlite3.Connection) -> None:
        """Readers beside a writer. SQLite does not wait for locks in this one statement, so this does."""
        import sqlite3

        deadline = time.monotonic() + self._busy_seconds
        while db.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
            try:
                db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)

    def _migrate(self, db: sqlite3.Connection) -> None:
        if self._version(db) == SCHEMA_VERSION:
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            version = self._version(db)  # another process may have been quicker
            if version in (0, 1):
                for statement in _FROM_1 if version else _SCHEMA:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise StoreError(
                    f"{self._path} has version {version}, this program knows version {SCHEMA_VERSION}"
                )
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _version(self, db: sqlite3.Connection) -> int:
        return int(db.execute("PRAGMA user_version").fetchone()[0])

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._process == os.getpid():
            connection.close()
