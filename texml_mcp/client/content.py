"""The body of an answer: bounded while it arrives, then read as JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from texml_mcp.catalog.model import Endpoint
from texml_mcp.client.answers import ending
from texml_mcp.client.errors import ErrorCode, Outcome, UpstreamError

LARGEST = 8 * 1024 * 1024

# By definition without content; what a server writes after them is not ours to read.
EMPTY_STATUSES = frozenset((204, 205))


class TooLargeError(Exception):
    """More bytes than an answer may have."""


async def collect(chunks: AsyncIterator[bytes], largest: int = LARGEST) -> bytes:
    """All chunks, or `TooLargeError` as soon as they exceed `largest` bytes."""
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > largest:
            raise TooLargeError
    return bytes(found)


def parse(content: bytes) -> Any:
    """The JSON value; `ValueError` for anything else, however it is broken."""
    try:
        return _DECODER.decode(content.decode(json.detect_encoding(content), "surrogatepass"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def understood(endpoint: Endpoint, status: int, content: bytes) -> Any:
    """The value of a 2xx answer, None where it has none.

    A write that was answered with 2xx and nonsense has happened, but nobody can say what came of it:
    its outcome is `unknown`.
    """
    if status in EMPTY_STATUSES:
        return None
    stripped = content.strip()
    if not stripped:
        raise unreadable(endpoint, status, ErrorCode.MALFORMED_ANSWER, "is empty")
    try:
        value = parse(content)
    except ValueError:
        if stripped.startswith(b"<"):
            what = "is HTML or XML, not JSON; a proxy or firewall may have written it"
            raise unreadable(endpoint, status, ErrorCode.NOT_JSON, what) from None
        raise unreadable(endpoint, status, ErrorCode.MALFORMED_ANSWER, "is not valid JSON") from None
    if not isinstance(value, dict):
        raise unreadable(endpoint, status, ErrorCode.UNEXPECTED_ANSWER, "is JSON, but not an object")
    return value  # pyright: ignore[reportUnknownVariableType]


def unreadable(endpoint: Endpoint, status: int, code: ErrorCode, what: str) -> UpstreamError:
    """The error for an answer that arrived and cannot be used."""
    outcome: Outcome = "rejected" if endpoint.reads else "unknown"
    return UpstreamError(
        code,
        f"Upstream answered {status}, but the answer {what}. {ending(endpoint, outcome)}",
        outcome,
        upstream={"status": status},
    )


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


# Made once: `json.loads` makes a new one for every answer that must not hold NaN.
_DECODER = json.JSONDecoder(parse_constant=_refuse)
