"""What a line of the trail is: its canonical bytes, its hash, and the head that stands beside the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

GENESIS = "0" * 64
TORN, MISSING = "torn_line", "lines_missing"
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands: the newest line's number and hash."""

    seq: int = 0
    hash: str = GENESIS


def head_path(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def read_head(path: Path) -> Head | None:
    """The newest number and hash beside a trail; None when there is none. Raises `ValueError`."""
    try:
        text = head_path(path).read_bytes()
    except FileNotFoundError:
        return None
    if not text.strip():
        return None  # made, and the process killed before it wrote: behind, like any other lost write
    found: Any = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("the head file is not an object")
    held = cast("dict[str, Any]", found)
    seq, digest = held.get("seq"), held.get("hash")
    if not isinstance(seq, int) or seq < 0 or not isinstance(digest, str):
        raise ValueError("the head file holds no number and hash")
    return Head(seq, digest)


def parse(raw: bytes) -> dict[str, Any] | None:
    """A line as it was written; None for anything else, other spellings of the same object included."""
    try:
        line: Any = json.loads(raw)
        if not isinstance(line, dict) or canonical(cast("dict[str, Any]", line)) != raw:
            return None
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", line)


def canonical(line: Mapping[str, Any]) -> bytes:
    return _CANONICAL.encode(line).encode()


def line_hash(line: Mapping[str, Any]) -> str:
    body = {name: value for name, value in line.items() if name != "hash"}
    return sha(str(body.get("prev")).encode() + canonical(body))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
