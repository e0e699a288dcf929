"""Conferences."""

from __future__ import annotations

from functools import partial

from texml_mcp.sandbox import render
from texml_mcp.sandbox.errors import conference_over, not_one_of
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.listing import dates, matches_date, newest_first, page
from texml_mcp.sandbox.request import Request
from texml_mcp.sandbox.world import World

STATUSES = ("init", "in-progress", "completed")


@handles("list_conferences")
def list_conferences(world: World, request: Request) -> Reply:
    query = request.query
    status = query.get("Status")
    if status and status not in STATUSES:
        raise not_one_of("Status", STATUSES)
    created, updated = dates(query, "DateCreated"), dates(query, "DateUpdated")
    found = [
        record
        for record in world.table("conferences").values()
        if (not status or record["status"] == status)
        and (not query.get("FriendlyName") or record["friendly_name"] == query["FriendlyName"])
        and matches_date(record["created"], created, "DateCreated")
        and matches_date(record["updated"], updated, "DateUpdated")
    ]
    show = partial(render.conference, world)
    return 200, page(world, request.url, query, "conferences", newest_first(found), show)


@handles("get_conference")
def get_conference(world: World, request: Request) -> Reply:
    return 200, render.conference(world, find(world, "conferences", request.path["conference_sid"]))


@handles("update_conference")
def update_conference(world: World, request: Request) -> Reply:
    conference = find(world, "conferences", request.path["conference_sid"])
    if conference["status"] == "completed":
        raise conference_over()
    if request.given("Status"):
        world.end_conference(conference, "conference-ended-via-api")
    elif request.given("AnnounceUrl"):
        world.announce(conference, request.given("AnnounceUrl"), request.given("AnnounceMethod", "POST"))
    return 200, render.conference(world, conference)
