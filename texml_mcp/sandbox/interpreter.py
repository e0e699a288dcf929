"""What a call does with its TeXML, verb by verb, on the clock of its world."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from texml_mcp.sandbox.delivery import why_not_loopback
from texml_mcp.sandbox.dialing import dial, dial_over
from texml_mcp.sandbox.documents import Step, flag, seconds, steps
from texml_mcp.sandbox.errors import ApiError
from texml_mcp.sandbox.fetching import FetchError

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

__all__ = ["collected", "dial_over", "fetch", "run"]

SECONDS_A_WORD = 0.4
PLAY_SECONDS = 5.0
SECONDS_A_DIGIT = 0.5
MOST_STEPS_AT_ONCE = 200
"""Verbs that take no time, one after the other: more than this is a document that redirects to itself."""


def fetch(
    world: World,
    call: Record,
    url: str,
    fallback: str | None = None,
    *,
    method: str | None = None,
    fallback_method: str | None = None,
) -> list[Step]:
    """The document behind a URL, from the world's scripted table; `*` stands for every other URL.

    Where the world may fetch, a loopback address that the table does not have is asked instead.
    A document that is absent or cannot be run is replaced by the fallback's, or ends the call.
    """
    for address, verb in ((url, method), (fallback, fallback_method)):
        if not address:
            continue
        try:
            text = _text(world, call, address, verb or "POST")
        except FetchError as error:
            world.note("fetch-failed", call["sid"], url=address, why=str(error))
            continue
        if text is None:
            world.note("fetch-failed", call["sid"], url=address, why="no such document")
            continue
        try:
            found = steps(text)
        except ApiError as error:
            world.note("fetch-failed", call["sid"], url=address, why=str(error))
            continue
        world.note("fetched", call["sid"], url=address)
        return found
    return [{"verb": "Hangup", "attributes": {}, "text": "", "children": []}]


def _text(world: World, call: Record, address: str, method: str) -> str | None:
    scripted = world.documents.get(address)
    if scripted or world.fetcher is None or why_not_loopback(address):
        return scripted or world.documents.get("*")
    fields = {
        "AccountSid": world.account_sid,
        "CallSid": call["sid"],
        "CallStatus": call["status"],
        "From": call["from"],
        "To": call["to"],
    }
    return world.fetcher(address, method, fields)


def with_secrets(world: World, step: Step) -> Step:
    """A step with `{{name}}` replaced by that secret, at the moment it runs: state never holds it."""
    if not world.vault or "{{" not in str(step):
        return step

    def filled(text: str) -> str:
        for name, value in world.vault.items():
            text = text.replace("{{" + name + "}}", value)
        return text

    return {
        "verb": step["verb"],
        "attributes": {name: filled(value) for name, value in step["attributes"].items()},
        "text": filled(step["text"]),
        "children": [with_secrets(world, child) for child in step["children"]],
    }


def run(world: World, sid: str) -> None:
    """Run the call's next verbs, up to one that takes time."""
    call = world.state["calls"][sid]
    call["step"] += 1
    for _ in range(MOST_STEPS_AT_ONCE):
        if call["status"] != "in-progress":
            return
        if not call["script"]:
            if call["queue"] is not None or call["conference"] is not None or call["peer"] is not None:
                return
            if call["runs_document"]:
                world.end(sid, "completed", "system")
            return
        step = with_secrets(world, call["script"][0])
        call["script"] = call["script"][1:]
        world.note("verb", sid, verb=step["verb"])
        takes = _VERBS[step["verb"]](world, call, step)
        if takes is None:
            return
        if takes > 0:
            world.plan(takes, "proceed", sid, call["step"])
            return
    world.note("endless-document", sid)
    world.end(sid, "completed", "system", "call_rejected")


def spoken(step: Step) -> float:
    """How long a Say, Play or Pause takes, loops counted."""
    if step["verb"] == "Pause":
        return seconds(step, "length", 1.0)
    once = PLAY_SECONDS if step["verb"] == "Play" else len(step["text"].split()) * SECONDS_A_WORD
    loops = seconds(step, "loop", 1.0, 1000.0)
    return once * (loops or 1000.0)


# A verb answers how many seconds it takes, or `None` when something else will have the call go on.
Verb = Callable[["World", "Record", Step], float | None]


def _speak(_: World, __: Record, step: Step) -> float | None:
    return spoken(step)


def _gather(world: World, call: Record, step: Step) -> float | None:
    """Digits come from the person's script; the first to come cut the prompt short, as barge-in does."""
    prompt = sum(spoken(child) for child in step["children"])
    finish = step["attributes"].get("finishOnKey", "#")
    wanted = int(seconds(step, "numDigits", seconds(step, "maxDigits", 128.0, 128.0), 128.0)) or 128
    digits, used = "", 0
    for digit in call["presses"]:
        used += 1
        if digit == "w":
            if digits:
                break
            continue
        if digit == finish:
            break
        digits += digit
        if len(digits) >= wanted:
            break
    timeout = seconds(step, "timeout", 5.0)
    after = used * SECONDS_A_DIGIT if digits else prompt + timeout
    call["presses"] = call["presses"][used:] if digits else call["presses"]
    call["collecting"] = {"verb": "Gather", "fields": {"Digits": digits}, "attributes": step["attributes"]}
    world.plan(after, "collected", call["sid"], call["step"])
    return None


def _record(world: World, call: Record, step: Step) -> float | None:
    """Records what the person says, until a silence of `timeout` or `maxLength`."""
    longest = seconds(step, "maxLength", 3600.0) or 3600.0
    speech = len(call["says"].split()) * SECONDS_A_WORD
    silence = seconds(step, "timeout", 0.0)
    lasts = min(longest, speech + silence) if silence else longest
    hook = _hook(step, "recordingStatusCallback")
    transcribed = {"url": step["attributes"].get("transcriptionCallback", ""), "method": "POST"}
    recording = world.start_recording(
        call["sid"],
        source="RecordVerb",
        channels=1 if step["attributes"].get("channels", "single") in ("single", "mono") else 2,
        hook=hook,
        transcribe=transcribed if flag(step, "transcription") or flag(step, "transcribe") else None,
    )
    fields = {"RecordingSid": recording["sid"]}
    call["collecting"] = {"verb": "Record", "fields": fields, "attributes": step["attributes"]}
    world.plan(max(lasts, 1.0), "collected", call["sid"], call["step"])
    return None


def collected(world: World, sid: str) -> None:
    """A Gather or Record is over: its action takes over, or the document goes on."""
    call = world.state["calls"][sid]
    done, call["collecting"] = call["collecting"], None
    if done["verb"] == "Record":
        world.stop_recording(world.state["recordings"][done["fields"]["RecordingSid"]])
    action = done["attributes"].get("action")
    heard = done["verb"] == "Record" or done["fields"]["Digits"]
    world.note(done["verb"].lower(), sid, **done["fields"])
    if action and heard:
        hook = {"url": action, "method": done["attributes"].get("method", "POST")}
        world.send(hook, "action", "texml-action", CallSid=sid, **done["fields"])
        call["script"] = fetch(world, call, action)
    run(world, sid)


def _enqueue(world: World, call: Record, step: Step) -> float | None:
    name = step["text"] or step["attributes"].get("queue") or "default"
    after, call["script"] = call["script"], []
    if not world.enqueue(call["sid"], name, {"url": step["attributes"].get("waitUrl", ""), "method": "POST"}):
        call["script"] = after
        return 0
    call["after"] = after
    wait = step["attributes"].get("waitUrl")
    # Only a scripted waiting document runs: the stand-in for unknown URLs would end the wait by itself.
    if call["queue"] is not None and wait in world.documents:
        call["script"] = fetch(world, call, wait)
        return 0
    return None


def _leave(world: World, call: Record, _: Step) -> float | None:
    if call["queue"] is not None:
        world.leave_queue(call["sid"])
        call["script"], call["after"] = call["after"], []
    return 0


def _redirect(world: World, call: Record, step: Step) -> float | None:
    call["script"] = fetch(world, call, step["text"])
    return 0


def _reject(world: World, call: Record, step: Step) -> float | None:
    busy = step["attributes"].get("reason") == "busy"
    world.end(call["sid"], "busy" if busy else "failed", "system", "user_busy" if busy else "call_rejected")
    return None


def _refer(world: World, call: Record, step: Step) -> float | None:
    """The far end is told to call elsewhere, so this leg is over."""
    target = step["children"][0]["text"] if step["children"] else step["text"]
    world.note("referred", call["sid"], to=target)
    world.end(call["sid"], "completed", "callee", "normal_clearing")
    return None


def _hang_up(world: World, call: Record, _: Step) -> float | None:
    world.end(call["sid"], "completed", "system", "normal_clearing")
    return None


_TABLES = {"Stream": "streams", "Siprec": "siprecs"}


def _start(world: World, call: Record, step: Step) -> float | None:
    for child in step["children"]:
        name, attributes = child["attributes"].get("name", ""), child["attributes"]
        if (table := _TABLES.get(child["verb"])) is not None:
            default = "inbound_track" if table == "streams" else "both_tracks"
            world.start_medium(
                table, call["sid"], name, attributes.get("track", default), _hook(child, "statusCallback")
            )
        elif child["verb"] == "Recording":
            hook = _hook(child, "recordingStatusCallback")
            world.start_recording(call["sid"], source="RecordVerb", hook=hook)
        else:
            world.note(f"{child['verb'].lower()}-started", call["sid"], name=name)
    return 0


def _stop(world: World, call: Record, step: Step) -> float | None:
    for child in step["children"]:
        name = child["attributes"].get("name", "")
        if (table := _TABLES.get(child["verb"])) is not None:
            world.stop_named(table, call["sid"], name)
        elif child["verb"] == "Recording":
            for recording in list(world.state["recordings"].values()):
                if recording["call"] == call["sid"] and recording["conference"] is None:
                    world.stop_recording(recording)
        else:
            world.note(f"{child['verb'].lower()}-stopped", call["sid"], name=name)
    return 0


def _connect(world: World, call: Record, step: Step) -> float | None:
    """The stream has the call until it is stopped from outside or somebody hangs up."""
    for child in step["children"]:
        name, track = child["attributes"].get("name", ""), child["attributes"].get("track", "inbound_track")
        medium = world.start_medium("streams", call["sid"], name, track, _hook(child, "statusCallback"))
        call["connected"] = medium["sid"]
    return None if step["children"] else 0


def _hook(step: Step, name: str) -> dict[str, Any] | None:
    attributes = step["attributes"]
    if not attributes.get(name):
        return None
    events = attributes.get(f"{name}Event")
    method = attributes.get(f"{name}Method", "POST")
    return {"url": attributes[name], "method": method, "events": events.split() if events else []}


_VERBS: dict[str, Verb] = {
    "Say": _speak,
    "Play": _speak,
    "Pause": _speak,
    "Gather": _gather,
    "Record": _record,
    "Dial": dial,
    "Enqueue": _enqueue,
    "Leave": _leave,
    "Redirect": _redirect,
    "Reject": _reject,
    "Refer": _refer,
    "Hangup": _hang_up,
    "Start": _start,
    "Stop": _stop,
    "Connect": _connect,
}
