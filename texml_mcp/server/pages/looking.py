"""What is happening on one account: read through the pipeline, and once for everybody who looks.

A reading is kept for a few seconds and shared by account, however many browsers are open. Whether a
principal may read is asked each time, before a shared reading is shown to it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from texml_mcp.call import Call, Services
from texml_mcp.catalog import endpoint
from texml_mcp.catalog.calls import FINAL_STATUSES
from texml_mcp.execute import execute
from texml_mcp.results import ToolResult

KEPT_SECONDS = 3.0
LONGEST_SECONDS = 8.0
CALL_PAGES, CALLS_A_PAGE = 4, 20
MOST_CONFERENCES = 8
_LISTED = 50

Items = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Records as they were read, or why there are none. `seen` is how many were looked at."""

    items: Items = field(default_factory=list[dict[str, Any]])
    problem: str = ""
    more: bool = False
    seen: int = 0


_NOT_ALLOWED = Reading(problem="Your role or policy does not let you read this.")
_TOO_SLOW = Reading(problem=f"The API did not answer within {LONGEST_SECONDS:g} s. It is asked again soon.")


class Looking:
    """Readings of all accounts, none older than `KEPT_SECONDS` when it is shown."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[float, Reading]] = {}
        self._locks: dict[tuple[str, ...], anyio.Lock] = defaultdict(anyio.Lock)

    async def calls(self, services: Services, account: str) -> Reading:
        """The calls that ring or last, of the newest ones: the API cannot be asked for these alone."""
        return await self._shared(services, "list_calls", account, (), lambda: _live_calls(services, account))

    async def conferences(self, services: Services, account: str) -> Reading:
        """The conferences that are going on."""
        given = {"Status": "in-progress", "PageSize": CALLS_A_PAGE}
        return await self._shared(
            services,
            "list_conferences",
            account,
            (),
            lambda: _read(services, "list_conferences", account, given),
        )

    async def participants(self, services: Services, account: str, conference: str) -> Reading:
        """Who is in a conference."""
        given = {"conference_sid": conference}
        return await self._shared(
            services,
            "list_conference_participants",
            account,
            (conference,),
            lambda: _read(services, "list_conference_participants", account, given),
            given,
        )

    async def queues(self, services: Services, account: str) -> Reading:
        """The queues, with how many wait."""
        return await self._shared(
            services,
            "list_queues",
            account,
            (),
            lambda: _read(services, "list_queues", account, {"PageSize": _LISTED}),
        )

    async def _shared(
        self,
        services: Services,
        tool: str,
        account: str,
        more: tuple[str, ...],
        read: Callable[[], Awaitable[Reading]],
        given: Mapping[str, Any] | None = None,
    ) -> Reading:
        """One reading for all that ask at the same time, if this principal may have it."""
        if not _may(services, tool, {"account_sid": account, **(given or {})}):
            return _NOT_ALLOWED
        key = (tool, account, *more)
        with anyio.move_on_after(LONGEST_SECONDS):
            async with self._locks[key]:
                if (fresh := self._fresh(key)) is not None:
                    return fresh
                return self._keep(key, await read())
        return self._keep(key, _TOO_SLOW)

    def _fresh(self, key: tuple[str, ...]) -> Reading | None:
        at, reading = self._kept.get(key, (float("-inf"), None))
        return reading if time.monotonic() - at < KEPT_SECONDS else None

    def _keep(self, key: tuple[str, ...], reading: Reading) -> Reading:
        """Share a reading, but never a refusal; conferences that have ended are forgotten."""
        now = time.monotonic()
        for old in [each for each, (at, _) in self._kept.items() if now - at >= KEPT_SECONDS]:
            del self._kept[old]
            if old != key and not self._locks[old].locked():
                del self._locks[old]
        if reading is not _NOT_ALLOWED:
            self._kept[key] = (now, reading)
        return reading


def _may(services: Services, tool: str, wire: Mapping[str, Any]) -> bool:
    return tool in services.offered and services.judge.rule(endpoint(tool), wire).action != "deny"


async def _read(services: Services, tool: str, account: str, given: Mapping[str, Any]) -> Reading:
    result = await _asked(services, tool, account, given)
    if result.status == "denied":
        return _NOT_ALLOWED
    if result.status != "ok":
        return Reading(problem=result.summary)
    items = result.items or []
    return Reading(items, more=bool((result.page or {}).get("more")), seen=len(items))


async def _live_calls(services: Services, account: str) -> Reading:
    """Page by page, newest first, as far as it is reasonable to look."""
    live: Items = []
    seen = 0
    given: dict[str, Any] = {"PageSize": CALLS_A_PAGE}
    for _ in range(CALL_PAGES):
        result = await _asked(services, "list_calls", account, given)
        if result.status == "denied":
            return _NOT_ALLOWED
        if result.status != "ok":
            return Reading(live, result.summary, seen=seen)
        items = result.items or []
        seen += len(items)
        live += [each for each in items if each.get("status") not in FINAL_STATUSES]
        following = next((each for each in result.next if each.tool == "list_calls"), None)
        if following is None or not items:
            return Reading(live, seen=seen)
        given = dict(following.arguments)
    return Reading(live, more=True, seen=seen)


async def _asked(services: Services, tool: str, account: str, given: Mapping[str, Any]) -> ToolResult:
    call = Call(tool, {**given, "account_sid": account}, principal=services.principal)
    result = await execute(services, call)
    assert isinstance(result, ToolResult), "a read is never confirmed"
    return result
