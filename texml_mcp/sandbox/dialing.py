"""`<Dial>`: to people, a queue or a conference, and what happens when that is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texml_mcp.sandbox.documents import Step, flag, seconds
from texml_mcp.sandbox.numbers import is_emergency, is_reachable

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

FINAL = ("canceled", "completed", "failed", "busy", "no-answer")


def dial(world: World, call: Record, step: Step) -> float | None:
    """Ring everyone named at once, wait for a queue's next caller, or join a conference."""
    nouns = step["children"]
    for noun in nouns:
        if noun["verb"] == "Conference":
            return _into_conference(world, call, step, noun)
        if noun["verb"] == "Queue":
            call["dialing"] = {"legs": [], "action": step["attributes"].get("action")}
            world.serve(call["sid"], noun["text"])
            return None
    targets = [noun["text"] for noun in nouns] or [step["text"]]
    allowed = [target for target in targets if is_reachable(target) and not is_emergency(target)]
    for refused in sorted(set(targets) - set(allowed)):
        world.note("dial-refused", call["sid"], to=refused)
    if not allowed:
        return dial_over(world, call, "failed", None, run_on=False)
    legs: list[str] = []
    call["dialing"] = {"legs": legs, "action": step["attributes"].get("action")}
    for target in allowed:
        leg = world.dial(
            target,
            step["attributes"].get("callerId") or call["to" if call["direction"] == "inbound" else "from"],
            parent=call["sid"],
            application=call["application"],
            ring_limit=seconds(step, "timeout", 30.0, 600.0) or 30.0,
            time_limit=seconds(step, "timeLimit", 14_400.0, 14_400.0) or 14_400.0,
        )
        legs.append(leg["sid"])
    if step["attributes"].get("record", "do-not-record") not in ("do-not-record", "false"):
        world.start_recording(call["sid"], source="DialVerb", hook=_recording_hook(step))
    return None


def dial_over(
    world: World, call: Record, status: str, leg: Record | None, *, run_on: bool = True
) -> float | None:
    """A Dial has ended: its action takes over when it has one, otherwise the next verb."""
    from texml_mcp.sandbox.interpreter import fetch, run

    action = call["dialing"]["action"] if call["dialing"] else None
    call["dialing"] = None
    if call["status"] != "in-progress":
        return None
    for recording in list(world.state["recordings"].values()):
        if recording["call"] == call["sid"] and recording["source"] == "DialVerb":
            world.stop_recording(recording)
    if action:
        world.send(
            {"url": action, "method": "POST"},
            "action",
            "texml-action",
            CallSid=call["sid"],
            DialCallStatus=status,
            DialCallSid=leg["sid"] if leg else None,
        )
        call["script"] = fetch(world, call, action)
    if run_on:
        run(world, call["sid"])
    return 0


def _into_conference(world: World, call: Record, step: Step, noun: Step) -> float | None:
    conference = world.conference_named(noun["text"])
    most = int(seconds(noun, "maxParticipants", 250.0, 800.0))
    if conference["status"] == "completed" or len(conference["participants"]) >= most:
        world.note("conference-refused", call["sid"], conference=conference["sid"])
        return 0
    attributes = noun["attributes"]
    if attributes.get("statusCallback"):
        events = attributes.get("statusCallbackEvent", "").split()
        method = attributes.get("statusCallbackMethod", "POST")
        conference["hook"] = {"url": attributes["statusCallback"], "method": method, "events": events}
    world.join(
        call["sid"],
        conference["sid"],
        label=attributes.get("participantLabel"),
        muted=flag(noun, "muted"),
        starts=flag(noun, "startConferenceOnEnter", True),
        ends=flag(noun, "endConferenceOnExit"),
    )
    running = any(each["conference"] == conference["sid"] for each in world.state["recordings"].values())
    if attributes.get("record") in ("record-from-start", "true") and not running:
        world.start_recording(
            call["sid"], conference=conference["sid"], source="Conference", hook=_recording_hook(noun)
        )
    return None


def _recording_hook(step: Step) -> dict[str, object] | None:
    attributes = step["attributes"]
    if not attributes.get("recordingStatusCallback"):
        return None
    events = attributes.get("recordingStatusCallbackEvent", "completed").split()
    return {"url": attributes["recordingStatusCallback"], "method": "POST", "events": events}
