"""Completions: what a user may be typing, from reads that are kept for a few seconds.

Typing asks at every key. One read serves all of it; further pages are read only while nothing fits, and
a read that fails, or takes too long, is an empty list.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from texml_mcp.catalog.calls import FINAL_STATUSES, LIVE_STATUSES
from texml_mcp.server import prompts
from texml_mcp.server.reader import Reader
from texml_mcp.server.resources import CALL_TEMPLATE, templates

MOST_VALUES = 100  # the protocol's own limit
MOST_PAGES = 5
MOST_KEPT = 256
KEPT_SECONDS = 5.0
PATIENCE_SECONDS = 4.0
LONGEST = 256

Record = Mapping[str, Any]
Pick = Callable[[list[dict[str, Any]], str], Iterable[str]]


class UnknownReferenceError(Exception):
    """No such template, prompt or argument; the text names the valid ones."""


@dataclass(slots=True)
class _Pages:
    """The pages of one list that have been read so far.

    `more` are the arguments that read the next page, None when none is to be read. `rest` says that there
    is more than was read, `whole` that there is not.
    """

    at: float
    more: Mapping[str, Any] | None = field(default_factory=dict[str, Any])
    count: int = 0
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rest: bool = False
    whole: bool = False
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class Completions:
    """Answers `completion/complete`; keeps what it read for each principal and account apart."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], _Pages] = OrderedDict()

    async def of_template(self, reader: Reader, template: str, argument: str, typed: str) -> dict[str, Any]:
        """Values for a template's argument. Raises `UnknownReferenceError`."""
        offered = templates(reader.services)
        if template != CALL_TEMPLATE or not offered:
            valid = ", ".join(each["uriTemplate"] for each in offered) or "none"
            raise UnknownReferenceError(f"No such template. Valid: {valid}.")
        if argument != "call_sid":
            raise UnknownReferenceError("No such argument. Valid: call_sid.")
        return await self._matching(reader, "list_calls", typed, _live_first)

    async def of_prompt(self, reader: Reader, name: str, argument: str, typed: str) -> dict[str, Any]:
        """Values for a prompt's argument. Raises `UnknownReferenceError`."""
        try:
            prompt = prompts.find(name, reader.services.offered)
        except prompts.PromptError as error:
            raise UnknownReferenceError(str(error)) from None
        valid = [each.name for each in prompt.arguments]
        if argument not in valid:
            raise UnknownReferenceError(f"No such argument. Valid: {', '.join(valid) or 'none'}.")
        match argument:
            case "call_sid":
                return await self._matching(reader, "list_calls", typed, _failed_first)
            case "from":
                return await self._matching(reader, "list_calls", typed, _own_numbers)
            case "application":
                return await self._matching(reader, "list_applications", typed, _applications)
            case _:
                return _answer([])

    async def _matching(self, reader: Reader, tool: str, typed: str, pick: Pick) -> dict[str, Any]:
        if not reader.offers(tool) or len(typed) > LONGEST:
            return _answer([])
        pages = self._pages(reader, tool)
        found: list[str] = []
        # A slow API must not leave a user looking at an empty menu, nor a client waiting.
        with anyio.move_on_after(PATIENCE_SECONDS):
            async with pages.lock:
                found = _fitting(pages, pick, typed)
                while not found and pages.more is not None:
                    await _read_on(reader, tool, pages)
                    found = _fitting(pages, pick, typed)
        return _answer(found, rest=pages.rest, whole=pages.whole)

    def _pages(self, reader: Reader, tool: str) -> _Pages:
        services = reader.services
        key = (services.principal, services.account_sid, services.only_accounts, tool)
        now = time.monotonic()
        pages = self._kept.get(key)
        if pages is None or now - pages.at > KEPT_SECONDS:
            pages = self._kept[key] = _Pages(now)
            self._kept.move_to_end(key)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return pages


async def _read_on(reader: Reader, tool: str, pages: _Pages) -> None:
    """Read one more page; what cannot be read is not tried again before the pages are too old."""
    arguments, pages.more = pages.more, None
    result = await reader.read(tool, arguments or {})
    if result.status != "ok":
        return
    pages.count += 1
    pages.items += result.items or []
    following = next((step for step in result.next if step.why == "the next page"), None)
    pages.rest = bool((result.page or {}).get("more"))
    pages.whole = not pages.rest
    if following is not None and pages.count < MOST_PAGES:
        pages.more = following.arguments


def _fitting(pages: _Pages, pick: Pick, typed: str) -> list[str]:
    return list(dict.fromkeys(value for value in pick(pages.items, typed) if 0 < len(value) <= LONGEST))


def _answer(found: list[str], *, rest: bool = False, whole: bool = True) -> dict[str, Any]:
    """At most a hundred values; the total only where all there is has been seen."""
    told: dict[str, Any] = {"values": found[:MOST_VALUES], "hasMore": rest or len(found) > MOST_VALUES}
    return told | ({"total": len(found)} if whole else {})


def _sids(calls: list[dict[str, Any]], typed: str, first: tuple[str, ...]) -> Iterator[str]:
    for call in sorted(calls, key=lambda call: call.get("status") not in first):
        sid = str(call.get("sid") or "")
        if sid.startswith(typed):
            yield sid


def _live_first(calls: list[dict[str, Any]], typed: str) -> Iterator[str]:
    return _sids(calls, typed, LIVE_STATUSES)


def _failed_first(calls: list[dict[str, Any]], typed: str) -> Iterator[str]:
    return _sids(calls, typed, tuple(status for status in FINAL_STATUSES if status != "completed"))


def _own_numbers(calls: list[dict[str, Any]], typed: str) -> Iterator[str]:
    """The numbers that earlier calls from here have shown."""
    for call in calls:
        number = str(call.get("from") or "")
        if call.get("direction") == "outbound" and number.startswith(typed):
            yield number


def _applications(applications: list[dict[str, Any]], typed: str) -> Iterator[str]:
    """Names of active applications; ids once one is being typed."""
    for application in applications:
        if not application.get("active"):
            continue
        name, sid = str(application.get("friendly_name") or ""), str(application.get("id") or "")
        if name.casefold().startswith(typed.casefold()):
            yield name
        if typed and sid.startswith(typed):
            yield sid
