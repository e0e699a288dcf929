"""Writing the trail: one line at a time, from any number of processes."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from texml_mcp.gate.audit.chain import (
    MISSING,
    TORN,
    Head,
    canonical,
    head_path,
    line_hash,
    parse,
    read_head,
    sha,
)
from texml_mcp.gate.store.digests import Digester, mask_numbers
from texml_mcp.gate.store.files import open_private
from texml_mcp.locking import lock
from texml_mcp.text import clean, mask_url

_TAIL_BYTES = 65_536  # several of the longest lines
_LONGEST_LINE = 8_192


class AuditError(Exception):
    """The trail could not be written. The caller sends nothing."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that happened. Free text is cleaned, capped and masked when it is written.

    `event` is a stable word (`asked`, `approved`, `denied`, `sending`, `settled`, ...). `arguments_digest`
    comes from `Digester.of_arguments`. `evidence` is what proves the approval, such as its token; only
    a digest of it is written. `subject` is the number or target, as given.
    """

    event: str
    tool: str = ""
    principal: str = ""
    account: str = ""
    decision: str = ""
    rule: str = ""
    approval: str = ""
    evidence: str = ""
    risks: tuple[str, ...] = ()
    arguments_digest: str = ""
    outcome: str = ""
    subject: str = ""
    why: str = ""


class AuditLog:
    """Appends to one file, together with any number of other threads and processes.

    `clock` answers seconds since 1970; `busy_seconds` is how long another writer is waited for.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        digester: Digester,
        *,
        clock: Callable[[], float] = time.time,
        busy_seconds: float = 2.0,
    ) -> None:
        self.path = Path(path)
        self._digester = digester
        self._clock = clock
        self._busy_seconds = busy_seconds

    def append(self, event: AuditEvent, fsync: bool = False) -> int:
        """Write one line and answer its number; with `fsync` it is on the disk. Raises `AuditError`."""
        try:
            with self._locked() as file:
                return self._append(file, self._fields(event), fsync)
        except (OSError, ValueError, TypeError) as error:
            raise AuditError(f"the audit trail cannot be written: {error}") from error

    def _fields(self, event: AuditEvent) -> dict[str, Any]:
        approval = {"kind": _safe(event.approval), "evidence": ""}
        if event.evidence:
            approval["evidence"] = self._digester.of("evidence", event.evidence)
        return {
            "event": _safe(event.event),
            "tool": _safe(event.tool),
            "principal": _safe(event.principal),
            "account": clean(event.account, 100),
            "decision": _safe(event.decision),
            "rule": _safe(event.rule),
            "approval": approval,
            "risks": [_safe(risk) for risk in event.risks[:20]],
            "arguments_digest": clean(event.arguments_digest, 128),
            "outcome": _safe(event.outcome),
            "subject": _safe(event.subject),
            "why": _safe(event.why),
        }

    @contextmanager
    def _locked(self) -> Generator[int]:
        file = open_private(self.path, os.O_RDWR | os.O_APPEND)
        try:
            if not lock(file, self._busy_seconds):
                raise BlockingIOError(errno.EWOULDBLOCK, "another process holds the audit trail")
            yield file
        finally:
            os.close(file)

    def _append(self, file: int, fields: Mapping[str, Any], fsync: bool) -> int:
        size = os.fstat(file).st_size
        # Read under the lock: another process may have written since this one last did.
        head, torn = _tail(file, size)
        data = b"\n" if size and _last_byte(file, size) != b"\n" else b""
        claimed = read_head(self.path)
        if torn is not None:
            head, line = self._line(head, {"event": TORN, "torn": {"bytes": len(torn), "sha256": sha(torn)}})
            data += line
        if claimed is not None and claimed.seq > head.seq:
            head, line = self._line(head, {"event": MISSING, "missing": {"up_to": claimed.seq}})
            data += line
        head, line = self._line(head, fields)
        self._write(file, size, data + line)
        if fsync:
            os.fsync(file)
        self._write_head(head)
        return head.seq

    def _line(self, head: Head, fields: Mapping[str, Any]) -> tuple[Head, bytes]:
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        line = {"seq": head.seq + 1, "at": at.replace("+00:00", "Z"), **fields, "prev": head.hash}
        line["hash"] = line_hash(line)
        data = canonical(line) + b"\n"
        if len(data) > _LONGEST_LINE:
            raise ValueError("the line is too long")
        return Head(head.seq + 1, line["hash"]), data

    def _write(self, file: int, size: int, data: bytes) -> None:
        try:
            written = os.write(file, data)
            if written != len(data):
                raise OSError("the disk is full")
        except OSError:
            # Half a line would be a torn one; the lock is held, so the end is still ours to cut.
            os.ftruncate(file, size)
            raise

    def _write_head(self, head: Head) -> None:
        signed = self._digester.of("audit-head", head.seq, head.hash)
        text = json.dumps({"seq": head.seq, "hash": head.hash, "signature": signed}).ljust(200) + "\n"
        file = open_private(head_path(self.path), os.O_WRONLY)
        try:
            # Of constant length and in one write, under the same lock. Not synced: a head that is behind
            # after a power cut is one that still fits.
            os.pwrite(file, text.encode(), 0)
        finally:
            os.close(file)


def _tail(file: int, size: int) -> tuple[Head, bytes | None]:
    """The newest good line, and the torn one after it. Raises `ValueError` when the end makes no sense."""
    if size == 0:
        return Head(), None
    start = max(0, size - _TAIL_BYTES)
    lines = os.pread(file, size - start, start).removesuffix(b"\n").split(b"\n")
    if start > 0:
        lines = lines[1:]  # probably cut in the middle
    torn: bytes | None = None
    for raw in reversed(lines[-2:]):
        line = parse(raw)
        if line is not None and line.get("hash") == line_hash(line) and isinstance(line.get("seq"), int):
            return Head(line["seq"], line["hash"]), torn
        if torn is not None:
            break
        torn = raw
    if start == 0 and len(lines) == 1:
        return Head(), torn  # the very first line was torn
    raise ValueError("its last lines are not ones that were written; verify it and move it away")


def _last_byte(file: int, size: int) -> bytes:
    return os.pread(file, 1, size - 1)


def _safe(text: str) -> str:
    return mask_numbers(mask_url(clean(text, 200)))
