"""Who hears whom, worked out from the state: talks between two, conferences, coaches and supervisors.

Derived, never stored: mute, hold, coaching and a supervisor's role are kept in one place each.
"""

from __future__ import annotations

from collections.abc import Mapping

from texml_mcp.sandbox.store import Record

ROLES = ("barge", "whisper", "monitor")


def hears(state: Mapping[str, Mapping[str, Record]]) -> dict[str, list[str]]:
    """For each leg that hears another one, the legs it hears. Who is on hold hears nobody, nor is heard."""
    calls = state["calls"]
    heard: dict[str, set[str]] = {}
    for call in calls.values():
        if call["peer"] is not None and call["status"] == "in-progress":
            heard.setdefault(call["sid"], set()).add(call["peer"])
    for conference in state["conferences"].values():
        if conference["status"] == "in-progress":
            _in_conference(conference, heard)
    _supervised(calls, heard)
    return {sid: sorted(speakers) for sid, speakers in sorted(heard.items()) if speakers}


def _in_conference(conference: Record, heard: dict[str, set[str]]) -> None:
    """A coach hears everybody and is heard by the one coached; one who coaches nobody is heard by nobody."""
    present = [
        each
        for each in conference["participants"].values()
        if each["status"] == "connected" and not each["hold"]
    ]
    for speaker in present:
        if speaker["muted"]:
            continue
        for listener in present:
            reached = not speaker["coaching"] or speaker["coached"] == listener["call"]
            if listener is not speaker and reached:
                heard.setdefault(listener["call"], set()).add(speaker["call"])


def _supervised(calls: Mapping[str, Record], heard: dict[str, set[str]]) -> None:
    """A supervisor hears the call and whom it hears. barge: those hear the supervisor too; whisper: only
    the supervised call does; monitor: nobody does."""
    before = {listener: set(speakers) for listener, speakers in heard.items()}
    for supervisor in calls.values():
        watched = supervisor["supervises"]
        if watched is None or supervisor["status"] != "in-progress" or watched not in calls:
            continue
        if calls[watched]["status"] != "in-progress":
            continue
        sid = supervisor["sid"]
        heard.setdefault(sid, set()).update(({watched} | before.get(watched, set())) - {sid})
        if supervisor["role"] == "monitor":
            continue
        listeners = {watched}
        if supervisor["role"] == "barge":
            listeners |= {each for each, speakers in before.items() if watched in speakers}
        for listener in listeners - {sid}:
            heard.setdefault(listener, set()).add(sid)
