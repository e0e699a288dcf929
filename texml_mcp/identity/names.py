"""Names of principals: what may be one, and which two are one.

Approvals are bound to a name, and nobody settles what it asked for itself. So one name must not be
readable as another, and one person must not get a second name by writing the first one differently.
"""

from __future__ import annotations

import unicodedata

from texml_mcp.text import clean

MOST_CHARACTERS = 100
TOKEN_PREFIX = "txm_"
"""How a token of the tokens file begins. No name does: a token pasted as a name would be stored as text."""


def problem_of(name: str) -> str | None:
    """What is wrong with a name, or None. It is refused, never mended: two must not be mended into one."""
    if not name:
        return "is empty"
    if len(name) > MOST_CHARACTERS:
        return f"is longer than {MOST_CHARACTERS} characters"
    if not plain(name, MOST_CHARACTERS):
        return "has control, invisible or direction characters, or spaces to spare"
    if unicodedata.normalize("NFKC", name) != name:
        return "is not in Unicode's composed form (NFKC)"
    if name.lower().startswith(TOKEN_PREFIX):
        return f"begins like a token ({TOKEN_PREFIX})"
    return None


def plain(text: str, most: int) -> bool:
    """Whether a text has at most `most` characters, and all of them are shown as they are."""
    return text.isprintable() and clean(text, most) == text


def key_of(name: str) -> str:
    """What two spellings of one name have in common."""
    return unicodedata.normalize("NFKC", name.casefold())
