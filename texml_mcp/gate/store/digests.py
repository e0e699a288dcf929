"""Digests that tell whether two values are equal, and nothing else.

A plain hash of a phone number hides nothing: all numbers of a country can be hashed in minutes. So
every digest that is written to a file is keyed (HMAC-SHA256) with a key of this installation, made at
first use and kept in a file that its owner alone can read, apart from the files that hold digests.
Whoever gets the audit trail without the key learns nothing from its digests; whoever has both can test
guesses. Servers that share a journal or compare audit trails need the same key file.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from texml_mcp.gate.store.files import open_private, private_directory
from texml_mcp.gate.store.model import StoreError
from texml_mcp.text import ascii_digits

KEY_BYTES = 32
_DIGEST_BYTES = 16  # 128 bits: no two values of an installation meet by chance
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
_FORMATTING = re.compile(r"[\s().\-]")
_SCHEME = re.compile(r"(?i)^(?:sips?|tel):")
# Written with a plus or an area code in brackets, or as one run of at most 15 digits: dates and
# SIDs are left alone.
_NUMBER = re.compile(
    r"(?<![\w+])(?:\+\d[\d\s().\-]{5,}\d|\(\d{2,5}\)[\d\s.\-]{5,}\d"
    r"|\d{3}[.\- ]\d{3}[.\- ]\d{4}|\d{7,15})(?!\w)"
)


class Digester:
    """Keyed digests. Raises `ValueError` for a key too short to protect anything."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"a digest key has at least {KEY_BYTES} bytes")
        self._key = key

    def __repr__(self) -> str:
        return "Digester(***)"

    def of(self, *parts: Any) -> str:
        """32 hex digits; equal parts have equal ones, whatever the order of their keys."""
        return hmac.digest(self._key, _CANONICAL.encode(parts).encode(), "sha256").hex()[: 2 * _DIGEST_BYTES]

    def of_number(self, number: str) -> str:
        """The digest of a number or SIP address, the same for every way of writing it."""
        return self.of("number", plain_number(number))

    def of_arguments(self, tool: str, wire: Mapping[str, Any]) -> str:
        """The digest of a whole call, secrets included: it is what makes two calls identical."""
        return self.of("arguments", tool, wire)


def plain_number(number: str) -> str:
    """A number as the API echoes it: no formatting, no `tel:`; SIP addresses in lower case."""
    text = ascii_digits(number).strip()
    if "@" in text or text.lower().startswith(("sip:", "sips:")):
        return text.lower()
    return _FORMATTING.sub("", text.lower().removeprefix("tel:")).removeprefix("+")


def masked_number(number: str) -> str:
    """Enough to recognise, too little to dial: +13125550100 is +1312***0100, short ones are ***."""
    text = ascii_digits(number).strip()
    found = _SCHEME.match(text)
    scheme = found[0] if found else ""
    user, at, host = text[len(scheme) :].partition("@")
    plain = _FORMATTING.sub("", user)
    digits = plain.removeprefix("+")
    if at and not digits.isdigit():
        return f"{scheme}***@{host}"
    sign = "+" if plain.startswith("+") else ""
    # At least four digits stay hidden, so that the rest does not name one line.
    shown = f"{sign}{digits[:4]}***{digits[-4:]}" if len(digits) >= 11 else f"***{digits[-2:]}"
    return f"{scheme}{shown if len(digits) > 4 else '***'}{at}{host}"


def mask_numbers(text: str) -> str:
    """A text with every run of digits that could be dialled masked."""
    return _NUMBER.sub(lambda found: masked_number(found[0]), text)


def load_key(path: Path) -> Digester:
    """The key of this installation, made when there is none. Raises `StoreError`."""
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
        return Digester(key)
    except (OSError, ValueError) as error:
        raise StoreError(f"the digest key {path} cannot be used: {error}") from error


def _make(path: Path) -> None:
    """Written whole under another name first: a second process must never read half a key."""
    private_directory(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = open_private(draft, os.O_WRONLY | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was quicker: its key is the one
    finally:
        draft.unlink(missing_ok=True)
