"""How times, risks and values read on a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from texml_mcp.text import clean, visible

VALUE_CHARACTERS = 20_000
_DANGER = ("destroys", "interrupts", "exposes", "listens_in")


def short(value: Any, cap: int = 300) -> str:
    """One line of what somebody else wrote."""
    return clean(str(value), cap)


def at_time(seconds: float) -> str:
    """14:03:20 UTC"""
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S} UTC"


def at_iso(seconds: float) -> str:
    """The same moment for programs."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def minutes(seconds: float) -> str:
    """Time left, in words that change once a minute: a page that has not changed is not sent again."""
    whole = int(seconds // 60)
    return f"{whole} min left" if whole else "less than a minute left"


def duration(value: Any) -> str:
    """65 -> 1:05"""
    whole = int(value or 0)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def risk_kind(risk: str) -> str:
    """The class of a risk: what stands before its colon."""
    return risk.partition(":")[0]


def risk_weight(risk: str) -> str:
    """How loudly a risk is marked."""
    kind = risk_kind(risk)
    return "danger" if kind in _DANGER else "cost" if kind == "spends" else "plain"


def exact(value: Any) -> str:
    """A value of a request as it is: nothing in it can hide, and what is too long to show says so."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    cut = len(text) - VALUE_CHARACTERS
    return visible(text[:VALUE_CHARACTERS]) + (f"\n[{cut} more characters are not shown]" if cut > 0 else "")


FILTERS: dict[str, Callable[..., Any]] = {
    "clean": short,
    "at_time": at_time,
    "at_iso": at_iso,
    "minutes": minutes,
    "duration": duration,
    "risk_kind": risk_kind,
    "risk_weight": risk_weight,
    "exact": exact,
}
