"""Paths whose parts stay where they belong.

An identifier comes from a model, and a model repeats what it read. `../../v2/phone_numbers` as a call
SID must not become another endpoint, neither here nor in a gateway that decodes once more than it
should.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote, unquote

LONGEST = 512

_PLACE = re.compile(r"\{(\w+)\}")
_SEPARATORS = re.compile(r"[/\\]")
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


class InvalidPathValue(ValueError):
    """A value that cannot stand in a path. `name` is the parameter, `reason` the end of a sentence."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.reason = reason


def segment(name: str, value: object) -> str:
    """The value percent-encoded as one path segment: all but unreserved characters and `:`.

    Raises `InvalidPathValue` for what is empty, too long, invisible, or climbs.
    """
    if value is None:
        raise InvalidPathValue(name, "is missing")
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidPathValue(name, "must be text")
    text = str(value)
    if not text.strip():
        raise InvalidPathValue(name, "is empty")
    if len(text) > LONGEST:
        raise InvalidPathValue(name, f"is longer than {LONGEST} characters")
    # Nearly every identifier is printable ASCII, which has none of these.
    if not (text.isascii() and text.isprintable()) and any(
        unicodedata.category(each) in _INVISIBLE for each in text
    ):
        raise InvalidPathValue(name, "holds a control or invisible character")
    if _climbs(text):
        raise InvalidPathValue(name, "holds a . or .. path step")
    return quote(text, safe=":")


def fill(template: str, values: Mapping[str, object]) -> str:
    """The template with each `{name}` replaced by its value as one segment."""
    return _PLACE.sub(lambda place: segment(place[1], values.get(place[1])), template)


def _climbs(text: str) -> bool:
    """True when a part is `.` or `..`, also after decoding: proxies differ in how often they decode."""
    if "." not in text and "%" not in text:
        return False
    for _ in range(4):
        if any(part.strip() in (".", "..") for part in _SEPARATORS.split(text)):
            return True
        decoded = unquote(text)
        if decoded == text:
            return False
        text = decoded
    # Still percent signs after four rounds: nobody's identifier looks like that.
    return True
