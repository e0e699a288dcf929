"""Where the gate keeps what it must not forget: one directory, a store that replicas share, or memory alone.

Nothing is opened before the first write, except a shared store, which a server opens as it starts: a host
that only reads never waits for a database.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, TypeVarTuple, cast, overload

if TYPE_CHECKING:
    from anyio import CapacityLimiter

    from texml_mcp.gate.audit import AuditLog
    from texml_mcp.gate.journal import Journal
    from texml_mcp.gate.seal import Seals
    from texml_mcp.gate.store import Store
    from texml_mcp.gate.store.digests import Digester

STORE_FILE, AUDIT_FILE, KEY_FILE = "state.sqlite3", "audit.jsonl", "digest.key"
# Each waits for the store at most a few seconds; more of them would not make the store faster.
THREADS = 32

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def default_directory() -> Path:
    """The state directory of this user, by the custom of the system."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "texml-mcp"
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "texml-mcp"


class _Once(cached_property[T]):
    """A cached property that is made once, also when threads ask for it at the same moment."""

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        with instance.making:
            return cast("Any", super().__get__(instance, owner))


class State:
    """Store, journal, audit trail and digest key. Every part may raise `StoreError` when it is first used.

    With `directory=None` there is no audit trail, and without a `store_url` all lives as long as the
    process. Replicas share a store by its URL; its digest key is sealed under their `seals`. What is kept
    here is dated by `clock`, in seconds since 1970.
    """

    def __init__(
        self,
        directory: Path | None,
        store_url: str | None = None,
        seals: Seals | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.directory = directory
        self.making = threading.RLock()
        self._store_url = store_url
        self._seals = seals

    @property
    def shared(self) -> bool:
        """Whether servers on other machines may use the same store."""
        return self._store_url is not None

    @property
    def blocks(self) -> bool:
        """Whether asking the store may take time: it is a file, or on the network."""
        return self.shared or self.directory is not None

    @property
    def untouched(self) -> bool:
        """Whether there is no store yet: nothing is in it, and looking must not make one."""
        if self.shared or "store" in self.__dict__:
            return False
        return self.directory is None or not (self.directory / STORE_FILE).exists()

    async def run(self, work: Callable[[*Ts], T], *given: *Ts) -> T:
        """Do what needs the store without holding up anybody else, and answer what it answers.

        Work that has begun is not abandoned when the caller is cancelled: it ends, and then the caller
        does. In memory nothing waits, so it is done at once.
        """
        if not self.blocks:
            return work(*given)
        from anyio import to_thread

        return await to_thread.run_sync(work, *given, limiter=self._limiter)

    @_Once
    def _limiter(self) -> CapacityLimiter:
        from anyio import CapacityLimiter

        return CapacityLimiter(THREADS)

    @_Once
    def store(self) -> Store:
        from texml_mcp.gate.store import open_store

        store = open_store(
            self._store_url or (self.directory / STORE_FILE if self.directory else None), self.clock
        )
        store.purge(self.clock())  # once a process: what has expired must not pile up
        return store

    @_Once
    def digester(self) -> Digester:
        from texml_mcp.gate.store import StoreError
        from texml_mcp.gate.store.digests import KEY_BYTES, Digester, load_key

        if self.shared:
            from texml_mcp.gate.store.shared_key import shared_digester

            if self._seals is None:
                raise StoreError("the digest key of a shared store needs the seal keys")
            return shared_digester(self.store, self._seals)
        if self.directory is None:
            return Digester(secrets.token_bytes(KEY_BYTES))
        return load_key(self.directory / KEY_FILE)

    @_Once
    def journal(self) -> Journal:
        from texml_mcp.gate.journal import Journal

        return Journal(self.store, self.clock)

    @_Once
    def audit(self) -> AuditLog | None:
        from texml_mcp.gate.audit import AuditLog

        if self.directory is None:
            return None
        return AuditLog(self.directory / AUDIT_FILE, self.digester)

    def open(self) -> None:
        """Open the store and read the digest key now. Raises `StoreError`: better at the start than later."""
        _ = self.store, self.digester

    def close(self) -> None:
        """Close what was opened."""
        if "store" in self.__dict__:
            self.store.close()
