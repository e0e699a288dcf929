"""Addresses of resources, and of calls in particular: whatever is no plain identifier is refused."""

from __future__ import annotations

import re
from urllib.parse import unquote

CALLS = "texml://calls/"
CALL_TEMPLATE = CALLS + "{call_sid}"
MOST_CHARACTERS = 256

# No slash, percent sign, space or letter beyond ASCII: nothing that a gateway could read as another path.
_SID = re.compile(r"[A-Za-z0-9._~:=+-]+")


class ResourceError(Exception):
    """A resource that cannot be read; the text says why.

    `missing` says that there is none of this address, `failed` that the request was right and the reading
    was not; `data` is what a program may branch on.
    """

    def __init__(self, text: str, *, missing: bool = False, failed: bool = False, **data: object) -> None:
        super().__init__(text)
        self.missing = missing
        self.failed = failed
        self.data = data


def is_sid(text: str) -> bool:
    """Whether a text has the form of an identifier."""
    return len(text) <= MOST_CHARACTERS and bool(_SID.fullmatch(text)) and bool(text.strip("."))


def call_sid_in(uri: str) -> str:
    """The call SID in an address of a call, decoded once. Raises `ResourceError`."""
    sid = unquote(uri.removeprefix(CALLS))
    if is_sid(sid):
        return sid
    raise ResourceError(f"That is no call SID. A call is {CALL_TEMPLATE}, the SID as list_calls shows it.")
