"""Verbs between the call and one person: what is said to them, and what they press or say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from texml_mcp.sandbox.documents import Step, flag, hook, seconds
from texml_mcp.sandbox.live_text import SECONDS_A_WORD
from texml_mcp.sandbox.media import media_url
from texml_mcp.sandbox.scripts import next_document

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

PLAY_SECONDS = 5.0
SECONDS_A_DIGIT = 0.5
_FOREVER = 1000.0  # how often loop="0" repeats: longer than any call lasts


def spoken(step: Step) -> float:
    """How long a Say, Play or Pause takes, loops counted."""
    if step["verb"] == "Pause":
        return seconds(step, "length", 1.0)
    digits = step["attributes"].get("digits")
    if step["verb"] == "Play" and digits:
        return len(digits) * SECONDS_A_DIGIT
    once = PLAY_SECONDS if step["verb"] == "Play" else len(step["text"].split()) * SECONDS_A_WORD
    loops = seconds(step, "loop", 1.0, _FOREVER)
    return once * (loops or _FOREVER)


def speak(_: World, __: Record, step: Step) -> float | None:
    return spoken(step)


def gather(world: World, call: Record, step: Step) -> float | None:
    """Digits come from the person's script, and cut the prompt short; without any, what they say may count.

    The same words are heard by one Gather only: a menu that asks again must not hear the first answer twice.
    """
    attributes = step["attributes"]
    prompt = sum(spoken(child) for child in step["children"])
    kinds = attributes.get("input", "dtmf").split()
    digits, used = _pressed(call, step) if "dtmf" in kinds else ("", 0)
    fields: dict[str, Any] = {}
    if digits:
        call["presses"] = call["presses"][used:]
        fields, after = {"Digits": digits}, used * SECONDS_A_DIGIT
    elif "speech" in kinds and call["says"] and not call["spoke"]:
        call["spoke"] = True
        fields = {"SpeechResult": call["says"], "Confidence": "0.95"}
        after = prompt + len(call["says"].split()) * SECONDS_A_WORD
        if partial := hook(step, "partialResultCallback"):
            words = call["says"].split()
            told = " ".join(words[: max(1, len(words) // 2)])
            world.send(partial, "partial", "texml-action", CallSid=call["sid"], UnstableSpeechResult=told)
    else:
        after = prompt + seconds(step, "timeout", 5.0)
    call["collecting"] = {"verb": "Gather", "fields": fields, "attributes": attributes}
    world.plan(after, "collected", call["sid"], call["step"])
    return None


def _pressed(call: Record, step: Step) -> tuple[str, int]:
    """The digits up to the finishing key, a pause, or as many as are wanted; and how many keys that took."""
    finish = step["attributes"].get("finishOnKey", "#")
    most = int(seconds(step, "numDigits", seconds(step, "maxDigits", 128.0, 128.0), 128.0)) or 128
    digits, used = "", 0
    for digit in call["presses"]:
        used += 1
        if digit == "w":
            if digits:
                break
            continue
        if digit in finish:
            break
        digits += digit
        if len(digits) >= most:
            break
    return digits, used


def record(world: World, call: Record, step: Step) -> float | None:
    """Records what the person says, until a silence of `timeout`, a finishing key or `maxLength`."""
    longest = seconds(step, "maxLength", 3600.0) or 3600.0
    speech = len(call["says"].split()) * SECONDS_A_WORD
    silence = seconds(step, "timeout", 0.0)
    lasts = min(longest, speech + silence) if silence else longest
    keys = set(step["attributes"].get("finishOnKey", "1234567890*#"))
    fields: dict[str, Any] = {}
    for at, key in enumerate(call["presses"], 1):
        if key in keys:
            if at * SECONDS_A_DIGIT < lasts:
                lasts, fields["Digits"] = at * SECONDS_A_DIGIT, key
                call["presses"] = call["presses"][at:]
            break
    transcribed = {"url": step["attributes"].get("transcriptionCallback", ""), "method": "POST"}
    recording = world.start_recording(
        call["sid"],
        source="RecordVerb",
        channels=1 if step["attributes"].get("channels", "dual") == "single" else 2,
        hook=hook(step, "recordingStatusCallback", "completed"),
        transcribe=transcribed if flag(step, "transcription") else None,
    )
    fields["RecordingSid"] = recording["sid"]
    call["collecting"] = {"verb": "Record", "fields": fields, "attributes": step["attributes"]}
    world.plan(max(lasts, 1.0), "collected", call["sid"], call["step"])
    return None


def collected(world: World, sid: str) -> None:
    """A Gather or Record is over: its action takes over, or the document goes on."""
    call = world.state["calls"][sid]
    done, call["collecting"] = call["collecting"], None
    fields, attributes = dict(done["fields"]), dict(done["attributes"])
    if done["verb"] == "Record":
        recording = world.state["recordings"].get(fields["RecordingSid"])
        if recording is not None:
            world.stop_recording(recording)
            fields |= {
                "RecordingUrl": media_url(recording["sid"]),
                "RecordingDuration": recording["duration"],
            }
    elif "Digits" in fields and not _valid(fields["Digits"], attributes):
        world.note("invalid-digits", sid, digits=fields["Digits"])
        attributes["action"] = attributes.get("invalidDigitsAction", "")
    world.note(done["verb"].lower(), sid, **fields)
    if attributes.get("action") and fields:
        call["script"] = next_document(world, call, attributes, "action", **fields)
    world.proceed(sid)


def _valid(digits: str, attributes: dict[str, str]) -> bool:
    allowed = attributes.get("validDigits")
    least = attributes.get("minDigits", "1")
    return (not allowed or set(digits) <= set(allowed)) and len(digits) >= (
        int(least) if least.isdigit() else 1
    )
