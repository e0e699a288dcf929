"""What a destination really dials: digits, whatever they are dressed up as.

An emergency number is refused however it is written, so every reading a switch could make of a text is
tried: other scripts' digits, spaces, dots, percent escapes, `tel:` and `sip:` addresses, letters of a
keypad, a pause after an outside-line prefix.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

_SCHEME = re.compile(r"^(?:tel|sips?|callto|phone)\s*:(?://)?", re.IGNORECASE)
_PAUSE = re.compile(r"[,;@pPwW#*xX]+")
_PARAMETER = re.compile(r";[a-z][a-z0-9-]*(?:=[^;]*)?", re.IGNORECASE)
_BRACKETED = re.compile(r"<\s*((?:sips?|tel):[^<>]*)>?", re.IGNORECASE)
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
# Beyond this no switch dials: longer text is cut, so that a huge one costs nothing.
LONGEST = 512


@dataclass(frozen=True, slots=True)
class Dialled:
    """One reading of a destination: its digits, and whether a plus stood before them."""

    digits: str
    plus: bool


def plain(text: str) -> str:
    """Text with escapes undone, other scripts' digits as ASCII, and invisible characters gone."""
    text = text[:LONGEST]
    for _ in range(3):  # doubly escaped text reaches a gateway that undoes it twice
        undone = unquote(text, errors="replace")
        if undone == text:
            break
        text = undone
    return "".join(_ascii(each) for each in unicodedata.normalize("NFKC", text)).strip()


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    return "" if unicodedata.category(char) in {"Cf", "Cc", "Mn", "Me"} else char


def user_and_host(text: str) -> tuple[str, str]:
    """The user and the host of a SIP address, either empty; neither parameters nor a password remain."""
    text = plain(text)
    bracketed = _BRACKETED.search(text)  # `"Support" <sip:911@host>`
    if bracketed and ("@" in text[: bracketed.start()] or _SCHEME.match(text)):
        bracketed = None  # a header's address: `sip:911@host?Route=<sip:other@host>`
    rest = _SCHEME.sub("", bracketed[1] if bracketed else text).strip().strip("<>\"' ")
    rest = _SCHEME.sub("", rest)
    user, at, host = rest.rpartition("@")
    if not at:
        # `sip:911` has no user by the grammar, and still dials 911 on many gateways.
        return _PARAMETER.sub("", rest).partition("?")[0], ""
    # The user ends at its own parameters and its password: `911;phone-context=+1:secret@host`.
    user = _PARAMETER.sub("", user).partition(":")[0]
    return user, re.split(r"[;?>\s]", host.strip(), maxsplit=1)[0]


def readings(text: str) -> tuple[Dialled, ...]:
    """Every way to read a number or SIP address as digits, the likeliest first."""
    user, host = user_and_host(text)
    user = _SCHEME.sub("", user).strip()
    plus = user.lstrip("( [\"'<").startswith("+")
    found: dict[Dialled, None] = {}

    def add(piece: str, with_plus: bool) -> None:
        digits = re.sub(r"[^0-9]", "", piece)
        if digits:
            found.setdefault(Dialled(digits, with_plus))

    letters = any(each.isalpha() for each in user)
    if not letters or not host:  # `room911` is a name on a SIP host, not a number
        add(user, plus)
    else:
        marked = re.sub(r"[\s().\-+,;#*]", "", user)
        if re.fullmatch(r"\+?[0-9]+[pwxPWX][0-9pwxPWX]*", marked):
            add(user, plus)
    pieces = [each for each in _PAUSE.split(user) if each]
    for place, piece in enumerate(pieces):
        if not any(each.isalpha() for each in piece):
            add(piece, plus and place == 0)
    if letters and not host:
        add(user.lower().translate(_KEYPAD), plus)
    return tuple(found)
