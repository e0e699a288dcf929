"""Words from outside, made safe to repeat in an error: what upstream echoes may hold a password."""

from __future__ import annotations

from collections.abc import Iterable

from texml_mcp.text import MASK, mask_url
from texml_mcp.text import clean as clean_text

CAP = 300


def clean(text: str, secrets: Iterable[str] = ()) -> str:
    """One line of plain text of at most `CAP` characters, without the secrets and without URL credentials."""
    # Masked before it is cut: half a secret at the end of a line is still one.
    return clean_text(mask(clean_text(text, CAP * 4), secrets), CAP)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """The same text with each secret, and the credentials of each URL, replaced."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return mask_url(text)
