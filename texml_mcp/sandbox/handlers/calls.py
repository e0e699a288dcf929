"""Calls."""

from __future__ import annotations

from functools import partial
from typing import Any

from texml_mcp.sandbox import render
from texml_mcp.sandbox.documents import Step, steps
from texml_mcp.sandbox.errors import call_over, contradiction, missing, not_found, not_one_of
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.listing import dates, matches_date, newest_first, page
from texml_mcp.sandbox.request import Request, bad_request_422
from texml_mcp.sandbox.scripts import fetch
from texml_mcp.sandbox.world import FINAL, Record, World


@handles("list_calls")
def list_calls(world: World, request: Request) -> Reply:
    query = request.query
    started, ended = dates(query, "StartTime"), dates(query, "EndTime")
    status = query.get("Status")
    if status and status not in FINAL:
        raise not_one_of("Status", tuple(sorted(FINAL)))
    trailing = (world.seen(record, request.behind) for record in world.table("calls").values())
    found = [
        record
        for record in trailing
        if record is not None
        and (not status or record["status"] == status)
        and (not query.get("To") or record["to"] == query["To"])
        and (not query.get("From") or record["from"] == query["From"])
        and matches_date(record["started"], started, "StartTime")
        and (not ended or matches_date(record["ended"], ended, "EndTime"))
    ]
    return 200, page(world, request.url, query, "calls", newest_first(found), partial(render.call, world))


@handles("create_call")
def create_call(world: World, request: Request) -> Reply:
    if request.given("Url") and request.given("Texml"):
        raise contradiction("Url", "Texml")
    application = world.table("applications").get(request.given("ApplicationSid"))
    if application is None or not application["settings"].get("active", True):
        raise missing("ApplicationSid")
    supervised = _supervised(world, request)
    inline = inline_document(request)
    settings = application["settings"]
    call = world.dial(
        request.given("To"),
        request.given("From"),
        **leg(request, request.given("ApplicationSid"), settings),
        supervises=supervised,
        role=request.given("SupervisingRole", "barge") if supervised else None,
        runs_document=True,
    )
    # A supervisor's leg stays until the supervised one is over, with a document of its own or without.
    if inline is not None:
        call["script"] = inline
    elif supervised is None or request.given("Url"):
        call["asks"] = asked_document(request, settings, "UrlMethod")
    record(world, request, call["sid"])
    answer: dict[str, Any] = {"from": call["from"], "to": call["to"], "status": "queued"}
    if world.answers_call_sid:
        answer["sid"] = call["sid"]
    return 200, answer


def _supervised(world: World, request: Request) -> str | None:
    """The call to listen in on, which must be going on, and not a supervisor's own."""
    name = "SuperviseCallSid"
    sid = request.given(name)
    if sid is None:
        return None
    call = world.table("calls").get(sid)
    if call is None:
        raise bad_request_422(f"{name}: there is no such call.", name)
    if call["status"] in FINAL:
        raise call_over()
    if call["status"] != "in-progress":
        raise bad_request_422(f"{name}: the call still rings; supervise it once it is answered.", name)
    if call["supervises"] is not None:
        raise bad_request_422(f"{name}: that leg supervises another call itself.", name)
    return sid


def inline_document(request: Request) -> list[Step] | None:
    """The inline document as steps, refused here when it cannot be run; `None` without one."""
    texml = request.given("Texml")
    return None if texml is None else steps(texml)


def asked_document(request: Request, settings: dict[str, Any], method: str) -> dict[str, Any]:
    """Where the instructions are to be asked for when the call is answered: nobody asks for a busy line.

    `method` is the parameter that says how a `Url` is asked.
    """
    given = request.given
    if given("Url"):
        return {"url": given("Url"), "fallback": given("FallbackUrl"), "method": given(method)}
    return {
        "url": settings["voice_url"],
        "fallback": settings["voice_fallback_url"],
        "method": settings["voice_method"],
    }


def leg(request: Request, application: str | None, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a dialed leg takes from its request: limits, detection and callbacks."""
    return {
        "application": application,
        "caller_name": request.given("CallerId"),
        "ring_limit": request.given("Timeout", 30),
        "time_limit": request.given("TimeLimit") or 14_400,
        "detection": _detection(request),
        "hook": hook(request, "StatusCallback", ["completed"]) or of_application(settings),
    }


def of_application(settings: dict[str, Any] | None) -> Record | None:
    if not settings or not settings["status_callback"]:
        return None
    method = settings["status_callback_method"].upper()
    return {"url": settings["status_callback"], "method": method, "events": ["completed"]}


def _detection(request: Request) -> Record | None:
    mode = request.given("MachineDetection", "Disable")
    if mode == "Disable":
        return None
    # A call's verdict is told only where detection runs beside the instructions; a participant's always.
    waits = not request.given("AsyncAmd", False)
    name = "AmdStatusCallback" if waits else "AsyncAmdStatusCallback"
    return {
        "mode": mode,
        "async": not waits,
        "timeout": request.given("MachineDetectionTimeout", 30_000) / 1000,
        "hook": hook(request, name, []),
    }


def hook(request: Request, name: str, events: list[str]) -> Record | None:
    """A callback as asked for: where, how, and for which events (all, when the list is empty)."""
    url = request.given(name)
    if not url:
        return None
    asked = request.given(f"{name}Event")
    method = request.given(f"{name}Method", "POST")
    return {"url": url, "method": method, "events": asked.split() if asked else events}


CHANNELS = {"mono": 1, "single": 1, "dual": 2}


def record(world: World, request: Request, sid: str) -> None:
    """`Record=true`: the leg is recorded from its answer."""
    if not request.given("Record"):
        return
    told = hook(request, "RecordingStatusCallback", ["completed"])
    world.start_recording(
        sid,
        source="OutboundAPI",
        channels=CHANNELS[request.given("RecordingChannels", "mono")],
        track=request.given("RecordingTrack", "both"),
        hook=told and {**told, "with_url": request.given("SendRecordingUrl", True)},
    )


@handles("get_call")
def get_call(world: World, request: Request) -> Reply:
    call = world.seen(find(world, "calls", request.path["call_sid"]), request.behind)
    if call is None:
        raise not_found()
    return 200, render.call(world, call)


@handles("update_call")
def update_call(world: World, request: Request) -> Reply:
    call = live_call(world, request)
    actions = [name for name in ("Status", "Url", "Texml") if request.given(name)]
    if len(actions) > 1:
        raise contradiction(actions[0], actions[1])
    if told := hook(request, "StatusCallback", ["completed"]):
        world.touch(call, hook=told)
    if request.given("Status"):
        world.end(call["sid"], "completed", "system", "normal_clearing")
    elif actions:
        inline = inline_document(request)
        if inline is None:
            given = request.given
            inline = fetch(
                world,
                call,
                given("Url"),
                given("FallbackUrl"),
                method=given("Method"),
                fallback_method=given("FallbackMethod"),
            )
        world.redirect(call, inline)
    return 200, render.call(world, call)


def live_call(world: World, request: Request) -> Record:
    """The call of the path, which must not be over."""
    call = find(world, "calls", request.path["call_sid"])
    if call["status"] in FINAL:
        raise call_over()
    return call
