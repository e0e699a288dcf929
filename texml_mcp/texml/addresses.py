"""Judges one address that a document holds: a dialled number, a SIP or tel URI, a URL, a stream's address.

Each `wrong_...` says what to write instead, or nothing when the address is right. None ever raises.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from texml_mcp.text import has_unsafe

_SEPARATORS = r"[ \t\r\n().\-/\u2010-\u2013]"
_NUMBER = re.compile(rf"\(?\+?{_SEPARATORS}*[0-9](?:{_SEPARATORS}*[0-9])*\)?")
_SIP = re.compile(
    r"sips?:(?:[^\s@<>\"]+@)?(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*))(?::[0-9]{1,5})?(?:[;?][^\s<>\"]*)?",
    re.IGNORECASE,
)
_USER = re.compile(r"(//|^\s*sips?:)([^/?#@\s]*)@", re.IGNORECASE)
_FEWEST, _MOST = 2, 20
"""Digits of a dialled number: 15 and 17 are emergency numbers; 00, 15 digits and a prefix are the longest."""


def ascii_number(text: str) -> str:
    """The text with digits of any script and width as 0-9; everything else in its NFKC form."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(each, each)) for each in normal)


def number(text: str) -> str:
    """A dialled number as `+` and digits, from a number or a tel URI; "" when it is neither."""
    bare = re.sub(r"^tel:", "", text.strip(), flags=re.IGNORECASE)
    plain = ascii_number(bare).strip()
    if not _NUMBER.fullmatch(plain):
        return ""
    digits = "".join(each for each in plain if each in "0123456789")
    if not _FEWEST <= len(digits) <= _MOST:
        return ""
    return f"+{digits}" if "+" in plain else digits


def is_sip(text: str) -> bool:
    """Whether the text is a whole sip: or sips: URI."""
    return _SIP.fullmatch(text.strip()) is not None


def wrong_destination(text: str, sip: bool = False) -> str:
    """`sip` is for <Sip>, which takes no number."""
    if is_sip(text):
        return ""
    if sip:
        return "write a SIP address such as sip:user@host"
    return "" if number(text) else "write one phone number, or a sip:, sips: or tel: address"


def wrong_url(text: str, relative: bool = True) -> str:
    """`relative` allows a path that starts with one slash."""
    wanted = "write a URL that starts with https://"
    if relative:
        wanted += ", or a path that starts with /"
        if text.startswith("/") and not text.startswith("//") and not _unsafe(text):
            return ""
    return "" if _has_host(text, ("https", "http")) else wanted


def wrong_stream(text: str) -> str:
    return "" if _has_host(text, ("wss", "ws")) else "give a WebSocket address that starts with wss://"


def has_credentials(text: str) -> bool:
    """Whether a URL names a user, or a SIP address a password."""
    found = _USER.search(text.strip())
    return found is not None and (found[1] == "//" or ":" in found[2])


def masked(text: str) -> str:
    """The text without the user name and password of a URL, and the password of a SIP address."""
    return _USER.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    if found[1] == "//":
        return "//***@"
    user, colon, _ = found[2].partition(":")
    return f"{found[1]}{user}{':***' if colon else ''}@"


def _has_host(text: str, schemes: tuple[str, ...]) -> bool:
    if _unsafe(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme.lower() in schemes and bool(parts.hostname)


def _unsafe(text: str) -> bool:
    # Readers disagree on where the host of an address ends that holds white space or a backslash.
    return has_unsafe(text) or any(each.isspace() or each == "\\" for each in text)
