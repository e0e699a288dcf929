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
from functools import lru_cache
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
        self._beside = head_path(self.path)
        self._digester = digester
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._last: _Last | None = None

    def append(self, event: AuditEvent, fsync: bool = False) -> int:
        """Write one line and answer its number; with `fsync` it is on the disk. Raises `AuditError`."""
        try:
            with self._locked() as file, _opened(self._beside, os.O_RDWR) as beside:
                return self._append(file, beside, self._fields(event), fsync)
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
        with _opened(self.path, os.O_RDWR | os.O_APPEND) as file:
            if not lock(file, self._busy_seconds):
                raise BlockingIOError(errno.EWOULDBLOCK, "another process holds the audit trail")
            yield file

    def _append(self, file: int, beside: int, fields: Mapping[str, Any], fsync: bool) -> int:
        size = os.fstat(file).st_size
        # Read under the lock: another process may have written since this one last did.
        if self._last is not None and self._last.is_the_end(file, size, beside):
            head, torn, claimed = self._last.head, None, self._last.head
        else:
            head, torn = _tail(file, size)
            claimed = read_head(self.path)
        data = b"\n" if size and _last_byte(file, size) != b"\n" else b""
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
        self._last = _Last(head, line, self._write_head(beside, head))
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

    def _write_head(self, beside: int, head: Head) -> bytes:
        signed = self._digester.of("audit-head", head.seq, head.hash)
        text = json.dumps({"seq": head.seq, "hash": head.hash, "signature": signed}).ljust(200) + "\n"
        # Of constant length and in one write, under the same lock. Not synced: a head that is behind
        # after a power cut is one that still fits.
        os.pwrite(beside, text.encode(), 0)
        return text.encode()


@dataclass(frozen=True, slots=True)
class _Last:
    """What this process wrote last: the line, its place in the chain, and the head file."""

    head: Head
    line: bytes
    beside: bytes

    def is_the_end(self, file: int, size: int, beside: int) -> bool:
        """Whether both files still end with it: then nothing in them has to be read and understood."""
        start = size - len(self.line)
        if start < 0 or os.pread(file, len(self.line), start) != self.line:
            return False
        return os.pread(beside, len(self.beside) + 1, 0) == self.beside


@contextmanager
def _opened(path: Path, flags: int) -> Generator[int]:
    file = open_private(path, flags)
    try:
        yield file
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


@lru_cache(maxsize=256)  # most words of a line stand in the next one too
def _safe(text: str) -> str:
    return mask_numbers(mask_url(clean(text, 200)))
