"""Conference participants."""

from __future__ import annotations

from functools import partial
from typing import Any

from texml_mcp.sandbox import render
from texml_mcp.sandbox.errors import conference_over, missing, not_found, on_hold
from texml_mcp.sandbox.handlers.calls import hook, leg, record
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.listing import page
from texml_mcp.sandbox.request import Request, bad_request_422
from texml_mcp.sandbox.world import Record, World


def _conference(world: World, request: Request) -> Record:
    return find(world, "conferences", request.path["conference_sid"])


def _participant(world: World, request: Request) -> tuple[Record, Record]:
    """A participant by call SID or label."""
    conference = _conference(world, request)
    name = request.path["call_sid_or_participant_label"]
    for participant in conference["participants"].values():
        if name in (participant["call"], participant["label"]):
            return conference, participant
    raise not_found()


def _check_coaching(request: Request, conference: Record | None, coaching: bool, own: str = "") -> None:
    """A coach needs somebody to coach: another participant of the same conference."""
    name = "CallSidToCoach"
    coached = request.given(name)
    if request.given("Coaching") and not coached:
        raise missing(name)
    if not coached:
        return
    if not coaching:
        raise bad_request_422(f"{name} has no effect without Coaching=true.", name)
    if coached == own:
        raise bad_request_422(f"{name}: nobody coaches themselves.", name)
    if conference is None or coached not in conference["participants"]:
        raise bad_request_422(f"{name} is not a participant of this conference.", name)


@handles("list_conference_participants")
def list_conference_participants(world: World, request: Request) -> Reply:
    conference = _conference(world, request)
    found = list(conference["participants"].values())
    show = partial(render.participant, world, conference["sid"])
    return 200, page(world, request.url, request.query, "participants", found, show, lower_case=True)


@handles("dial_conference_participant")
def dial_conference_participant(world: World, request: Request) -> Reply:
    name = request.path["conference_sid"]
    known = world.table("conferences").get(name)
    if known is not None and known["status"] == "completed":
        raise conference_over()
    if known is None and not request.given("ApplicationSid"):
        raise missing("ApplicationSid")
    _check_coaching(request, known, bool(request.given("Coaching")))
    label = request.given("Label")
    if known is not None:
        if len(known["participants"]) >= request.given("MaxParticipants", 250):
            raise bad_request_422("The conference is full.", "MaxParticipants")
        if label and any(each["label"] == label for each in known["participants"].values()):
            raise bad_request_422("The Label is taken by another participant.", "Label")
    conference = world.conference_named(name)
    if told := hook(request, "ConferenceStatusCallback", []):
        # Nothing is sent unless the events are named, as documented.
        conference["hook"] = told if told["events"] else None
    call = world.dial(
        request.given("To"),
        request.given("From"),
        **leg(request, request.given("ApplicationSid")),
    )
    participant = world.join(
        call["sid"],
        conference["sid"],
        label=label,
        muted=request.given("Muted", False),
        coaching=request.given("Coaching", False),
        coached=request.given("CallSidToCoach"),
        ends=request.given("EndConferenceOnExit", False),
        starts=request.given("StartConferenceOnEnter", True),
        beeps=request.given("Beep", "true"),
        early=request.given("EarlyMedia", False),
        wait={"url": request.given("WaitUrl"), "method": "POST"} if request.given("WaitUrl") else None,
    )
    record(world, request, call["sid"])
    if request.given("ConferenceRecord") in ("true", "record-from-start"):
        told = hook(request, "ConferenceRecordingStatusCallback", ["completed"])
        world.start_recording(call["sid"], conference=conference["sid"], source="Conference", hook=told)
    return 200, render.dialed_participant(world, conference["sid"], participant)


@handles("get_conference_participant")
def get_conference_participant(world: World, request: Request) -> Reply:
    conference, participant = _participant(world, request)
    return 200, render.participant(world, conference["sid"], participant)


_FLAGS = {"Muted": "muted", "EndConferenceOnExit": "ends", "Coaching": "coaching"}


_BEEPS = {
    (True, True): "true",
    (True, False): "onEnter",
    (False, True): "onExit",
    (False, False): "false",
}


@handles("update_conference_participant")
def update_conference_participant(world: World, request: Request) -> Reply:
    if _conference(world, request)["status"] == "completed":
        raise conference_over()
    conference, participant = _participant(world, request)
    if request.given("AnnounceUrl") and request.given("Hold", participant["hold"]):
        raise on_hold()
    coaching = request.given("Coaching", participant["coaching"])
    _check_coaching(request, conference, coaching, participant["call"])
    changes: dict[str, Any] = {
        ours: request.body[name] for name, ours in _FLAGS.items() if request.given(name) is not None
    }
    if request.given("CallSidToCoach"):
        changes["coached"] = request.given("CallSidToCoach")
    if request.given("Coaching") is False:
        changes["coached"] = None
    if request.given("WaitUrl"):
        changes["wait"] = {"url": request.given("WaitUrl"), "method": "POST"}
    if request.given("BeepOnExit") is not None:
        on_enter = participant["beeps"] in ("true", "onEnter")
        on_exit = request.given("BeepOnExit")
        changes["beeps"] = _BEEPS[on_enter, on_exit]
    participant |= changes | {"updated": world.clock.now}
    if request.given("Hold") is False:
        participant |= {"hold": False, "hold_url": None}
    elif request.given("Hold"):
        world.hold(participant, request.given("HoldUrl"), request.given("HoldMethod", "POST"))
    if request.given("AnnounceUrl"):
        method = request.given("AnnounceMethod", "POST")
        world.announce(conference, request.given("AnnounceUrl"), method, participant["call"])
    return 200, render.participant(world, conference["sid"], participant)


@handles("remove_conference_participant")
def remove_conference_participant(world: World, request: Request) -> Reply:
    _, participant = _participant(world, request)
    sid = participant["call"]
    world.leave(sid)
    # Whether the call goes on is documented nowhere: here it goes on with its document, and a leg that
    # was only dialed into the conference has nothing left to do and is hung up.
    if world.table("calls")[sid]["runs_document"]:
        world.proceed(sid)
    else:
        world.end(sid, "completed")
    return 204, None
