"""Every write, noted before it leaves and settled after; what stays open is settled by reading the API."""

from __future__ import annotations

from texml_mcp.gate.journal.entries import Entry, Outcome, entry_for
from texml_mcp.gate.journal.log import DEDUPE_SECONDS, DuplicateError, Journal, StartedCall
from texml_mcp.gate.journal.look import ApiReader, Reader, Verdict
from texml_mcp.gate.journal.reconcile import reconcile

__all__ = [
    "DEDUPE_SECONDS",
    "ApiReader",
    "DuplicateError",
    "Entry",
    "Journal",
    "Outcome",
    "Reader",
    "StartedCall",
    "Verdict",
    "entry_for",
    "reconcile",
]
