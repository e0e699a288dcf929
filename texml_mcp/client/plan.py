"""The request that an endpoint and its arguments make: pure, so that a dry run can show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from texml_mcp.catalog.model import Endpoint, PageStyle
from texml_mcp.client.encode import InvalidValue, Pairs, body_bytes, pairs, urlencode
from texml_mcp.client.paths import fill

LONGEST_URL = 8000
ACCOUNT = "account_sid"

# An answer's `next_page_uri` carries these, also where the endpoint documents no parameter for them.
PAGING = frozenset(("Page", "PageSize", "PageToken"))


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """One request, without the key.

    `path` and `target` are encoded and begin with `/`; `target` adds the query. `body` is what was
    meant, under wire names, and `content` the bytes that it became.
    """

    method: str
    base_url: str
    path: str
    query: Pairs
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    content_type: str | None = None

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def url(self) -> str:
        return self.base_url + self.target


def plan(
    base_url: str,
    endpoint: Endpoint,
    arguments: Mapping[str, Any],
    account_sid: str | None,
    headers: Mapping[str, str],
) -> RequestPlan:
    """The request for validated arguments under wire names.

    An `account_sid` among the arguments goes before the configured one. Raises `InvalidPathValue` or
    `InvalidValue`, both `ValueError`.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    places = _places(endpoint)
    for name in given:
        if name not in places and not _pages(endpoint, name) and name != ACCOUNT:
            raise InvalidValue(name, f"is no parameter of {endpoint.id}")

    path = fill(endpoint.path, {ACCOUNT: account_sid, **given})
    query = pairs({name: value for name, value in given.items() if _is_query(endpoint, places, name)})
    body = {name: value for name, value in given.items() if places.get(name) == "body"}
    content: bytes | None = None
    content_type: str | None = None
    if endpoint.body is not None:
        content, content_type = body_bytes(endpoint.body, body)
        headers = {**headers, "Content-Type": content_type}
    made = RequestPlan(
        endpoint.method,
        base_url,
        path,
        query,
        headers,
        body if endpoint.body is not None else None,
        content,
        content_type,
    )
    if len(made.url) > LONGEST_URL:
        longest = max(query, key=lambda pair: len(pair[1]), default=("URL", ""))[0]
        raise InvalidValue(longest, "is too long for a URL")
    return made


@cache
def _places(endpoint: Endpoint) -> Mapping[str, str]:
    """Where each parameter travels, by its wire name."""
    return {param.name: place for place, param in endpoint.params()}


def _pages(endpoint: Endpoint, name: str) -> bool:
    page = endpoint.page
    return page is not None and page.style is not PageStyle.NUMBERED and name in PAGING


def _is_query(endpoint: Endpoint, places: Mapping[str, str], name: str) -> bool:
    return places.get(name) == "query" or (name not in places and _pages(endpoint, name))
