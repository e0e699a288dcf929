"""Small words that summaries, sentences and questions are made of."""

from __future__ import annotations

from typing import Any


def join(*parts: object) -> str:
    """The parts that say something, separated by spaces."""
    return " ".join(str(part) for part in parts if part not in (None, "", False))


def lasted(value: Any) -> str:
    """12 -> "12 s", 125 -> "2 min 5 s"."""
    if not value:
        return ""
    whole = int(value)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return join(f"{minutes} min", f"{rest} s" if rest else "")


def quoted(value: Any) -> str:
    """Third-party words, marked as such."""
    return f'"{value}"' if value else ""
