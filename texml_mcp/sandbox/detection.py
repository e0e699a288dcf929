"""Answering-machine detection: what it says about who answered, and after how long."""

from __future__ import annotations

from texml_mcp.sandbox.store import Record

SECONDS = 2.0  # of speech, to tell a person from a greeting

# What the call's own record says, which knows three words; callbacks know seven.
_RECORDED = {"human": "human", "unknown": "not_sure"}


def verdict(person: Record, detection: Record) -> tuple[float, str]:
    """Seconds after the answer, and the callback's word for who answered.

    A verdict that is not there when `timeout` is over is `unknown`; a greeting that is known to be one but
    goes on by then ends as `machine_end_other`.
    """
    timeout: float = detection["timeout"]
    waits_for_end = detection["mode"] == "DetectMessageEnd"
    match person["does"]:
        case "fax":
            word, after = "fax", SECONDS
        case "silence":
            return timeout, "unknown"
        case "voicemail" if waits_for_end:
            word = "machine_end_beep" if person["beeps"] else "machine_end_silence"
            after = person["greeting_seconds"]
            if after > timeout >= SECONDS:
                return timeout, "machine_end_other"
        case "voicemail":
            word, after = "machine_start", SECONDS
        case _:
            word, after = "human", SECONDS
    return (after, word) if after <= timeout else (timeout, "unknown")


def recorded(word: str) -> str:
    """`answered_by` of the call's record: human, machine or not_sure."""
    return _RECORDED.get(word, "machine")
