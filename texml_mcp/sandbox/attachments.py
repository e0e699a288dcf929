"""`<Start>`, `<Stop>` and `<Connect>`: what is attached to a live leg, and taken off again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texml_mcp.sandbox.documents import Step, flag, hook
from texml_mcp.sandbox.scripts import next_document

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

_TABLES = {"Stream": "streams", "Siprec": "siprecs"}


def start(world: World, call: Record, step: Step) -> float | None:
    for child in step["children"]:
        name, attributes = child["attributes"].get("name", ""), child["attributes"]
        match child["verb"]:
            case "Stream" | "Siprec" as kind:
                table = _TABLES[kind]
                default = "inbound_track" if table == "streams" else "both_tracks"
                track = attributes.get("track", default)
                world.start_medium(table, call["sid"], name, track, hook(child, "statusCallback"))
            case "Recording":
                world.start_recording(
                    call["sid"],
                    source="RecordVerb",
                    channels=2 if attributes.get("channels", "dual") == "dual" else 1,
                    track=attributes.get("track", "both"),
                    hook=hook(child, "recordingStatusCallback", "completed"),
                )
            case "Suppression":
                world.suppress(call["sid"], attributes.get("direction", "inbound"))
            case _:
                world.start_transcription(
                    call["sid"],
                    hook(child, "transcriptionCallback") or hook(child, "statusCallback"),
                    name=name,
                    language=attributes.get("language", "en"),
                    engine=attributes.get("transcriptionEngine", "Google"),
                    interim=flag(child, "interimResults"),
                )
    return 0


def stop(world: World, call: Record, step: Step) -> float | None:
    for child in step["children"]:
        name = child["attributes"].get("name", "")
        match child["verb"]:
            case "Stream" | "Siprec" as kind:
                world.stop_named(_TABLES[kind], call["sid"], name)
            case "Recording":
                for recording in list(world.state["recordings"].values()):
                    if recording["call"] == call["sid"] and recording["conference"] is None:
                        world.stop_recording(recording)
            case "Suppression":
                world.suppress(call["sid"], None)
            case _:
                world.stop_transcriptions_of(call["sid"], name)
    return 0


def connect(world: World, call: Record, step: Step) -> float | None:
    """The stream has the call until it is stopped from outside or somebody hangs up."""
    for child in step["children"]:
        name, track = child["attributes"].get("name", ""), child["attributes"].get("track", "inbound_track")
        medium = world.start_medium("streams", call["sid"], name, track, hook(child, "statusCallback"))
        call["connected"] = medium["sid"]
    call["connect_action"] = step["attributes"] if step["attributes"].get("action") else None
    return None


def disconnected(world: World, call: Record) -> None:
    """The stream that had the call is over: the action of its `<Connect>` takes over, or the next verb."""
    action, call["connected"], call["connect_action"] = call["connect_action"], None, None
    if action:
        call["script"] = next_document(world, call, action, "action")
    world.proceed(call["sid"])
