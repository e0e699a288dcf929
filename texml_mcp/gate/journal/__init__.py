"""Every write, noted before it leaves and settled after; what stays open is settled by reading the API."""

from __future__ import annotations

from texml_mcp.gate.journal.entries import Entry, Outcome, entry_for
from texml_mcp.gate.journal.log import DEDUPE_SECONDS, DuplicateError, Journal, StartedCall

__all__ = ["DEDUPE_SECONDS", "DuplicateError", "Entry", "Journal", "Outcome", "StartedCall", "entry_for"]
