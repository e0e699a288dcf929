"""Identifiers in the documented forms, derived from content: the same story gives the same names."""

from __future__ import annotations

import base64
import hashlib
import uuid


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()


def call_sid(*parts: object) -> str:
    """`v3:` and 54 url-safe base64 characters."""
    return "v3:" + base64.urlsafe_b64encode(_digest(*parts) + _digest("more", *parts)[:9]).decode()[:54]


def uuid_sid(*parts: object) -> str:
    """A version 4 UUID by its looks."""
    return str(uuid.UUID(bytes=_digest(*parts)[:16], version=4))


def digits(*parts: object) -> str:
    """19 digits as text, beginning with 1: longer than a number that JavaScript can hold."""
    return "1" + str(int.from_bytes(_digest(*parts)[:8]) % 10**18).zfill(18)
