"""SIPREC sessions and media streams."""

from __future__ import annotations

from texml_mcp.sandbox import render
from texml_mcp.sandbox.attachments import disconnected
from texml_mcp.sandbox.errors import call_over, missing, not_found
from texml_mcp.sandbox.handlers.calls import hook, live_call
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.request import Request
from texml_mcp.sandbox.world import Record, World


def _start(world: World, request: Request, table: str, track: str) -> Record:
    call = live_call(world, request)
    if call["status"] != "in-progress":
        raise call_over()
    told = hook(request, "StatusCallback", [])
    return world.start_medium(
        table, call["sid"], request.given("Name", ""), request.given("Track", track), told
    )


def _stop(world: World, request: Request, table: str, sid: str) -> Record:
    medium = find(world, table, sid)
    if medium["call"] != request.path["call_sid"]:
        raise not_found()
    world.stop_medium(table, medium)
    # `<Connect><Stream>` holds the document until its stream is over.
    call = world.table("calls").get(medium["call"])
    if call is not None and call["status"] == "in-progress" and call["connected"] == medium["sid"]:
        disconnected(world, call)
    return medium


@handles("start_call_siprec")
def start_call_siprec(world: World, request: Request) -> Reply:
    return 200, render.siprec(world, _start(world, request, "siprecs", "both_tracks"))


@handles("update_call_siprec")
def update_call_siprec(world: World, request: Request) -> Reply:
    return 200, render.siprec_change(world, _stop(world, request, "siprecs", request.path["siprec_sid"]))


@handles("start_call_stream")
def start_call_stream(world: World, request: Request) -> Reply:
    if not request.given("Url"):
        raise missing("Url")
    return 200, render.stream(world, _start(world, request, "streams", "inbound_track"))


@handles("update_call_stream")
def update_call_stream(world: World, request: Request) -> Reply:
    return 200, render.stream_change(world, _stop(world, request, "streams", request.path["streaming_sid"]))
