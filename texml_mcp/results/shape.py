"""From the API's answer to a result: summary shape or full, pages, untrusted labels, and a size cap."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from texml_mcp.catalog import Endpoint, Field, Kind, Shape
from texml_mcp.results.model import Next, ToolResult
from texml_mcp.results.next_steps import MOST, after
from texml_mcp.results.summaries import BY_SHAPE, SENTENCES, Summary
from texml_mcp.results.values import record

# Results stay under this many characters in each channel: whole items are dropped, text is never cut.
MAX_CHARACTERS = 8000


def _untrusted(shape: Shape, *shown: Mapping[str, Any]) -> list[str]:
    """The fields that have a value in one of these records, and whose words a third party chose."""
    return [
        field.name
        for field in shape.fields
        if field.kind is Kind.UNTRUSTED and any(each.get(field.name) for each in shown)
    ]


_told: dict[str, tuple[Field, ...]] = {}


def _told_fields(shape: Shape) -> tuple[Field, ...]:
    """The fields that the summary shape, the line and the next steps are made of, by the shape's name."""
    fields = _told.get(shape.name)
    if fields is None:
        names = BY_SHAPE[shape.name].brief
        fields = _told[shape.name] = tuple(field for field in shape.fields if field.name in names)
    return fields


def shaped(shape: Shape, body: dict[str, Any], *, full: bool) -> dict[str, Any]:
    """The record as far as it is told: half of a call's fields are shaped only when all are asked for."""
    return record(shape.fields if full else _told_fields(shape), body)


def brief(
    names: tuple[str, ...], everything: Mapping[str, Any], flags: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The summary shape: those of the named fields that hold something, and of `flags` those that are set."""
    picked = ((name, everything.get(name)) for name in names)
    # A duration of nothing says that it has none yet, as the line of a list does.
    return {
        name: value
        for name, value in picked
        if value not in (None, "", [], {})
        and not (name == "duration" and value == 0)
        and not (name in flags and value is False)
    }


def key_of(shape: Shape, shown: Mapping[str, Any]) -> str:
    """The identifier that names a record in other calls."""
    for name in ("sid", "call_sid", "id", "name"):
        if shown.get(name):
            return str(shown[name])
    return shape.name


def one(endpoint: Endpoint, given: Mapping[str, Any], body: Any, *, full: bool) -> ToolResult:
    """The result of a call that answers one resource, or nothing."""
    sentence = SENTENCES.get(endpoint.id)
    if endpoint.shape is None:
        assert sentence is not None, f"{endpoint.id} has no sentence"
        return ToolResult("ok", sentence({}, given), next=after(endpoint, given, {}))
    inner = unwrap(endpoint, body)
    everything = shaped(endpoint.shape, inner, full=full)
    summary = BY_SHAPE[endpoint.shape.name]
    shown = everything if full else brief(summary.brief, everything)
    if sentence is not None:
        line = sentence(everything, given)
    else:
        # The fields follow: a head that repeats them would double the bill.
        line = f"{_upper(summary.noun)} {summary.state(everything) or key_of(endpoint.shape, everything)}"
    return ToolResult(
        "ok",
        line,
        data=shown,
        untrusted=_untrusted(endpoint.shape, shown),
        next=after(endpoint, given, everything),
    )


def _upper(noun: str) -> str:
    return noun[:1].upper() + noun[1:]


def unwrap(endpoint: Endpoint, body: Any) -> dict[str, Any]:
    """The resource inside the answer's envelope, or the answer itself."""
    held = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    inner = held.get(endpoint.envelope) if endpoint.envelope else held
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}


def many(
    endpoint: Endpoint,
    given: Mapping[str, Any],
    bodies: list[dict[str, Any]],
    *,
    full: bool,
    total: int | None,
    following: Next | None,
    more: bool = False,
) -> ToolResult:
    """The result of a list: as many whole items as fit, and where the rest is.

    `following` is the ready call for what comes after `bodies`; `more` says that there is something,
    also where the API documents no way to ask for it but `limit`.
    """
    assert endpoint.shape is not None
    assert endpoint.page is not None
    summary = BY_SHAPE[endpoint.shape.name]
    everything = [shaped(endpoint.shape, body, full=full) for body in bodies]
    first = everything[0] if everything else {}
    if not full:
        # What was asked for is not said again in each item.
        scope = {param.name: given.get(param.name) for param in endpoint.path_params}
        everything = [
            {name: value for name, value in each.items() if value is None or scope.get(name) != value}
            for each in everything
        ]
    items = everything if full else [brief(summary.item, each, summary.flags) for each in everything]
    lines = [_line(endpoint.shape, summary, each) for each in everything]
    kept = _fitting(items, lines)
    result = ToolResult("ok", "", items=items[:kept], lines=lines[:kept])
    result.untrusted = _untrusted(endpoint.shape, *items[:kept])
    more = more or following is not None or kept < len(items)
    result.page = {"shown": kept, "more": more} | ({"total": total} if total is not None else {})
    result.summary = _headline(summary.noun, kept, len(items), total, more=more)
    if kept < len(items):
        result.next.append(_smaller(endpoint, given, kept, full=full))
    elif following is not None:
        result.next.append(following)
    elif more:
        rest = portable(endpoint, given) | {"limit": 100}
        result.next.append(Next(endpoint.id, rest, "gather across pages"))
    result.next += after(endpoint, given, first)[: MOST - len(result.next)]
    return result


def _line(shape: Shape, summary: Summary, shown: Mapping[str, Any]) -> str:
    """One item of a list as text: its full identifier first, third-party words marked."""
    line = f"{key_of(shape, shown)} {summary.line(shown)}".rstrip()
    if shape.name == "call" and shown.get("caller_name"):
        line += f' caller_name (untrusted): "{shown["caller_name"]}"'
    return line


def _fitting(items: list[dict[str, Any]], lines: list[str]) -> int:
    """How many whole items fit into both channels; at least one, so that a page always moves on."""
    room = MAX_CHARACTERS - 1200  # the summary, notes and next steps around the items
    structured = text = 0
    for index, (item, line) in enumerate(zip(items, lines, strict=True)):
        structured += len(json.dumps(item, separators=(",", ":"), ensure_ascii=False)) + 1
        text += len(line) + 1
        if index and max(structured, text) > room:
            return index
    return len(items)


def _headline(noun: str, kept: int, fetched: int, total: int | None, *, more: bool) -> str:
    plural = noun if kept == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    if not fetched:
        return f"No {noun}s found."
    if not more:
        return f"{kept} {plural}."
    of = f"of {total}" if total is not None else f"of at least {fetched + (0 if kept < fetched else 1)}"
    return f"{kept} {plural} shown {of}; narrow with a filter, or continue with next."


def _smaller(endpoint: Endpoint, given: Mapping[str, Any], kept: int, *, full: bool) -> Next:
    """The call that shows what was dropped: the page that begins there, smaller pages, or fewer fields."""
    arguments = portable(endpoint, given)
    names = {param.name: param.key for _, param in endpoint.params()}
    number, size = ("page[number]", "page[size]") if "page[size]" in names else ("Page", "PageSize")
    if full and size not in names:
        return Next(endpoint.id, arguments, "with fewer fields all items fit")
    arguments = {
        key: value for key, value in arguments.items() if key not in ("Page", "PageToken", "page_number")
    }
    if full:
        arguments["detail"] = "full"
    start = _start(given, number, size)
    if start is None or number not in names:
        arguments |= {names[size]: kept} if size in names else {}
        return Next(endpoint.id, arguments, f"pages of {kept} fit whole")
    page, each = _page_after(start + kept, kept)
    arguments |= {names[number]: page + (number == "page[number]"), names[size]: each}
    return Next(endpoint.id, arguments, "what did not fit")


def _start(given: Mapping[str, Any], number: str, size: str) -> int | None:
    """How many items come before those of this call; None when nobody can tell."""
    if given.get("PageToken"):
        return None
    page, each = given.get(number), given.get(size)
    if number == "page[number]" and page is not None:
        page -= 1
    if not page:
        return 0
    return page * each if each else None


def _page_after(start: int, most: int) -> tuple[int, int]:
    """The page, counted from 0, and its size, of at most `most`, that begins with this item.

    Where only tiny pages begin there it is a page that begins a little before: nothing is left out.
    """
    size = next((each for each in range(most, most // 2, -1) if start % each == 0), most)
    return start // size, size


def portable(endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments under wire names as a model gives them: portable keys, no secret."""
    keys = {param.name: param for _, param in endpoint.params()}
    return {
        keys[name].key: value
        for name, value in given.items()
        if name in keys and keys[name].kind is not Kind.SECRET
    }
