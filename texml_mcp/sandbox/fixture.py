"""The default world: one business day of a clinic, with something in every state.

Told through the same verbs that requests use, so that it cannot hold what could not have happened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from texml_mcp.catalog import Endpoint, endpoint
from texml_mcp.sandbox import ids
from texml_mcp.sandbox.documents import steps
from texml_mcp.sandbox.errors import ApiError
from texml_mcp.sandbox.handlers import HANDLERS
from texml_mcp.sandbox.handlers.applications import new_application
from texml_mcp.sandbox.world import Record, World

ACCOUNT_SID = "61bf923e-5e4d-4595-a110-56190ea18a1b"
DESK = "+13125550100"
MAIN_APPLICATION = "1293384261075731499"

CALLEES: tuple[Record, ...] = (
    {"match": "+13125550141", "does": "busy"},
    {"match": "+13125550143", "does": "no-answer"},
    {"match": "+13125550144", "does": "rejects", "rings_seconds": 2},
    {"match": "+13125550145", "does": "voicemail", "rings_seconds": 8},
    {"match": "+13125550146", "hangs_up_after_seconds": 20},
)
# What stands in for every document that would be fetched: a minute of talk.
UNKNOWN_DOCUMENT = '<Response><Pause length="60"/></Response>'
_EARLIER = ("completed", "busy", "no-answer", "failed", "canceled", "completed", "completed")
_SAID = (
    "Good morning, this is the clinic. I am calling about your appointment on Thursday.",
    "I would like to move my appointment to next week, please.",
    "Thank you for calling. Your prescription is ready to be picked up.",
)


def default_world(seed: str = "default") -> World:
    """A copy of the default world. What it holds is named alike in every copy; `seed` names what comes."""
    world = World("default", ACCOUNT_SID)
    world.origin = _told(), {}
    world.seed = seed
    world.reset()
    return world


class FixtureError(ValueError):
    """A fixture that cannot be used. `pointer` is the place, an RFC 6901 JSON pointer; "" is the whole."""

    def __init__(self, pointer: str, why: str) -> None:
        super().__init__(f"{pointer}: {why}" if pointer else why)
        self.pointer = pointer


def pointer(*parts: object) -> str:
    """The JSON pointer to a place: `pointer("story", 0)` is `/story/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


_FIELDS = frozenset(
    {"account_sid", "seed", "settings", "documents", "callees", "applications", "queues", "story"}
)
_STORY = frozenset({"request", "path", "query", "body", "advance", "inbound", "as"})
_NAME = re.compile(r"\$\{(\w+)\}")


def world_from(given: Mapping[str, Any]) -> World:
    """A world from a fixture file's content: an account, settings, people, and a story told by requests.

    A step of `story` is `{request, path, query, body}` with `request` the endpoint's id, `{advance: seconds}`
    or `{inbound: {from, application, ...}}`. Every id may be given where the API lets a caller choose one:
    `applications` is a list of settings with an `id`. Others are named where they come about: after a step
    with `as: anna`, `${anna}` in the path, query and body of a later one is the sid that it made, or found:
    of a list, the newest item's. Raises `FixtureError` that names the place.
    """
    world = World(str(given.get("seed", "fixture")), str(given.get("account_sid", ACCOUNT_SID)))
    tell_more(world, {name: value for name, value in given.items() if name not in ("seed", "account_sid")})
    return world


def tell_more(world: World, given: Mapping[str, Any]) -> None:
    """Have a world go on as a fixture's content says; what it is then is what it is reset to.

    Raises `FixtureError`; the world is then told up to the place that it names.
    """
    for name in given:
        if name not in _FIELDS:
            why = f"not part of a fixture; there are {', '.join(sorted(_FIELDS))}"
            raise FixtureError(pointer(name), why)
    _at("/settings", lambda: world.configure(_mapping(given, "settings")))
    for url, texml in _mapping(given, "documents").items():
        _at(pointer("documents", url), lambda texml=texml: steps(texml))
        world.documents[url] = texml
    for place, each in _items(given, "callees"):
        _at(place, lambda each=each: world.script_callee(each))
    for place, each in _items(given, "applications"):
        settings = {name: value for name, value in each.items() if name != "id"}
        for needed in ("friendly_name", "voice_url"):
            if not isinstance(settings.get(needed), str):
                raise FixtureError(f"{place}/{needed}", "is needed, as text")
        sid = str(each.get("id", ""))
        if sid in world.table("applications"):
            raise FixtureError(f"{place}/id", f"{sid!r} is the id of an application before it")
        _at(place, lambda settings=settings, sid=sid: new_application(world, settings, sid))
    for place, each in _items(given, "queues"):
        if not isinstance(each.get("name"), str) or type(each.get("max_size", 1)) is not int:
            raise FixtureError(place, "a name is needed, and max_size must be a whole number")
        world.queue_named(each["name"], each.get("max_size", 300))
    names: dict[str, str] = {}
    for place, each in _items(given, "story"):
        inner = "/inbound" if "inbound" in each else ""
        _at(place + inner, lambda each=each: _step(world, each, names))
    world.origin = world.keep()


def _step(world: World, given: Mapping[str, Any], names: dict[str, str]) -> None:
    """One step; what it makes is added to `names` where it says so."""
    unknown = sorted(set(given) - _STORY)
    if unknown:
        raise ValueError(f"{unknown[0]}: not part of a step")
    step = cast("dict[str, Any]", _with_names(dict(given), names))
    made = ""
    if "advance" in step:
        world.advance(float(step["advance"]))
    elif "inbound" in step:
        caller = dict(step["inbound"])
        made = world.call_in(caller.pop("from", ""), caller.pop("application", ""), **caller)["sid"]
    else:
        path = {"account_sid": world.account_sid, **step.get("path", {})}
        if step.get("request") not in HANDLERS:
            raise ValueError(f"request: {step.get('request')!r} is not an operation")
        status, answer = world.request(step["request"], path, step.get("query"), step.get("body"))
        if status >= 400:
            raise ValueError(f"{step['request']} answered {status}: {answer}")
        made = _made(answer, endpoint(step["request"]))
    if "as" in step:
        if not made:
            raise ValueError("as: this step makes nothing that has a sid")
        names[step["as"]] = made


def _made(answer: Any, known: Endpoint) -> str:
    """The identifier in an answer: `sid`, `call_sid`, or `id` in an envelope; the newest one in a list."""
    if not isinstance(answer, dict):
        return ""
    held = cast("dict[str, Any]", answer)
    if known.page is not None:
        found = cast("list[dict[str, Any]]", held[known.page.items_key])
        held = found[0] if found else {}
    elif known.envelope:
        held = held[known.envelope]
    return str(held.get("sid") or held.get("call_sid") or held.get("id") or "")


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _NAME.sub(lambda found: _named(found[1], names), value)
    if isinstance(value, dict):
        return {key: _with_names(inner, names) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_with_names(inner, names) for inner in cast("list[Any]", value)]
    return value


def _named(name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        raise ValueError(f"${{{name}}} is named by no step before; there are {', '.join(names) or 'none'}")
    return names[name]


def _at(place: str, act: Callable[[], Any]) -> None:
    """Do it; where it fails, name the place, down to the field when the error begins with one."""
    try:
        act()
    except FixtureError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, ApiError) as error:
        field = re.match(r"(\w+): ", str(error))
        inner = f"/{field[1]}" if field else ""
        raise FixtureError(place + inner, str(error)[field.end() if field else 0 :]) from None


def _mapping(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise FixtureError(pointer(name), "must be an object")
    return cast("dict[str, Any]", value)


def _items(given: Mapping[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in cast("list[Any]", value)):
        raise FixtureError(pointer(name), "must be a list of objects")
    return [(pointer(name, at), each) for at, each in enumerate(cast("list[dict[str, Any]]", value))]


@cache
def _told() -> bytes:
    world = World("default", ACCOUNT_SID)
    for each in CALLEES:
        world.script_callee(each)
    world.documents["*"] = UNKNOWN_DOCUMENT
    _applications(world)
    _earlier_calls(world)
    _recordings(world)
    _queues(world)
    _conferences(world)
    _live_calls(world)
    world.events.clear()
    world.outbox.clear()
    world.noted = world.sent = 0
    return world.snapshot()


def _applications(world: World) -> None:
    for sid, name, url in (
        (MAIN_APPLICATION, "Clinic reminders", "https://texml.example.com/reminders"),
        ("", "Clinic front desk", "https://texml.example.com/desk"),
        ("", "Clinic night line", "https://texml.example.com/night"),
    ):
        settings = {"friendly_name": name, "voice_url": url, "active": name != "Clinic night line"}
        new_application(world, settings, sid)
        world.advance(60)


def _leg(world: World, to: str, **more: Any) -> Record:
    return world.dial(to, DESK, runs_document=False, **more)


def _earlier_calls(world: World) -> None:
    """Forty-five calls that are over, in every way a call can be."""
    for index in range(45):
        status = _EARLIER[index % len(_EARLIER)]
        call = _leg(
            world,
            f"+13125550{110 + index % 25}",
            ring_limit=120,
            answered_by="human" if index % 35 == 0 else None,
        )
        world.clock.due.clear()
        world.advance(4)
        if status == "completed":
            world.answer(call["sid"])
            world.clock.due.clear()
            world.advance(20 + index)
        world.end(call["sid"], status)
        world.advance(90)


def _recordings(world: World) -> None:
    for index, said in enumerate(_SAID):
        call = _leg(world, f"+1312555015{index}", caller_name=("Dr. Vale", "Sam Field", None)[index])
        world.clock.due.clear()
        world.answer(call["sid"])
        recording = world.start_recording(call["sid"], source="StartCallRecordingAPI")
        world.advance(30 + 10 * index)
        world.end(call["sid"], "completed")
        world.advance(10)
        sid = ids.uuid_sid(*world.fresh("transcription", recording["sid"]))
        made = {"recording": recording["sid"], "call": call["sid"], "says": said, "hook": None}
        made |= {"text": said, "status": "completed", "duration": recording["duration"]}
        world.new("transcriptions", sid, made)
    recording = next(iter(world.table("recordings").values()))
    sid = ids.uuid_sid(*world.fresh("transcription", "running"))
    made = {"recording": recording["sid"], "call": recording["call"], "says": "", "hook": None}
    world.new("transcriptions", sid, made | {"text": "", "status": "in-progress", "duration": 30})
    world.clock.due.clear()


def _queues(world: World) -> None:
    world.queue_named("support", 10)
    for index in range(3):
        call = _leg(world, f"+1312555016{index}")
        world.clock.due.clear()
        world.answer(call["sid"])
        world.enqueue(call["sid"], "support")
        world.advance(25)
    world.queue_named("billing", 5)
    world.clock.due.clear()


def _conferences(world: World) -> None:
    """One that is over, and one with three people in it."""
    for name, live in (("standup", False), ("care-team", True)):
        conference = world.conference_named(name)
        last = ""
        for index, label in enumerate(("agent", "customer", "supervisor")):
            call = _leg(world, f"+131255501{70 + index + (0 if live else 10)}")
            world.clock.due.clear()
            world.answer(call["sid"])
            world.join(call["sid"], conference["sid"], label=label, muted=label == "supervisor")
            last = call["sid"]
            world.advance(15)
        if live:
            world.start_recording(last, conference=conference["sid"], source="Conference")
        else:
            recording = world.start_recording(last, conference=conference["sid"], source="Conference")
            world.advance(300)
            world.stop_recording(recording)
            world.end_conference(conference, "conference-ended-via-api")
            world.advance(60)
    world.clock.due.clear()


def _live_calls(world: World) -> None:
    call = _leg(world, "+13125550190")
    world.clock.due.clear()
    world.answer(call["sid"])
    world.advance(40)
    world.clock.due.clear()
    _leg(world, "+13125550191", ring_limit=120)
    # It keeps ringing until someone lets the clock run: an answer that is due would race the first read.
    world.clock.due.clear()
    world.plan(120, "end", next(reversed(world.table("calls"))), "no-answer")
