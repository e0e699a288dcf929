"""The state under the gate: approvals, single use, budgets, journal. SQLite unless replicas share it."""

from __future__ import annotations

from texml_mcp.gate.store.model import Amount, Item, Limit, Store, StoreError, Total
from texml_mcp.gate.store.opening import open_store
from texml_mcp.gate.store.sqlite import SqliteStore

__all__ = ["Amount", "Item", "Limit", "SqliteStore", "Store", "StoreError", "Total", "open_store"]
