"""Reads: one resource, a page, several pages, or one resource again and again until it changes."""

from __future__ import annotations

from typing import Any, cast

from texml_mcp.call import Progress
from texml_mcp.catalog import Endpoint, PageStyle
from texml_mcp.catalog.calls import FINAL_STATUSES
from texml_mcp.catalog.common import ACCOUNT_SID
from texml_mcp.client import ErrorCode, Upstream, UpstreamError, gather, items_of, page_info
from texml_mcp.results import Next, ToolResult, many, one
from texml_mcp.results.next_steps import MOST
from texml_mcp.results.shape import portable
from texml_mcp.tools.arguments import Arguments

DEFAULT_PAGE = 20
POLL_SECONDS = 1.0


async def read(upstream: Upstream, known: Endpoint, arguments: Arguments, progress: Progress) -> ToolResult:
    """The result of a read. Raises `UpstreamError`."""
    if known.page is not None:
        result = await _list(upstream, known, arguments, progress)
    elif arguments.local.wait_for:
        result = await _wait(upstream, known, arguments, progress)
    else:
        answer = await upstream.send(known, arguments.wire)
        result = one(known, arguments.wire, answer.body, full=arguments.local.full)
    result.notes += arguments.notes
    return result


async def _list(upstream: Upstream, known: Endpoint, arguments: Arguments, progress: Progress) -> ToolResult:
    assert known.page is not None
    wire = dict(arguments.wire)
    size = "page[size]" if known.page.style is PageStyle.NUMBERED else "PageSize"
    limit = arguments.local.limit
    failed = ""
    if limit is None:
        if known.page.style is not PageStyle.ENVELOPE:
            wire.setdefault(size, DEFAULT_PAGE)
        answer = await upstream.send(known, wire)
        page, items = page_info(known, answer.body), items_of(known, answer.body)
        following = {**arguments.repeatable, **page.next} if page.more and page.offered else None
        more = page.more
    else:

        async def on_page(count: int, of: int) -> None:
            await progress(count, of, f"{count} of up to {of}")

        gathered = await gather(upstream, known, wire, limit, on_page)
        page, items, following, more = gathered.page, gathered.items, gathered.next, gathered.more
        if gathered.error is not None:
            failed = f"A later page could not be read: {gathered.error.summary}"
    step = None
    if following is not None:
        if not arguments.account_given:
            following = {name: value for name, value in following.items() if name != ACCOUNT_SID.name}
        rest = portable(known, following)
        if arguments.local.full:
            rest["detail"] = "full"
        step = Next(known.id, rest, "the next page")
    bodies = [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
    result = many(
        known,
        arguments.repeatable,
        bodies,
        full=arguments.local.full,
        total=page.total,
        following=step,
        more=more,
    )
    if failed:
        result.notes.append(failed)
    return result


async def _wait(upstream: Upstream, known: Endpoint, arguments: Arguments, progress: Progress) -> ToolResult:
    """Read a call until it has the wanted status, is over, or the time is up."""
    wanted = arguments.local.wait_for
    assert wanted is not None
    longest = arguments.local.max_wait_seconds
    started = upstream.now()
    while True:
        body, status, missing = None, "not visible yet", None
        try:
            body = (await upstream.send(known, arguments.wire)).body
            status = _status(body)
        except UpstreamError as error:
            # Placed a moment ago: who waits for such a call waits for it to show as well.
            if error.code is not ErrorCode.NOT_VISIBLE_YET:
                raise
            missing = error
        waited = upstream.now() - started
        time_is_up = waited + POLL_SECONDS > longest
        if missing is not None and time_is_up:
            raise missing
        if status == wanted or status in FINAL_STATUSES or time_is_up:
            break
        await progress(round(waited, 1), longest, f"{status or 'unknown'} after {waited:.0f} s")
        await upstream.pause(POLL_SECONDS)
    result = one(known, arguments.wire, body, full=arguments.local.full)
    if status != wanted and not (wanted == "ended" and status in FINAL_STATUSES):
        if status in FINAL_STATUSES:
            result.notes.append(f"The call is over as {status}; it will not become {wanted}.")
        else:
            result.notes.append(f"Still {status or 'unknown'} after {waited:.0f} s.")
            again = portable(known, arguments.repeatable) | {"wait_for": wanted}
            result.next.insert(0, Next(known.id, again, "wait longer"))
            del result.next[MOST:]
    return result


def _status(body: Any) -> str:
    return str(cast("dict[str, Any]", body).get("status") or "") if isinstance(body, dict) else ""
