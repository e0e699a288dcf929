"""The store in one SQLite file, shared by the threads and processes of one machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from texml_mcp.gate.store.model import KEEP_AMOUNTS_SECONDS, Amount, Item, Limit, StoreError, Total
from texml_mcp.gate.store.sqlite_file import MEMORY, SqliteFile
from texml_mcp.gate.store.values import from_json, to_json

if TYPE_CHECKING:
    import sqlite3

_LIVE = "(expires_at IS NULL OR expires_at > ?)"
_ITEM = f"SELECT key, value, version, expires_at FROM items WHERE space = ? AND key = ? AND {_LIVE}"
_TOTAL = "SELECT COUNT(*), COALESCE(SUM(amount), 0.0) FROM amounts WHERE series = ? AND at >= ?"


class SqliteStore(SqliteFile):
    """A `Store` at a path, or in memory for tests and for servers that must leave nothing behind.

    `clock` answers seconds since 1970. A change of an item is on the disk when its method returns, unless
    it was said to need no such wait. Those, amounts and tokens have a connection of their own that does
    not wait for the disk: a power cut may take the newest counts along, and a rate limit that costs a disk
    write for each call would be worse. All changes are in one log, so that what is on the disk has all
    that was done before it with it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.time,
        busy_seconds: float = 2.0,
    ) -> None:
        super().__init__(path, busy_seconds=busy_seconds)
        self._clock = clock
        in_memory = self._path == MEMORY
        self._hasty = self if in_memory else SqliteFile(path, busy_seconds=busy_seconds, synchronous="NORMAL")
        with self._connected():
            """Opened now, so that a path that cannot be used stops the start and not the first call."""

    @contextmanager
    def together(self, *, durable: bool = True) -> Generator[None]:
        file = self._file(durable)
        if durable and file is not self:
            raise StoreError("what must be on the disk cannot be a part of what need not be")
        with file._writing():
            yield

    def put(self, space: str, key: str, value: Mapping[str, Any], expires_at: float | None = None) -> None:
        with self._file()._writing() as db:
            _put(db, space, key, value, expires_at)

    def get(self, space: str, key: str) -> Item | None:
        with self._file()._connected() as db:
            row = db.execute(_ITEM, (space, key, self._clock())).fetchone()
            return None if row is None else _item(row)

    def take(self, space: str, key: str) -> dict[str, Any] | None:
        with self._file()._writing() as db:
            row = db.execute(_ITEM, (space, key, self._clock())).fetchone()
            db.execute("DELETE FROM items WHERE space = ? AND key = ?", (space, key))
            return None if row is None else _item(row).value

    def claim(
        self, space: str, key: str, expires_at: float | None, value: Mapping[str, Any] | None = None
    ) -> bool:
        with self._file()._writing() as db:
            if db.execute(_ITEM, (space, key, self._clock())).fetchone() is not None:
                return False
            _put(db, space, key, value or {}, expires_at)
            return True

    def replace(self, space: str, key: str, old_version: int, value: Mapping[str, Any]) -> bool:
        with self._file()._writing() as db:
            changed = db.execute(
                "UPDATE items SET value = ?, version = version + 1"
                f" WHERE space = ? AND key = ? AND version = ? AND {_LIVE}",
                (to_json(value), space, key, old_version, self._clock()),
            )
            return changed.rowcount == 1

    def list(self, space: str, limit: int, *, newest_first: bool = False) -> tuple[Item, ...]:
        order = "DESC" if newest_first else "ASC"
        with self._file()._connected() as db:
            rows = db.execute(
                f"SELECT key, value, version, expires_at FROM items WHERE space = ? AND {_LIVE}"
                f" ORDER BY id {order} LIMIT ?",
                (space, self._clock(), max(0, limit)),
            ).fetchall()
            return tuple(_item(row) for row in rows)

    def delete(self, space: str, key: str, holding: Mapping[str, Any] | None = None) -> bool:
        with self._file()._writing() as db:
            gone = db.execute(
                "DELETE FROM items WHERE space = ? AND key = ? AND value = COALESCE(?, value)",
                (space, key, None if holding is None else to_json(holding)),
            )
            return gone.rowcount == 1

    def total(self, series: str, since: float) -> Total:
        with self._file(False)._connected() as db:
            return _total(db, series, since)

    def reserve(self, limits: Sequence[Limit], amounts: Sequence[Amount]) -> tuple[int, float] | None:
        with self._file(False)._writing() as db:
            for at, limit in enumerate(limits):
                total = _total(db, limit.series, limit.since)
                if not limit.allows(total):
                    return at, limit.counted(total)
            db.executemany(
                "INSERT INTO amounts (series, id, at, amount) VALUES (?, ?, ?, ?)",
                [(each.series, each.id, each.at, each.amount) for each in amounts],
            )
            return None

    def release(self, amounts: Sequence[Amount]) -> None:
        with self._file(False)._writing() as db:
            db.executemany(
                "DELETE FROM amounts WHERE series = ? AND id = ?",
                [(each.series, each.id) for each in amounts],
            )

    def draw(self, bucket: str, capacity: float, per_second: float) -> float:
        now, token = self._clock(), 1.0 / per_second
        with self._file(False)._writing() as db:
            row = db.execute("SELECT full_at FROM buckets WHERE name = ?", (bucket,)).fetchone()
            # The whole state of a bucket is when it will be full again; a full one is not kept apart.
            full_at = max(now, min(float(row[0]), now + capacity * token)) if row else now
            wait = full_at + token - capacity * token - now
            if wait > 0:
                return wait
            db.execute(
                "INSERT INTO buckets (name, full_at) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET full_at = excluded.full_at",
                (bucket, full_at + token),
            )
            return 0.0

    def purge(self, now: float) -> int:
        with self._file()._writing() as db:
            items = db.execute("DELETE FROM items WHERE expires_at <= ?", (now,)).rowcount
            amounts = db.execute("DELETE FROM amounts WHERE at < ?", (now - KEEP_AMOUNTS_SECONDS,)).rowcount
            db.execute("DELETE FROM buckets WHERE full_at <= ?", (now,))
            return items + amounts

    def close(self) -> None:
        """Give the file back. Everything afterwards is a `StoreError`."""
        if self._hasty is not self:
            self._hasty.close()
        super().close()

    def _file(self, durable: bool = True) -> SqliteFile:
        """The connection to use: the one that this thread keeps something together on, if there is one."""
        if self._ours or (durable and not self._hasty._ours):
            return self
        return self._hasty


def _put(
    db: sqlite3.Connection, space: str, key: str, value: Mapping[str, Any], expires_at: float | None
) -> None:
    # The version goes on across an expired or replaced value: a stale reader must not win `replace`.
    db.execute(
        "INSERT INTO items (space, key, value, version, expires_at) VALUES (?, ?, ?, 1, ?)"
        " ON CONFLICT (space, key) DO UPDATE SET"
        " value = excluded.value, version = version + 1, expires_at = excluded.expires_at",
        (space, key, to_json(value), expires_at),
    )


def _total(db: sqlite3.Connection, series: str, since: float) -> Total:
    entries, amount = db.execute(_TOTAL, (series, since)).fetchone()
    return Total(int(entries), float(amount))


def _item(row: tuple[str, str, int, float | None]) -> Item:
    key, text, version, expires_at = row
    return Item(key, from_json(text), version, expires_at)
