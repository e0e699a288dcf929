"""Recordings and transcriptions: of a call, of a conference, of the account."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from texml_mcp.sandbox import render
from texml_mcp.sandbox.errors import call_over, not_found
from texml_mcp.sandbox.handlers.calls import CHANNELS, hook, live_call
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.listing import dates, matches_date, newest_first, page
from texml_mcp.sandbox.request import Request
from texml_mcp.sandbox.world import Record, World


def _page(
    world: World, request: Request, keep: Callable[[Record], bool], *, of_conference: bool = False
) -> Reply:
    found = newest_first(record for record in world.table("recordings").values() if keep(record))
    show = partial(render.conference_recording if of_conference else render.recording, world)
    answer = page(
        world,
        request.url,
        request.query,
        "recordings",
        found,
        show,
        previous=not of_conference,
        lower_case=of_conference,
    )
    if of_conference:
        answer["participants"] = []
    return 200, answer


@handles("list_call_recordings")
def list_call_recordings(world: World, request: Request) -> Reply:
    sid = find(world, "calls", request.path["call_sid"])["sid"]
    return _page(world, request, lambda record: record["call"] == sid)


@handles("start_call_recording")
def start_call_recording(world: World, request: Request) -> Reply:
    call = live_call(world, request)
    if call["status"] != "in-progress":
        raise call_over()
    told = hook(request, "RecordingStatusCallback", ["completed"])
    recording = world.start_recording(
        call["sid"],
        source="StartCallRecordingAPI",
        channels=CHANNELS[request.given("RecordingChannels", "dual")],
        track=request.given("RecordingTrack", "both"),
        hook=told and {**told, "with_url": request.given("SendRecordingUrl", True)},
    )
    return 200, render.recording_change(world, recording)


@handles("update_call_recording")
def update_call_recording(world: World, request: Request) -> Reply:
    recording = find(world, "recordings", request.path["recording_sid"])
    if recording["call"] != request.path["call_sid"]:
        raise not_found()
    if recording["status"] in ("stopped", "completed"):
        raise call_over()
    change = {
        "paused": world.pause_recording,
        "in-progress": world.resume_recording,
        "stopped": world.stop_recording,
    }
    change[request.given("Status")](recording)
    return 200, render.recording_change(world, recording)


@handles("list_conference_recordings")
def list_conference_recordings(world: World, request: Request) -> Reply:
    sid = find(world, "conferences", request.path["conference_sid"])["sid"]
    return _page(world, request, lambda record: record["conference"] == sid, of_conference=True)


@handles("list_conference_recordings_json")
def list_conference_recordings_json(world: World, request: Request) -> Reply:
    sid = find(world, "conferences", request.path["conference_sid"])["sid"]
    return _page(world, request, lambda record: record["conference"] == sid)


@handles("list_recordings")
def list_recordings(world: World, request: Request) -> Reply:
    wanted = dates(request.query, "DateCreated")
    return _page(world, request, lambda record: matches_date(record["created"], wanted, "DateCreated"))


@handles("get_recording")
def get_recording(world: World, request: Request) -> Reply:
    return 200, render.recording(world, find(world, "recordings", request.path["recording_sid"]))


@handles("delete_recording")
def delete_recording(world: World, request: Request) -> Reply:
    sid = find(world, "recordings", request.path["recording_sid"])["sid"]
    del world.table("recordings")[sid]
    world.note("recording-deleted", sid)
    return 204, None


@handles("list_transcriptions")
def list_transcriptions(world: World, request: Request) -> Reply:
    found = newest_first(world.table("transcriptions").values())
    show = partial(render.transcription, world)
    return 200, page(world, request.url, request.query, "transcriptions", found, show, previous=True)


@handles("get_transcription")
def get_transcription(world: World, request: Request) -> Reply:
    sid = request.path["recording_transcription_sid"]
    return 200, render.transcription(world, find(world, "transcriptions", sid))


@handles("delete_transcription")
def delete_transcription(world: World, request: Request) -> Reply:
    sid = find(world, "transcriptions", request.path["recording_transcription_sid"])["sid"]
    del world.table("transcriptions")[sid]
    world.note("transcription-deleted", sid)
    return 204, None
