"""Reading a trail: whether it is whole, its newest lines, and all of it in other forms."""

from __future__ import annotations

import csv
import fcntl
import hmac
import io
import json
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from texml_mcp.gate.audit.chain import (
    GENESIS,
    MISSING,
    TORN,
    Head,
    head_path,
    line_hash,
    parse,
    read_head,
    sha,
)
from texml_mcp.gate.store.digests import Digester

_COLUMNS = (
    "seq",
    "at",
    "event",
    "tool",
    "principal",
    "account",
    "decision",
    "rule",
    "approval_kind",
    "approval_evidence",
    "risks",
    "arguments_digest",
    "outcome",
    "subject",
    "why",
    "prev",
    "hash",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a trail is whole. `first_bad_line` counts from 1; `torn` lines were cut by a killed process."""

    ok: bool
    lines: int
    first_bad_line: int | None = None
    why: str = ""
    torn: int = 0


def verify(path: str | os.PathLike[str], digester: Digester | None = None) -> Verdict:
    """Check every line of a trail, and its end against the head. Raises `OSError` when it cannot be read.

    With the digester of this installation the head's signature is checked too.
    """
    path = Path(path)
    with path.open("rb") as file:
        # A writer between its line and the head would look like a change.
        _share(file.fileno())
        lines = file.read().split(b"\n")
        unfinished = lines.pop()
        if not unfinished:
            return _check(lines, path, digester)
    earlier = _check(lines, None, digester)
    if not earlier.ok:
        return Verdict(False, len(lines) + 1, earlier.first_bad_line, earlier.why, earlier.torn)
    return Verdict(False, len(lines) + 1, len(lines) + 1, "the last line is not finished", earlier.torn)


def tail(path: str | os.PathLike[str], n: int) -> list[dict[str, Any]]:
    """The newest `n` readable lines, oldest first. Raises `OSError`."""
    return list(deque(_lines(Path(path)), maxlen=max(0, n)))


def export(path: str | os.PathLike[str], format: Literal["json", "csv"]) -> Iterator[str]:
    """The readable lines as one JSON array or as CSV, piece by piece. Raises `OSError`."""
    if format == "json":
        yield "["
        for number, line in enumerate(_lines(Path(path))):
            yield ("," if number else "") + "\n" + json.dumps(line, ensure_ascii=False)
        yield "\n]\n"
        return
    yield _row(_COLUMNS)
    for line in _lines(Path(path)):
        approval: Any = line.get("approval") or {}
        flat = {
            **line,
            "approval_kind": approval.get("kind", ""),
            "approval_evidence": approval.get("evidence", ""),
            "risks": "; ".join(line.get("risks", [])),
        }
        yield _row([_cell(flat.get(name, "")) for name in _COLUMNS])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for raw in file:
            line = parse(raw.removesuffix(b"\n"))
            if line is not None:
                yield line


def _row(cells: tuple[str, ...] | list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: object) -> str:
    """A caller name that begins with = must not become a formula in somebody's spreadsheet."""
    text = str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def _share(file: int, seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.005)


def _check(lines: list[bytes], path: Path | None, digester: Digester | None) -> Verdict:
    head, torn, hashes = Head(), 0, {0: GENESIS}
    unreadable: tuple[int, bytes] | None = None

    def bad(number: int, why: str) -> Verdict:
        return Verdict(False, len(lines), number, why, torn)

    for number, raw in enumerate(lines, 1):
        line = parse(raw)
        if line is None or line.get("hash") != line_hash(line):
            if unreadable is not None:
                return bad(unreadable[0], "the line is not one that was written")
            unreadable = (number, raw)
            continue
        if unreadable is not None:
            if line.get("event") != TORN or line.get("torn", {}).get("sha256") != sha(unreadable[1]):
                return bad(unreadable[0], "the line is not one that was written")
            unreadable, torn = None, torn + 1
        elif line.get("event") == TORN:
            return bad(number, "the torn line that this one tells of is gone")
        if line.get("seq") != head.seq + 1 or line.get("prev") != head.hash:
            return bad(number, f"line {head.seq + 1} of the chain is not here")
        if line.get("event") == MISSING:
            return bad(
                number, f"lines up to {line['missing']['up_to']} were here before this one was written"
            )
        head = Head(head.seq + 1, line["hash"])
        hashes[head.seq] = head.hash
    if unreadable is not None:
        return bad(unreadable[0], "the line is not one that was written")
    if path is not None and (why := _head_problem(path, hashes, head, digester)):
        return bad(len(lines) + 1, why)
    return Verdict(True, len(lines), torn=torn)


def _head_problem(path: Path, hashes: Mapping[int, str], end: Head, digester: Digester | None) -> str:
    """Why the head does not fit the lines; empty when it does. It may be behind, never ahead."""
    try:
        claimed = read_head(path)
        if claimed is None:
            return "" if end.seq == 0 else "the head file is missing, so the end cannot be proved"
        if digester is not None:
            given = str(json.loads(head_path(path).read_bytes()).get("signature"))
            if not hmac.compare_digest(given, digester.of("audit-head", claimed.seq, claimed.hash)):
                return "the head was not signed with this key"
    except (OSError, ValueError) as error:
        return f"the head file cannot be read: {error}"
    if claimed.seq > end.seq:
        return f"lines are missing at the end: {claimed.seq} were written, {end.seq} are here"
    return "" if hashes[claimed.seq] == claimed.hash else "the head belongs to another chain"
