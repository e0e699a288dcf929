"""Where the gate keeps what it must not forget: one directory, or memory alone.

Nothing is opened before the first write: a host that only reads never waits for a database.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texml_mcp.gate.audit import AuditLog
    from texml_mcp.gate.journal import Journal
    from texml_mcp.gate.store import Store
    from texml_mcp.gate.store.digests import Digester

STORE_FILE, AUDIT_FILE, KEY_FILE = "state.sqlite3", "audit.jsonl", "digest.key"


def default_directory() -> Path:
    """The state directory of this user, by the custom of the system."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "texml-mcp"
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "texml-mcp"


class State:
    """Store, journal, audit trail and digest key. With `directory=None` all lives as long as the process,
    and there is no audit trail. Every part may raise `StoreError` when it is first used."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    @cached_property
    def store(self) -> Store:
        from texml_mcp.gate.store import SqliteStore

        store = SqliteStore(self.directory / STORE_FILE if self.directory else ":memory:")
        store.purge(time.time())  # once a process: what has expired must not pile up
        return store

    @cached_property
    def digester(self) -> Digester:
        from texml_mcp.gate.store.digests import KEY_BYTES, Digester, load_key

        if self.directory is None:
            return Digester(secrets.token_bytes(KEY_BYTES))
        return load_key(self.directory / KEY_FILE)

    @cached_property
    def journal(self) -> Journal:
        from texml_mcp.gate.journal import Journal

        return Journal(self.store)

    @cached_property
    def audit(self) -> AuditLog | None:
        from texml_mcp.gate.audit import AuditLog

        if self.directory is None:
            return None
        return AuditLog(self.directory / AUDIT_FILE, self.digester)

    def close(self) -> None:
        """Close what was opened."""
        if "store" in self.__dict__:
            self.store.close()
