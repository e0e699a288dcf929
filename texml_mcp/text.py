"""Text that others wrote: made safe to show, to store, and to put in front of a person or a model."""

from __future__ import annotations

import re
import unicodedata

# Controls (C0 but tab and newline, DEL, C1), bidi marks and overrides, zero-width and other invisible
# characters, tag characters, variation selectors, line separators, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_ANSI = re.compile("(?:\x1b[\\[\\]PX^_]|\x9b)[0-?]*[ -/]*(?:[@-~]|\x07)?|\x1b.", re.DOTALL)
MASK = "***"
_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://)[^\s/?#@]*@")
_SECRET_NAME = r"[\w.\-]*(?:token|secret|password|passwd|pwd|key|auth|signature|sig)"
_SECRET_QUERY = re.compile(rf"(?i)([?&;]{_SECRET_NAME}=)[^&#\s;]*")
_SIP_PASSWORD = re.compile(r"(?i)\b(sips?:[^\s:@;<>\"']+):[^\s@<>\"']*@")
# A <Sip> inside a TeXML document carries the password of its destination.
_PASSWORD_ATTRIBUTE = re.compile(r"""(?i)\b(password\s*=\s*)(["'])[^"'<>]*\2""")
_SPACES = re.compile(r"\s+")


def clean(text: str, cap: int = 300) -> str:
    """One line of plain text of at most `cap` characters: no controls, bidi, ANSI or invisible characters."""
    if len(text) <= cap and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    # Cut before the regular work, so that a megabyte costs what a page does.
    text = _ANSI.sub("", text[: cap * 4 + 64])
    text = _SPACES.sub(" ", _UNSAFE.sub("", text)).strip()
    return text if len(text) <= cap else text[: cap - 1].rstrip() + "…"


def mask_url(text: str) -> str:
    """A text without the credentials in it: of URLs and SIP addresses, and password attributes of TeXML."""
    if "@" not in text and "=" not in text:
        return text  # each of them has one or the other
    text = _CREDENTIALS.sub(rf"\1{MASK}@", text)
    text = _SIP_PASSWORD.sub(rf"\1:{MASK}@", text)
    text = _PASSWORD_ATTRIBUTE.sub(rf"\1\2{MASK}\2", text)
    return _SECRET_QUERY.sub(rf"\1{MASK}", text)


def secrets_of_url(url: str) -> tuple[str, ...]:
    """The credentials a URL carries, as they are written in it and decoded."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    try:
        parts = urlsplit(url)
        found = [parts.password or ""]
        pairs = parse_qsl(parts.query)
    except ValueError:
        return ()
    found += [value for name, value in pairs if re.fullmatch(_SECRET_NAME, name, re.IGNORECASE)]
    return tuple({form for text in found if text for form in (text, unquote(text))})


def has_unsafe(text: str) -> bool:
    """Whether a text holds a character that hides or reorders other text."""
    return _UNSAFE.search(text.replace("\r", "")) is not None


def visible(text: str) -> str:
    """A text with what hides or reorders other text written out, for values that must be shown exactly."""
    return _UNSAFE.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", text)


def ascii_digits(text: str) -> str:
    """Digits of any script and full-width forms as ASCII."""
    return unicodedata.normalize("NFKC", text)


def shown(value: object, cap: int = 40) -> str:
    """A value as an error may repeat it: short, clean, quoted when it is text."""
    if isinstance(value, str):
        return f"'{clean(value, cap)}'"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return clean(repr(value), cap)
