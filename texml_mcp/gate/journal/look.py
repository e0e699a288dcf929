"""Looking at one journal entry through the reads of the API."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, cast

from texml_mcp.catalog import Endpoint, Kind, endpoint
from texml_mcp.client import Upstream, items_of, page_info
from texml_mcp.gate.journal.entries import HAPPENED, Entry, digest_of
from texml_mcp.gate.journal.log import Journal
from texml_mcp.gate.store.digests import Digester
from texml_mcp.results.shape import unwrap
from texml_mcp.results.values import iso_time

Reader = Callable[[str, str, Mapping[str, Any]], Awaitable[Any]]
"""Reads through a tool: (account, id, arguments under wire names) to the body of the answer, or raises."""

Finding = Literal["happened", "did_not", "cannot_tell"]

# Reads trail behind writes; before this absence means nothing.
LAG_SECONDS = 30.0
# How far the API's clock may be from ours, and how long a create may take, in seconds.
BEFORE, AFTER = 60.0, 120.0
MOST_PAGES, PAGE_SIZE = 20, 100


class ApiReader:
    """A `Reader` through the clients that everything else uses: each account's own.

    `ahead_seconds` is how far the API's clock was ahead of ours at the last answer that told the time.
    """

    def __init__(
        self, upstream_of: Callable[[str], Upstream], clock: Callable[[], float] = time.time
    ) -> None:
        self._upstream_of = upstream_of
        self._clock = clock
        self.ahead_seconds = 0.0

    async def __call__(self, account: str, tool: str, wire: Mapping[str, Any]) -> Any:
        answer = await self._upstream_of(account).send(endpoint(tool), wire)
        try:
            told = parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError):
            return answer.body
        self.ahead_seconds = told - self._clock()
        return answer.body

    def ahead(self) -> float:
        """`ahead_seconds` as it is by now."""
        return self.ahead_seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one write, and why we think so; `sid` is what it made, when it is known."""

    entry: Entry
    found: Finding
    why: str
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One entry, and the means to look at it."""

    journal: Journal
    read: Reader
    digester: Digester
    entry: Entry
    ahead: Callable[[], float]  # seconds that the API's clock is ahead of ours

    def says(self, found: Finding, why: str, sid: str = "") -> Verdict:
        return Verdict(self.entry, found, why, sid)

    async def one(self, tool: str) -> dict[str, Any] | None:
        """The resource that a read answers; None for a 404."""
        known = endpoint(tool)
        try:
            return unwrap(known, await self.read(self.entry.account, tool, self._path(known)))
        except Exception as error:
            if getattr(error, "status", None) == 404:
                return None
            raise

    async def many(self, tool: str) -> tuple[list[dict[str, Any]], bool]:
        """All items of a list, and whether these are all of them."""
        known = endpoint(tool)
        names = {param.name for _, param in known.params()}
        wire = self._path(known)
        wire |= {size: PAGE_SIZE for size in ("PageSize", "page[size]") if size in names}
        found: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            body = await self.read(self.entry.account, tool, wire)
            items = items_of(known, body)
            found += [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
            page = page_info(known, body)
            if not page.more:
                return found, True
            if not page.next or not items:
                break
            wire = {**wire, **page.next}
        return found, False

    def _path(self, known: Endpoint) -> dict[str, Any]:
        held = {"account_sid": self.entry.account, **self.entry.targets}
        named = [
            param.name for param in known.path_params if held.get(param.name) or param.name != "account_sid"
        ]
        for name in named:
            # A digest stands where the name could be a phone number: there is no reading by that.
            if not held.get(name) or self.entry.shown.get(name) not in (None, held[name]):
                raise LookupError(f"the journal does not say which {name}")
        return {name: held[name] for name in named}

    def matches(self, name: str, kind: Kind | None, value: Any) -> bool:
        """Whether a value is the one that stood in the call."""
        wanted = self.entry.targets.get(name)
        return value is not None and wanted in (value, digest_of(self.digester, kind, value))

    def in_time(self, item: Mapping[str, Any]) -> bool | None:
        """Whether a resource was made when this call left; None when it does not say."""
        for name in ("date_created", "created_at", "start_time"):
            try:
                made = datetime.fromisoformat(iso_time(str(item.get(name) or ""))).timestamp()
            except ValueError:
                continue
            after = made - self.entry.at
            if -BEFORE <= after - self.ahead() <= AFTER:
                return True
            # By our own clock it would be: while the two are apart, nobody can say that it is another one.
            return None if -BEFORE <= after <= AFTER else False
        return None


def made(look: Look, items: list[dict[str, Any]], complete: bool, what: str, sid: str = "sid") -> Verdict:
    """The verdict on a create, from the resources that look like what it would have made."""
    entry = look.entry
    settled = [each for each in look.journal.settled(1000) if each.outcome in HAPPENED]
    claimed = {each.sid for each in settled if each.sid}
    free = [item for item in items if str(item.get(sid) or "") not in claimed]
    inside = [item for item in free if look.in_time(item)]
    # Twins that happened and were answered no sid: one of the candidates may be theirs.
    twins = sum(
        not each.sid and each.digest == entry.digest and abs(each.at - entry.at) <= AFTER for each in settled
    )
    if len(inside) > twins:
        return look.says("happened", f"there is {what} of that time", str(inside[0].get(sid) or ""))
    if inside:
        return look.says("cannot_tell", f"{what} of that time may belong to an identical call")
    if any(look.in_time(item) is None for item in free):
        return look.says("cannot_tell", f"there is {what}, but it does not say when it was made")
    if not complete:
        return look.says("cannot_tell", "there are more than could be read")
    return look.says("did_not", f"there is no {what.removeprefix('a ').removeprefix('an ')} of that time")
