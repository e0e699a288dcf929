"""The store in one SQLite file, shared by the threads and processes of one machine."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from texml_mcp.gate.store.files import open_private
from texml_mcp.gate.store.model import Item, StoreError, Total

if TYPE_CHECKING:
    import sqlite3

SCHEMA_VERSION = 1
MEMORY = ":memory:"
# The longest budget looks back a day; a month leaves room for reports.
KEEP_AMOUNTS_SECONDS = 31 * 86_400

_SCHEMA = (
    "CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, key TEXT NOT NULL,"
    " value TEXT NOT NULL, version INTEGER NOT NULL, expires_at REAL, UNIQUE (space, key))",
    "CREATE INDEX items_by_space ON items (space, id)",
    "CREATE INDEX items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE TABLE amounts (series TEXT NOT NULL, at REAL NOT NULL, amount REAL NOT NULL)",
    "CREATE INDEX amounts_by_time ON amounts (series, at)",
)
_LIVE = "(expires_at IS NULL OR expires_at > ?)"


class SqliteStore:
    """A `Store` at a path, or in memory for tests and for servers that must leave nothing behind.

    `busy_seconds` is how long a lock of another thread or process is waited for; then it is a
    `StoreError`, because a gate that hangs is a gate someone switches off. `clock` answers seconds
    since 1970. Every change is on the disk when its method returns (`synchronous=FULL`).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.time,
        busy_seconds: float = 2.0,
    ) -> None:
        self._path = str(path)
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._of_parent: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._closed = False
        with self._connected():
            """Opened now, so that a path that cannot be used stops the start and not the first call."""

    def __repr__(self) -> str:
        return f"SqliteStore({self._path!r})"

    def put(self, space: str, key: str, value: Mapping[str, Any], expires_at: float | None = None) -> None:
        with self._writing() as db:
            self._put(db, space, key, value, expires_at)

    def get(self, space: str, key: str) -> Item | None:
        with self._connected() as db:
            row = db.execute(
                f"SELECT key, value, version, expires_at FROM items WHERE space = ? AND key = ? AND {_LIVE}",
                (space, key, self._clock()),
            ).fetchone()
            return None if row is None else _item(row)

    def take(self, space: str, key: str) -> dict[str, Any] | None:
        with self._writing() as db:
            row = db.execute(
                f"SELECT key, value, version, expires_at FROM items WHERE space = ? AND key = ? AND {_LIVE}",
                (space, key, self._clock()),
            ).fetchone()
            db.execute("DELETE FROM items WHERE space = ? AND key = ?", (space, key))
            return None if row is None else _item(row).value

    def claim(
        self, space: str, key: str, expires_at: float | None, value: Mapping[str, Any] | None = None
    ) -> bool:
        with self._writing() as db:
            row = db.execute(
                f"SELECT 1 FROM items WHERE space = ? AND key = ? AND {_LIVE}", (space, key, self._clock())
            ).fetchone()
            if row is not None:
                return False
            self._put(db, space, key, value or {}, expires_at)
            return True

    def replace(self, space: str, key: str, old_version: int, value: Mapping[str, Any]) -> bool:
        with self._writing() as db:
            changed = db.execute(
                "UPDATE items SET value = ?, version = version + 1"
                f" WHERE space = ? AND key = ? AND version = ? AND {_LIVE}",
                (_json(value), space, key, old_version, self._clock()),
            )
            return changed.rowcount == 1

    def list(self, space: str, limit: int, *, newest_first: bool = False) -> tuple[Item, ...]:
        order = "DESC" if newest_first else "ASC"
        with self._connected() as db:
            rows = db.execute(
                f"SELECT key, value, version, expires_at FROM items WHERE space = ? AND {_LIVE}"
                f" ORDER BY id {order} LIMIT ?",
                (space, self._clock(), max(0, limit)),
            ).fetchall()
            return tuple(_item(row) for row in rows)

    def delete(self, space: str, key: str) -> bool:
        with self._writing() as db:
            gone = db.execute("DELETE FROM items WHERE space = ? AND key = ?", (space, key))
            return gone.rowcount == 1

    def add(self, series: str, at: float, amount: float = 1.0) -> None:
        with self._writing() as db:
            db.execute("INSERT INTO amounts (series, at, amount) VALUES (?, ?, ?)", (series, at, amount))

    def total(self, series: str, since: float) -> Total:
        with self._connected() as db:
            entries, amount = db.execute(
                "SELECT COUNT(*), COALESCE(SUM(amount), 0.0) FROM amounts WHERE series = ? AND at >= ?",
                (series, since),
            ).fetchone()
            return Total(int(entries), float(amount))

    def latest(self, series: str) -> float | None:
        with self._connected() as db:
            (at,) = db.execute("SELECT MAX(at) FROM amounts WHERE series = ?", (series,)).fetchone()
            return None if at is None else float(at)

    def purge(self, now: float) -> int:
        with self._writing() as db:
            items = db.execute("DELETE FROM items WHERE expires_at <= ?", (now,)).rowcount
            amounts = db.execute("DELETE FROM amounts WHERE at < ?", (now - KEEP_AMOUNTS_SECONDS,)).rowcount
            return items + amounts

    def close(self) -> None:
        """Give the file back. Everything afterwards is a `StoreError`."""
        with self._lock:
            self._closed = True
            self._drop()

    def _put(
        self,
        db: sqlite3.Connection,
        space: str,
        key: str,
        value: Mapping[str, Any],
        expires_at: float | None,
    ) -> None:
        # The version goes on across an expired or replaced value: a stale reader must not win `replace`.
        db.execute(
            "INSERT INTO items (space, key, value, version, expires_at) VALUES (?, ?, ?, 1, ?)"
            " ON CONFLICT (space, key) DO UPDATE SET"
            " value = excluded.value, version = version + 1, expires_at = excluded.expires_at",
            (space, key, _json(value), expires_at),
        )

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """One transaction that holds the write lock from its start: what it read is still true."""
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
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
        try:
            yield self._open()
        except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError) as error:
            # The next caller gets a new connection, not one in an unknown state. In memory the connection
            # is the state, and a claim that is forgotten could be made twice.
            if self._path != MEMORY:
                self._drop()
            raise StoreError(f"the store failed: {error}") from error
        finally:
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
            os.close(open_private(Path(self._path), os.O_RDWR))
        db = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            self._use_wal(db)
            db.execute("PRAGMA synchronous = FULL")
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
            if version == 0:
                for statement in _SCHEMA:
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


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _item(row: tuple[str, str, int, float | None]) -> Item:
    key, text, version, expires_at = row
    value: Any = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("an item is not an object")
    return Item(key, cast("dict[str, Any]", value), version, expires_at)
