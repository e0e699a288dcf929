"""Calls."""

from __future__ import annotations

from functools import partial
from typing import Any

from texml_mcp.sandbox import render
from texml_mcp.sandbox.errors import call_over, contradiction, missing, not_found, not_one_of
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.listing import dates, matches_date, newest_first, page
from texml_mcp.sandbox.request import Request
from texml_mcp.sandbox.script import Step, steps
from texml_mcp.sandbox.world import FINAL, Record, World

# What a fetched document does here, as nothing can be fetched: it talks for a minute.
UNKNOWN_DOCUMENT_SECONDS = 60.0


@handles("list_calls")
def list_calls(world: World, request: Request) -> Reply:
    query = request.query
    started, ended = dates(query, "StartTime"), dates(query, "EndTime")
    status = query.get("Status")
    if status and status not in FINAL:
        raise not_one_of("Status", tuple(sorted(FINAL)))
    found = [
        record
        for record in world.table("calls").values()
        if world.visible(record)
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
    supervised = request.given("SuperviseCallSid")
    if supervised is not None and find(world, "calls", supervised)["status"] != "in-progress":
        raise call_over()
    call = world.dial(
        request.given("To"),
        request.given("From"),
        caller_name=request.given("CallerId"),
        ring_limit=request.given("Timeout", 30),
        time_limit=request.given("TimeLimit", 14_400),
        detects=request.given("MachineDetection", "Disable") != "Disable",
        **document(request.given("Texml")),
    )
    if request.given("Record"):
        world.start_recording(call["sid"], source="OutboundAPI")
    answer: dict[str, Any] = {"from": call["from"], "to": call["to"], "status": "queued"}
    if world.answers_call_sid:
        answer["sid"] = call["sid"]
    return 200, answer


def document(texml: str | None) -> dict[str, Any]:
    """What the call will run: its inline document, or a minute of talk in place of a fetched one."""
    script: list[Step] = steps(texml) if texml else [["Url", UNKNOWN_DOCUMENT_SECONDS, ""]]
    return {"script": script, "runs_document": True}


@handles("get_call")
def get_call(world: World, request: Request) -> Reply:
    call = find(world, "calls", request.path["call_sid"])
    if not world.visible(call):
        raise not_found()
    return 200, render.call(world, call)


@handles("update_call")
def update_call(world: World, request: Request) -> Reply:
    call = live_call(world, request)
    actions = [name for name in ("Status", "Url", "Texml") if request.given(name)]
    if len(actions) > 1:
        raise contradiction(actions[0], actions[1])
    if request.given("Status"):
        world.end(call["sid"], "completed")
    elif actions:
        changes = document(request.given("Texml"))
        world.leave(call["sid"])
        world.leave_queue(call["sid"])
        world.touch(call, **changes)
        world.run_script(call["sid"])
    return 200, render.call(world, call)


def live_call(world: World, request: Request) -> Record:
    """The call of the path, which must not be over."""
    call = find(world, "calls", request.path["call_sid"])
    if call["status"] in FINAL:
        raise call_over()
    return call
