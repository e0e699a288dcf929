"""TeXML applications and secrets: the resources whose answers come in a `data` envelope."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from texml_mcp.catalog import endpoint
from texml_mcp.sandbox import ids, render
from texml_mcp.sandbox.errors import not_one_of, wrong_account
from texml_mcp.sandbox.handlers.registry import Reply, handles
from texml_mcp.sandbox.listing import newest_first, numbered
from texml_mcp.sandbox.request import Request, bad_request_422
from texml_mcp.sandbox.world import Record, World

_DEFAULTS: dict[str, Any] = {
    param.name: param.default
    for param in endpoint("create_application").body_params
    if param.default is not None
}
_INBOUND = {"channel_limit": None, "shaken_stir_enabled": False, "sip_subdomain": None}
_OPEN = {"sip_subdomain_receive_settings": "from_anyone"}
_OUTBOUND = {"channel_limit": None, "outbound_voice_profile_id": None}


def new_application(world: World, settings: dict[str, Any], sid: str = "") -> Record:
    """An application with the documented defaults for what is not given."""
    made: dict[str, Any] = {
        **_DEFAULTS,
        "tags": [],
        "voice_fallback_url": "",
        "status_callback": "",
        **settings,
    }
    made["inbound"] = _INBOUND | _OPEN | settings.get("inbound", {})
    made["outbound"] = _OUTBOUND | settings.get("outbound", {})
    sid = sid or ids.digits(*world.fresh("application", settings.get("friendly_name")))
    return world.new("applications", sid, {"settings": made})


def _find(world: World, request: Request) -> Record:
    application = world.table("applications").get(request.path["id"])
    if application is None:
        raise wrong_account()
    return application


@handles("list_applications")
def list_applications(world: World, request: Request) -> Reply:
    query = request.query
    name = query.get("filter[friendly_name]", "")
    if name and len(name) < 3:
        raise bad_request_422(
            "filter[friendly_name] needs three characters or more.", "filter[friendly_name]"
        )
    profile = query.get("filter[outbound_voice_profile_id]")
    found = [
        record
        for record in newest_first(world.table("applications").values())
        if name.lower() in record["settings"]["friendly_name"].lower()
        and (not profile or record["settings"]["outbound"]["outbound_voice_profile_id"] == profile)
    ]
    sort = query.get("sort", "")
    if sort:
        key = sort.removeprefix("-")
        if key not in ("created_at", "friendly_name", "active"):
            raise not_one_of("sort", ("created_at", "friendly_name", "active"))

        def by(record: Record) -> Any:
            return record["created"] if key == "created_at" else record["settings"][key]

        found.sort(key=by, reverse=sort.startswith("-"))
    return 200, numbered(query, found, partial(render.application, world))


@handles("create_application")
def create_application(world: World, request: Request) -> Reply:
    return 201, {"data": render.application(world, new_application(world, dict(request.body)))}


@handles("get_application")
def get_application(world: World, request: Request) -> Reply:
    return 200, {"data": render.application(world, _find(world, request))}


@handles("update_application")
def update_application(world: World, request: Request) -> Reply:
    application = _find(world, request)
    settings = application["settings"]
    changes = dict(request.body)
    for part in ("inbound", "outbound"):
        if part in changes:
            changes[part] = settings[part] | changes[part]
    world.touch(application, settings=settings | changes)
    return 200, {"data": render.application(world, application)}


@handles("delete_application")
def delete_application(world: World, request: Request) -> Reply:
    application = _find(world, request)
    del world.table("applications")[application["sid"]]
    return 200, {"data": render.application(world, application)}


@handles("create_secret")
def create_secret(world: World, request: Request) -> Reply:
    name = request.given("name")
    # Only a digest is in the state: enough to tell whether it changed, useless to whoever reads a snapshot.
    digest = hashlib.sha256(str(request.given("value")).encode("utf-8", "replace")).hexdigest()
    world.vault[name] = str(request.given("value"))
    known = world.table("secrets").get(name)
    if known is None:
        world.new("secrets", name, {"digest": digest})
    else:
        world.touch(known, digest=digest)
    return 201, {"data": {"name": name, "value": "REDACTED"}}
