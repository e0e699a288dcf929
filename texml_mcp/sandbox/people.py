"""Who is called: scripted by number or pattern, with a polite default for everyone else.

A callee is `{match, does, rings_seconds, hangs_up_after_seconds, says, presses, greeting_seconds, beeps}`.
`match` is a number or SIP URI, where `*` stands for anything; the first that matches answers. `fax` and
`silence` answer as well, to be detected; `beeps` says whether a voicemail beeps after its greeting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from texml_mcp.sandbox.store import Record

DOES = ("answers", "voicemail", "fax", "silence", "busy", "no-answer", "rejects", "unreachable")
ANSWERING = ("answers", "voicemail", "fax", "silence")
_DEFAULTS: Record = {
    "does": "answers",
    "rings_seconds": 3.0,
    "hangs_up_after_seconds": None,
    "says": "",
    "presses": "",
    "greeting_seconds": 8.0,
    "beeps": True,
}
DEFAULT_CALLEE: Record = {"match": "*", **_DEFAULTS}
_SECONDS = ("rings_seconds", "hangs_up_after_seconds", "greeting_seconds")


def callee(given: Mapping[str, Any]) -> Record:
    """A callee with its defaults. Raises `ValueError` that names the field."""
    unknown = sorted(set(given) - set(DEFAULT_CALLEE))
    if unknown:
        raise ValueError(f"{unknown[0]}: not a field of a callee; there are {', '.join(DEFAULT_CALLEE)}")
    made = DEFAULT_CALLEE | dict(given)
    if not isinstance(given.get("match"), str):
        raise ValueError("match: a number, a SIP URI or a pattern with * is needed")
    if made["does"] not in DOES:
        raise ValueError(f"does: one of {', '.join(DOES)}")
    for name in _SECONDS:
        value = made[name]
        if value is None and name == "hangs_up_after_seconds":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 10**6:
            raise ValueError(f"{name}: seconds, 0 or more")
        made[name] = float(value)
    if not isinstance(made["beeps"], bool):
        raise ValueError("beeps: true or false")
    for name in ("says", "presses"):
        if not isinstance(made[name], str):
            raise ValueError(f"{name}: must be text")
    if not set(made["presses"]) <= set("0123456789*#ABCDw"):
        raise ValueError("presses: digits, * and #, and w to wait half a second")
    return made


def answering(callees: Sequence[Record], number: str) -> Record:
    """The callee at this number."""
    for each in callees:
        if each["match"] == number or fnmatchcase(number, each["match"].replace("[", "[[]")):
            return each
    return DEFAULT_CALLEE
