"""A world as expressions and graders see it: tables as lists, what holds nothing left out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from texml_mcp.sandbox.comparing import settled
from texml_mcp.sandbox.store import TABLES
from texml_mcp.sandbox.world import World

View = dict[str, Any]

# What our server fills in by itself where the caller says nothing: no part of what was asked for.
FILLED_IN = ("/calls/*/time_limit",)


def view(world: World, *, events_after: int = 0, callbacks_after: int = 0) -> View:
    """`{account_sid, now, hears, events, outbox}` and each table as a list in the order of creation.

    Of the logs, what is numbered above the given ones. Secret values are nowhere in it.
    """
    seen: View = {"account_sid": world.account_sid, "now": world.clock.now, "hears": world.hears()}
    for table in TABLES:
        seen[table] = sorted(world.table(table).values(), key=lambda record: record["number"])
    seen["events"] = [each for each in world.events if each["number"] > events_after]
    seen["outbox"] = [each for each in world.outbox if each["number"] > callbacks_after]
    return cast("View", _without_nothing(seen))


def fingerprint(seen: View, ignoring: Sequence[str] = ()) -> str:
    """A digest of the tables in a view, the same for the same outcome however fast it came about."""
    text = json.dumps(_counting(seen, ignoring), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differences(one: View, other: View, ignoring: Sequence[str] = ()) -> Iterator[tuple[str, Any, Any]]:
    """`(path, value here, value there)` for each place that counts and differs."""
    here, there = _counting(one, ignoring), _counting(other, ignoring)
    for path in sorted(here.keys() | there.keys()):
        if here.get(path) != there.get(path):
            yield path, here.get(path), there.get(path)


def _counting(seen: View, ignoring: Sequence[str]) -> dict[str, Any]:
    """The places of the tables that a comparison looks at, by their path."""
    patterns = (*FILLED_IN, *ignoring)
    return {
        path: value
        for path, value in _places("", _by_sid(seen))
        if not any(fnmatchcase(path, each) or fnmatchcase(path, each + "/*") for each in patterns)
    }


def _by_sid(seen: View) -> dict[str, Any]:
    return {table: {each["sid"]: settled(each) for each in seen.get(table, ())} for table in TABLES}


def _places(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf by its path; what is empty is one too."""
    inner: Iterable[tuple[object, Any]] = ()
    if isinstance(value, Mapping):
        inner = cast("Mapping[object, Any]", value).items()
    elif isinstance(value, list):
        inner = enumerate(cast("list[Any]", value))
    empty = True
    for key, each in inner:
        empty = False
        yield from _places(f"{path}/{key}", each)
    if empty:
        yield path, value


def _without_nothing(value: Any) -> Any:
    """A copy without keys that hold None: in an expression both are null."""
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        return {key: _without_nothing(inner) for key, inner in held.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nothing(inner) for inner in cast("list[Any]", value)]
    return value
