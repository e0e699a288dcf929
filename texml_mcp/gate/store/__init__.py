"""The state under the gate: approvals, single use, budgets, journal. SQLite unless replicas share it."""

from __future__ import annotations

from texml_mcp.gate.store.model import Item, Store, StoreError, Total
from texml_mcp.gate.store.sqlite import SqliteStore

__all__ = ["Item", "SqliteStore", "Store", "StoreError", "Total"]
