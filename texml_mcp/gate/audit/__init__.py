"""The audit trail: what was asked, decided, approved and done, in a file that shows when it was changed.

One JSON object a line. Each line holds the hash of the line before it, so an edited, removed, added or
moved line breaks the chain there. Beside the file lies `<name>.head` with the newest sequence number
and hash, and a keyed signature of both: lines cut off the end are missed by it. Whoever can write both
files and read the key can forge the trail; send it elsewhere too when that matters.

No line holds an argument: values are keyed digests (`store.digests`), numbers are masked, URLs lose
their credentials. Rotation is not done here: move the file and its head away together while no server
runs, and the next line begins a new chain.
"""

from __future__ import annotations

from texml_mcp.gate.audit.check import Verdict, export, tail, verify
from texml_mcp.gate.audit.log import AuditError, AuditEvent, AuditLog

__all__ = ["AuditError", "AuditEvent", "AuditLog", "Verdict", "export", "tail", "verify"]
