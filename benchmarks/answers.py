"""Ten typical answers of the API, made on the sandbox: what every server that is compared gets to tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.upstream import key
from texml_mcp.catalog import endpoint
from texml_mcp.sandbox import World, Worlds
from texml_mcp.sandbox.default_world import MAIN_APPLICATION

ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"
DOCUMENT = "<Response><Say>Good morning, this is the clinic.</Say><Hangup/></Response>"


def compact(value: Any) -> str:
    """JSON as an API sends it, without a space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Typical:
    """One call that a model would make, and the JSON the API answers it with."""

    tool: str
    arguments: Mapping[str, Any]
    address: str
    body: Any

    @property
    def upstream_text(self) -> str:
        return compact(self.body)


@cache
def typical() -> tuple[Typical, ...]:
    """The ten, in the order a person at a phone desk would ask."""
    world = Worlds().of("sandbox")
    calls = _asked(world, "list_calls").body["calls"]
    over = next(call["sid"] for call in calls if call["status"] == "completed")
    live = next(call["sid"] for call in calls if call["status"] == "in-progress")
    conference = _asked(world, "list_conferences", Status="in-progress").body["conferences"][0]["sid"]
    recording = _asked(world, "list_recordings").body["recordings"][0]["sid"]
    return (
        _asked(world, "list_calls", PageSize=20),
        _asked(world, "get_call", call_sid=over),
        _asked(world, "list_conferences"),
        _asked(world, "get_conference", conference_sid=conference),
        _asked(world, "list_conference_participants", conference_sid=conference),
        _asked(world, "list_recordings"),
        _asked(world, "get_recording", recording_sid=recording),
        _asked(world, "list_queues"),
        _asked(world, "create_call", **dial(0)),
        _asked(world, "update_call", call_sid=live, Status="completed"),
    )


def by_address() -> dict[str, Any]:
    """The answers as the upstream looks them up, and what a careful server reads before a change."""
    changed = next(each for each in typical() if each.tool == "update_call")
    before = changed.address.replace("POST", "GET")
    answers = {each.address: each.body for each in typical()}
    return answers | {before: changed.body | {"status": "in-progress"}}


def a_read() -> Typical:
    return next(each for each in typical() if each.tool == "get_call")


def dial(turn: int) -> dict[str, Any]:
    """Arguments of `create_call` that ring another number each time."""
    return {
        "To": f"+1{212 + turn // 100 % 700}5550{100 + turn % 100}",
        "From": "+13125550100",
        "ApplicationSid": MAIN_APPLICATION,
        "Texml": DOCUMENT,
    }


def _asked(world: World, tool: str, **arguments: Any) -> Typical:
    known = endpoint(tool)
    given = {"account_sid": ACCOUNT, **arguments}
    places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}}
    for place, param in known.params():
        if param.name in given:
            value = given[param.name]
            places[place][param.name] = str(value) if place == "query" else value
    status, body = world.request(tool, places["path"], places["query"], places["body"])
    if status >= 400:
        raise RuntimeError(f"{tool} answered {status}: {body}")
    return Typical(tool, arguments, key(known.method, "/v2" + known.path.format(**places["path"])), body)
