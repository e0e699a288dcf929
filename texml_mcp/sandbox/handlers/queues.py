"""Call queues."""

from __future__ import annotations

from functools import partial

from texml_mcp.sandbox import render
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.listing import dates, matches_date, newest_first, page
from texml_mcp.sandbox.request import Request, bad_request_422
from texml_mcp.sandbox.world import World


@handles("list_queues")
def list_queues(world: World, request: Request) -> Reply:
    created, updated = dates(request.query, "DateCreated"), dates(request.query, "DateUpdated")
    found = [
        record
        for record in world.table("queues").values()
        if matches_date(record["created"], created, "DateCreated")
        and matches_date(record["updated"], updated, "DateUpdated")
    ]
    show = partial(render.queue, world)
    return 200, page(world, request.url, request.query, "queues", newest_first(found), show)


@handles("create_queue")
def create_queue(world: World, request: Request) -> Reply:
    name = request.given("FriendlyName") or f"queue-{world.made + 1}"
    return 200, render.queue(world, world.queue_named(name, _size(request, 300)))


@handles("get_queue")
def get_queue(world: World, request: Request) -> Reply:
    return 200, render.queue(world, find(world, "queues", request.path["queue_sid"]))


@handles("update_queue")
def update_queue(world: World, request: Request) -> Reply:
    queue = find(world, "queues", request.path["queue_sid"])
    world.touch(queue, max_size=_size(request, queue["max_size"]))
    return 200, render.queue(world, queue)


@handles("delete_queue")
def delete_queue(world: World, request: Request) -> Reply:
    queue = find(world, "queues", request.path["queue_sid"])
    # What becomes of waiting callers is documented nowhere: here they are hung up.
    for member in list(queue["waiting"]):
        world.end(member["call"], "completed")
    del world.table("queues")[queue["sid"]]
    return 204, None


def _size(request: Request, default: int) -> int:
    size = int(request.given("MaxSize", default))
    if size < 1:
        raise bad_request_422("MaxSize must be at least 1.", "MaxSize")
    return size
