"""Which store an address names: a Redis by its URL, a SQLite file by its path."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from texml_mcp.gate.store.model import Store, StoreError
from texml_mcp.gate.store.sqlite_file import MEMORY


def open_store(where: str | Path | None, clock: Callable[[], float] = time.time) -> Store:
    """The store at a URL or a path, or in memory. Raises `StoreError` when it cannot be used.

    `clock` answers seconds since 1970, for what expires here; a shared store goes by its own.
    """
    if isinstance(where, str) and "://" in where:
        from texml_mcp.gate.store.redis_link import SCHEMES, is_redis

        if not is_redis(where):
            raise StoreError(f"a store is a file or one of {', '.join(f'{each}://' for each in SCHEMES)}")
        from texml_mcp.gate.store.redis import RedisStore

        return RedisStore(where)
    from texml_mcp.gate.store.sqlite import SqliteStore

    return SqliteStore(MEMORY if where is None else where, clock=clock)
