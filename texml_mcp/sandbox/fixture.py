"""A fixture: a world as a file tells it, step by step through the API's own requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from texml_mcp.catalog import Endpoint, endpoint
from texml_mcp.sandbox.default_world import ACCOUNT_SID
from texml_mcp.sandbox.documents import steps
from texml_mcp.sandbox.errors import ApiError
from texml_mcp.sandbox.handlers import HANDLERS
from texml_mcp.sandbox.handlers.applications import new_application
from texml_mcp.sandbox.world import World


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
