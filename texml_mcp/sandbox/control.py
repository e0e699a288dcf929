"""The control plane over HTTP: what `Worlds` and `World` do in Python, under `/_sandbox`.

    GET    /worlds                      names, clocks and hashes
    PUT    /worlds/{name}               make it anew, from a fixture in the body or the default one
    DELETE /worlds/{name}
    GET    /worlds/{name}/state|hash|hears|events|outbox|callees|faults|documents|settings
                                        (`since=N` for events and outbox: those numbered above N)
    GET    /worlds/{name}/public-key    checks the signatures of delivered callbacks
    GET    /worlds/{name}/diff?with=OTHER
    POST   /worlds/{name}/snapshot      answers an id
    POST   /worlds/{name}/restore       {snapshot}
    POST   /worlds/{name}/reset         back to its fixture
    POST   /worlds/{name}/fork          {as}
    POST   /worlds/{name}/advance       {seconds}
    POST   /worlds/{name}/faults        a fault; DELETE disarms all
    POST   /worlds/{name}/callees       a callee
    POST   /worlds/{name}/inbound       {from, application}, and {to, says, presses, ...}
    POST   /worlds/{name}/documents     {url, texml}
    POST   /worlds/{name}/settings      {tick_seconds, lag_seconds, rate_limit, ...}

A mistake answers 400, an unknown world 404, both with `{"error": ...}` that names the place, for a fixture
also `pointer`; it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from texml_mcp.sandbox.errors import ApiError
from texml_mcp.sandbox.exchange import Reply
from texml_mcp.sandbox.faults import arm
from texml_mcp.sandbox.fixture import FixtureError, world_from
from texml_mcp.sandbox.people import DEFAULT_CALLEE
from texml_mcp.sandbox.world import World
from texml_mcp.sandbox.worlds import KEY, Worlds

Act = Callable[[Worlds, str, World, Mapping[str, str], Mapping[str, Any]], Any]
_CALLER = {"from", "application", "to", "caller_name", *DEFAULT_CALLEE} - {"match"}


def listing(method: str, path: str) -> bool:
    """Whether a request asks for the list of worlds. `path` is the part after `/_sandbox`."""
    return method == "GET" and path.strip("/") == "worlds"


def concerned(path: str, query: Mapping[str, str], body: Mapping[str, Any]) -> set[str]:
    """The worlds that a request reads or changes."""
    parts = path.strip("/").split("/")
    named = [parts[1] if len(parts) > 1 else None, query.get("with"), body.get("as")]
    return {name for name in named if isinstance(name, str) and name}


def control(
    worlds: Worlds, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any]
) -> Reply:
    """One control request about one world."""
    parts = [part for part in path.split("/") if part]
    if len(parts) not in (2, 3) or parts[0] != "worlds":
        return _refused(404, f"{path}: there is no such control")
    name = parts[1]
    try:
        if len(parts) == 2 and method == "PUT":
            _check_name(name)
            worlds.put(name, _from_fixture(body) if body else worlds.anew())
            return Reply(201, line(name, worlds.known(name)))
        try:
            world = worlds.known(name)
        except KeyError:
            there = ", ".join(list(worlds.all())[:20]) or "none yet"
            return _refused(404, f"worlds/{name}: there is no such world; there are {there}")
        if len(parts) == 2 and method == "DELETE":
            worlds.drop(name)
            return Reply(200, {"dropped": name})
        act = _ACTS.get((method, parts[2])) if len(parts) == 3 else None
        if act is None:
            return _refused(404, f"{method} {path}: there is no such control")
        return Reply(200, act(worlds, name, world, query, body))
    except FixtureError as error:
        return _refused(400, f"{path.lstrip('/')}: {error}", pointer=error.pointer)
    except (ValueError, ApiError) as error:
        return _refused(400, f"{path.lstrip('/')}: {error}")


def _refused(status: int, why: str, **more: Any) -> Reply:
    return Reply(status, {"error": why, **more})


def _check_name(name: str) -> None:
    if not KEY.fullmatch(name):
        raise ValueError("a world is named by its API key: 'sandbox', or 'sandbox-' and up to 100 characters")


def _from_fixture(body: Mapping[str, Any]) -> World:
    from texml_mcp.sandbox.fixture_file import check

    try:
        check(body)
    except RecursionError:
        raise ValueError("the fixture is nested too deeply") from None
    return world_from(body)


def line(name: str, world: World) -> dict[str, Any]:
    """A world in a list of worlds."""
    return {"name": name, "now": world.clock.now, "hash": world.hash(), "due": len(world.clock.due)}


def _since(entries: list[dict[str, Any]], last: int, query: Mapping[str, str]) -> dict[str, Any]:
    text = query.get("since", "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ValueError("since: a whole number")
    return {"next": last, "entries": [each for each in entries if each["number"] > int(text)]}


def _diff(worlds: Worlds, _: str, world: World, query: Mapping[str, str], __: Mapping[str, Any]) -> Any:
    try:
        other = worlds.known(query.get("with", ""))
    except KeyError:
        raise ValueError(f"with: there is no world {query.get('with', '')!r}") from None
    return {"differences": world.diff(other)}


def _restore(worlds: Worlds, name: str, _: World, __: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    try:
        return line(name, worlds.back(name, str(body.get("snapshot"))))
    except KeyError:
        raise ValueError(f"snapshot: there is no snapshot {body.get('snapshot')!r}") from None


def _fork(worlds: Worlds, name: str, world: World, _: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    other = body.get("as")
    if not isinstance(other, str) or not other or other == name:
        raise ValueError("as: another world's name is needed")
    _check_name(other)
    worlds.put(other, world.fork())
    return line(other, worlds.known(other))


def _advance(_: Worlds, name: str, world: World, __: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    span = body.get("seconds")
    if isinstance(span, bool) or not isinstance(span, (int, float)):
        raise ValueError("seconds: a number is needed")
    world.advance(span)
    return line(name, world)


def _inbound(_: Worlds, __: str, world: World, ___: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    given = dict(body)
    for field in given:
        if field not in _CALLER:
            raise ValueError(f"{field}: not a field of a caller; there are {', '.join(sorted(_CALLER))}")
    from_, application = given.pop("from", None), given.pop("application", None)
    if not isinstance(from_, str) or not isinstance(application, str):
        raise ValueError("from, application: both are needed, as text")
    return {"call_sid": world.call_in(from_, application, **given)["sid"]}


def _document(_: Worlds, __: str, world: World, ___: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    from texml_mcp.sandbox.documents import steps

    url, texml = body.get("url"), body.get("texml")
    if not isinstance(url, str) or not isinstance(texml, str):
        raise ValueError("url, texml: both are needed, as text")
    steps(texml)
    world.documents[url] = texml
    return {"documents": sorted(world.documents)}


def _public_key(_: Worlds, __: str, world: World, ___: Mapping[str, str], ____: Mapping[str, Any]) -> Any:
    from texml_mcp.sandbox.delivery import public_key

    return {"public_key": public_key(world.seed)}


def _settings(_: Worlds, __: str, world: World, ___: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    world.configure(body)
    return world.settings()


def _disarm(_: Worlds, __: str, world: World, ___: Mapping[str, str], ____: Mapping[str, Any]) -> Any:
    world.faults.clear()
    return {"faults": []}


_ACTS: dict[tuple[str, str], Act] = {
    ("GET", "state"): lambda _, __, world, ___, ____: world.shown(),
    ("GET", "hash"): lambda _, __, world, ___, ____: {"hash": world.hash()},
    ("GET", "events"): lambda _, __, world, query, ___: _since(world.events, world.noted, query),
    ("GET", "outbox"): lambda _, __, world, query, ___: _since(world.outbox, world.sent, query),
    ("GET", "callees"): lambda _, __, world, ___, ____: {"callees": world.callees},
    ("GET", "faults"): lambda _, __, world, ___, ____: {"faults": world.faults},
    ("GET", "settings"): lambda _, __, world, ___, ____: world.settings(),
    ("GET", "hears"): lambda _, __, world, ___, ____: {"hears": world.hears()},
    ("GET", "documents"): lambda _, __, world, ___, ____: {"documents": world.documents},
    ("GET", "public-key"): _public_key,
    ("GET", "diff"): _diff,
    ("POST", "snapshot"): lambda worlds, name, _, __, ___: {"snapshot": worlds.keep(name)},
    ("POST", "restore"): _restore,
    ("POST", "reset"): lambda worlds, name, _, __, ___: line(name, worlds.reset(name)),
    ("POST", "fork"): _fork,
    ("POST", "advance"): _advance,
    ("POST", "faults"): lambda _, __, world, ___, body: {"fault": arm(world, body)},
    ("DELETE", "faults"): _disarm,
    ("POST", "callees"): lambda _, __, world, ___, body: {"callee": world.script_callee(body)},
    ("POST", "inbound"): _inbound,
    ("POST", "documents"): _document,
    ("POST", "settings"): _settings,
}
