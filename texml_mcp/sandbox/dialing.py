"""`<Dial>`: to people, a queue or a conference, and what happens when that is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from texml_mcp.sandbox.documents import Step, flag, hook, seconds
from texml_mcp.sandbox.numbers import is_emergency, is_reachable
from texml_mcp.sandbox.scripts import next_document

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

FINAL = ("canceled", "completed", "failed", "busy", "no-answer")
AFTER_CONFERENCE = "Dial action"  # no element's name: a document cannot hold it
_SECONDS_A_DIGIT = 0.5


def dial(world: World, call: Record, step: Step) -> float | None:
    """Ring everyone named at once, wait for a queue's next caller, or join a conference."""
    nouns = step["children"]
    for noun in nouns:
        if noun["verb"] == "Conference":
            return _into_conference(world, call, step, noun)
        if noun["verb"] == "Queue":
            call["dialing"] = _plan(step)
            world.serve(call["sid"], noun["text"])
            return None
    plain: Step = {"verb": "Number", "attributes": {}, "text": step["text"], "children": []}
    targets = nouns or [plain]
    allowed = [noun for noun in targets if is_reachable(noun["text"]) and not is_emergency(noun["text"])]
    for refused in sorted({noun["text"] for noun in targets} - {noun["text"] for noun in allowed}):
        world.note("dial-refused", call["sid"], to=refused)
    call["dialing"] = _plan(step)
    if not allowed:
        return dial_over(world, call, "failed", None, run_on=False)
    for noun in allowed:
        call["dialing"]["legs"].append(_ring(world, call, step, noun))
    kept = call["dialing"]["record"]
    if kept and kept["from"] == "ringing":
        _record(world, call, kept)
    return None


def _plan(step: Step) -> Record:
    attributes = step["attributes"]
    made: Record = {
        "legs": [],
        "action": attributes.get("action"),
        "method": attributes.get("method", "POST"),
        "star": flag(step, "hangupOnStar"),
        "record": None,
    }
    how = attributes.get("record", "do-not-record")
    if how != "do-not-record":
        dual = how.endswith("-dual") or attributes.get("recordingChannels") == "dual"
        made["record"] = {
            "from": "ringing" if "ringing" in how else "answer",
            "channels": 2 if dual else 1,
            "longest": seconds(step, "recordMaxLength", 0.0),
            "hook": _recording_hook(step),
        }
    return made


def _ring(world: World, call: Record, step: Step, noun: Step) -> str:
    """One leg of a `<Dial>`, with what its `<Number>` or `<Sip>` asks for."""
    attributes = noun["attributes"]
    if attributes.get("sendDigits"):
        world.note("sends-digits", call["sid"], to=noun["text"], digits=attributes["sendDigits"])
    leg = world.dial(
        noun["text"],
        step["attributes"].get("callerId") or call["to" if call["direction"] == "inbound" else "from"],
        parent=call["sid"],
        application=call["application"],
        caller_name=step["attributes"].get("fromDisplayName"),
        ring_limit=seconds(step, "timeout", 30.0, 600.0) or 30.0,
        time_limit=seconds(step, "timeLimit", 14_400.0, 14_400.0) or 14_400.0,
        hook=hook(noun, "statusCallback", "completed"),
        detection=_detection(noun),
        screens=bool(attributes.get("url")),
    )
    if attributes.get("url"):
        leg |= {
            "from_url": call["from_url"],
            "asks": {"url": attributes["url"], "method": attributes.get("method")},
        }
    return leg["sid"]


def _detection(noun: Step) -> Record | None:
    """Detection on a dialed leg holds nothing up; its verdict goes to the leg's own status callback."""
    mode = noun["attributes"].get("machineDetection", "Disable")
    if mode == "Disable":
        return None
    told = hook(noun, "statusCallback", "completed")
    wanted = told is not None and "amd" in told["events"]
    return {
        "mode": mode,
        "async": True,
        "timeout": seconds(noun, "machineDetectionTimeout", 3500.0, 60_000.0) / 1000,
        "hook": {**told, "events": []} if told and wanted else None,
    }


def bridged(world: World, call: Record) -> None:
    """Somebody has been put through: record from here on, and listen for a star, where that was asked."""
    dialing = call["dialing"]
    if dialing["record"] and dialing["record"]["from"] == "answer":
        _record(world, call, dialing["record"])
    if dialing["star"] and "*" in call["presses"]:
        at = call["presses"].index("*") + 1
        call["presses"] = call["presses"][at:]
        world.plan(at * _SECONDS_A_DIGIT, "star", call["sid"], call["step"])


def _record(world: World, call: Record, kept: Record) -> None:
    recording = world.start_recording(
        call["sid"], source="DialVerb", channels=kept["channels"], hook=kept["hook"]
    )
    if kept["longest"]:
        world.plan(kept["longest"], "limit_recording", recording["sid"])


def dial_over(
    world: World, call: Record, status: str, leg: Record | None, *, run_on: bool = True
) -> float | None:
    """A Dial has ended: its action takes over when it has one, otherwise the next verb."""
    dialing, call["dialing"] = call["dialing"], None
    if call["status"] != "in-progress":
        return None
    made = [
        recording
        for recording in world.state["recordings"].values()
        if recording["call"] == call["sid"] and recording["source"] == "DialVerb"
    ]
    for recording in made:
        world.stop_recording(recording)
    if dialing and dialing["action"]:
        talked = leg["ended"] - leg["answered"] if leg and leg["answered"] and leg["ended"] else 0
        call["script"] = next_document(
            world,
            call,
            dialing,
            "action",
            DialCallStatus=status,
            DialCallSid=leg["sid"] if leg else None,
            DialCallDuration=int(talked),
            RecordingSid=made[-1]["sid"] if made else None,
        )
    if run_on:
        world.proceed(call["sid"])
    return 0


def _into_conference(world: World, call: Record, step: Step, noun: Step) -> float | None:
    conference = world.conference_named(noun["text"])
    most = int(seconds(noun, "maxParticipants", 250.0, 800.0))
    if conference["status"] == "completed" or len(conference["participants"]) >= most:
        world.note("conference-refused", call["sid"], conference=conference["sid"])
        return 0
    attributes = noun["attributes"]
    if told := hook(noun, "statusCallback"):
        conference["hook"] = told
    label = attributes.get("participantLabel")
    if label and any(each["label"] == label for each in conference["participants"].values()):
        world.note("label-taken", call["sid"], label=label)
        label = None
    if step["attributes"].get("action"):
        # What follows when the leg outlives the conference.
        then: Step = {"verb": AFTER_CONFERENCE, "attributes": step["attributes"], "text": "", "children": []}
        call["script"] = [then, *call["script"]]
    wait = attributes.get("waitUrl")
    world.join(
        call["sid"],
        conference["sid"],
        label=label,
        muted=flag(noun, "muted"),
        starts=flag(noun, "startConferenceOnEnter", True),
        ends=flag(noun, "endConferenceOnExit"),
        beeps=attributes.get("beep", "true"),
        wait={"url": wait, "method": attributes.get("waitMethod", "POST")} if wait else None,
    )
    running = any(
        each["conference"] == conference["sid"] and each["status"] in ("in-progress", "paused")
        for each in world.state["recordings"].values()
    )
    if attributes.get("record") == "record-from-start" and not running:
        world.start_recording(
            call["sid"], conference=conference["sid"], source="Conference", hook=_recording_hook(noun)
        )
    return None


def after_conference(world: World, call: Record, step: Step) -> float | None:
    """The conference of a `<Dial action>` is over, and the leg is still there."""
    call["script"] = next_document(world, call, step["attributes"], "action", DialCallStatus="completed")
    return 0


def _recording_hook(step: Step) -> dict[str, Any] | None:
    told = hook(step, "recordingStatusCallback", "completed")
    return told and {**told, "with_url": flag(step, "sendRecordingUrl", True)}
