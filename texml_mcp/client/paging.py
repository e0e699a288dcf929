"""Pages: where one ends, where the next begins, and gathering several.

Two styles. TeXML lists count `Page` from 0 and hand out a `next_page_uri`; of that only the query is
used, and of the query only the paging names: its host and path are upstream's business, and the key
goes where the configuration says. Applications count `page[number]` from 1 and tell totals in `meta`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from texml_mcp.catalog.model import Endpoint, PageStyle
from texml_mcp.client.errors import UpstreamError
from texml_mcp.client.plan import PAGING
from texml_mcp.client.upstream import Upstream

MAX_PAGES = 50
LARGEST_PAGE = 100  # TeXML lists document no maximum

_NUMBER, _SIZE = "page[number]", "page[size]"
_LONGEST_TOKEN = 2000

OnPage = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page stands.

    `next` holds the paging arguments of the next page,
    under wire names, empty when there is none. `offered` says that the endpoint documents all of them,
    so that a caller may be offered the call; otherwise only `gather` can go on. `total` is the number
    of items on all pages, where upstream tells.
    """

    more: bool = False
    next: Mapping[str, Any] = field(default_factory=dict[str, Any])
    offered: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """Items of one or more pages.

    `next` holds the whole arguments of the call that goes on, None at the end. When `limit` fell inside
    a page that is the same page again, with items that are here already: nothing is lost.
    `error` is why a later page is missing; what came before it is still here.
    """

    items: list[Any]
    page: PageInfo
    more: bool
    next: Mapping[str, Any] | None
    error: UpstreamError | None = None


def items_of(endpoint: Endpoint, body: Any) -> list[Any]:
    """The items in a list's answer; empty when it holds none."""
    if endpoint.page is None or not isinstance(body, dict):
        return []
    found = cast("dict[str, Any]", body).get(endpoint.page.items_key)
    return cast("list[Any]", found) if isinstance(found, list) else []


def page_info(endpoint: Endpoint, body: Any) -> PageInfo:
    """Where this answer stands among its pages."""
    if endpoint.page is None or not isinstance(body, dict):
        return PageInfo()
    answer = cast("dict[str, Any]", body)
    if endpoint.page.style is PageStyle.NUMBERED:
        return _numbered(endpoint, answer)
    return _linked(endpoint, answer)


async def gather(
    upstream: Upstream,
    endpoint: Endpoint,
    arguments: Mapping[str, Any],
    limit: int,
    on_page: OnPage | None = None,
    *,
    account_sid: str | None = None,
    max_pages: int = MAX_PAGES,
) -> Gathered:
    """Up to `limit` items, page after page; `on_page(gathered, limit)` after each.

    Ends at the last page, at an empty one, at one that brings nothing new (upstream repeats itself),
    or after `max_pages`. An error on the first page is raised.
    """
    current = _sized(endpoint, arguments, limit)
    items: list[Any] = []
    seen_items: set[str] = set()
    seen_pages: set[str] = set()
    page = PageInfo()
    for count in range(1, max_pages + 1):
        seen_pages.add(_fingerprint(current))
        try:
            answer = await upstream.send(endpoint, current, account_sid=account_sid)
        except UpstreamError as error:
            if count == 1:
                raise
            return Gathered(items, page, True, current, error)
        page = page_info(endpoint, answer.body)
        fresh: list[Any] = []
        for item in items_of(endpoint, answer.body):
            identity = _identity(item)
            if identity not in seen_items:
                seen_items.add(identity)
                fresh.append(item)
        room = limit - len(items)
        items.extend(fresh[:room])
        if on_page is not None:
            await on_page(len(items), limit)
        if len(fresh) > room:
            return Gathered(items, page, True, current)
        following = {**current, **page.next}
        ended = not page.more or not fresh or _fingerprint(following) in seen_pages
        if ended:
            return Gathered(items, page, False, None)
        current = following
        if len(items) >= limit:
            return Gathered(items, page, True, current)
    return Gathered(items, page, True, current)


def _linked(endpoint: Endpoint, answer: Mapping[str, Any]) -> PageInfo:
    following = _from_uri(answer.get("next_page_uri"))
    documented = {param.name for param in endpoint.query}
    # Where the endpoint can move at all, only by what it documents; elsewhere by what it was told.
    if {"Page", "PageToken"} & documented & following.keys():
        following = {name: value for name, value in following.items() if name in documented}
    moves = "Page" in following or "PageToken" in following
    if not moves or not items_of(endpoint, answer) or following == _from_uri(answer.get("uri")):
        return PageInfo()
    return PageInfo(True, following, following.keys() <= documented)


def _numbered(endpoint: Endpoint, answer: Mapping[str, Any]) -> PageInfo:
    meta = answer.get("meta")
    told = cast("dict[str, Any]", meta) if isinstance(meta, dict) else {}
    index, size = _whole(told.get("page_number")), _whole(told.get("page_size"))
    pages, total = _whole(told.get("total_pages")), _whole(told.get("total_results"))
    if index is None or pages is None or index >= pages or not items_of(endpoint, answer):
        return PageInfo(total=total)
    following: dict[str, Any] = {_NUMBER: index + 1}
    if size:
        following[_SIZE] = size
    return PageInfo(True, following, True, total)


def _from_uri(uri: Any) -> dict[str, Any]:
    """The paging arguments in a URI's query, whatever their case; nothing else of it."""
    if not isinstance(uri, str) or not uri:
        return {}
    try:
        query = parse_qsl(urlsplit(uri).query, max_num_fields=50)
    except ValueError:
        return {}
    names = {name.casefold(): name for name in PAGING}
    found: dict[str, Any] = {}
    for given, value in query:
        name = names.get(given.casefold())
        if name == "PageToken" and 0 < len(value) <= _LONGEST_TOKEN:
            found[name] = value
        elif name in ("Page", "PageSize") and (number := _whole(value)) is not None:
            found[name] = number
    return found


def _sized(endpoint: Endpoint, arguments: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """The arguments with a page size that fits `limit`, unless the caller chose one."""
    given = {name: value for name, value in arguments.items() if value is not None}
    for param in endpoint.query:
        if param.name in ("PageSize", _SIZE) and param.name not in given:
            given[param.name] = max(1, min(limit, int(param.maximum or LARGEST_PAGE)))
    return given


def _whole(value: Any) -> int | None:
    """A count: an integer, or text of at most nine digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _identity(item: Any) -> str:
    if isinstance(item, dict):
        for name in ("sid", "id", "call_sid"):
            value = cast("dict[str, Any]", item).get(name)
            if isinstance(value, str) and value:
                return value
    return _fingerprint(item)


def _fingerprint(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
