"""Words from outside, made safe to repeat in an error.

Upstream echoes what it was sent, and what it was sent may hold terminal escapes, text that reads
backwards, or a password.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

CAP = 300
MASK = "***"

# CSI and OSC sequences whole: dropping the escape character alone would leave `[31m` behind.
_ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_]")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#@]+@")
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


def clean(text: str, secrets: Iterable[str] = (), cap: int = CAP) -> str:
    """One line without control, bidirectional, zero-width or escape characters, at most `cap` long.

    Every text in `secrets`, and credentials inside a URL, become `***`.
    """
    text = _ANSI.sub("", text[: cap * 20])
    text = "".join(" " if each.isspace() else each for each in text)
    text = "".join(each for each in text if unicodedata.category(each) not in _INVISIBLE)
    text = mask(text, secrets)
    text = " ".join(text.split())
    return text if len(text) <= cap else text[: cap - 1] + "…"


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """The same text with each secret, and each URL's user and password, replaced by `***`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _CREDENTIALS.sub(MASK + "@", text)
