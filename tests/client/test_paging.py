"""Pages of both styles, one by one and together."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.conftest import ACCOUNT
from tests.client.loopback import Loopback, Reply, answer, error
from texml_mcp.catalog import ENDPOINTS, Endpoint, endpoint
from texml_mcp.client import Upstream, UpstreamError, gather, items_of, page_info

CALLS = endpoint("list_calls")
PARTICIPANTS = endpoint("list_conference_participants")
RECORDINGS = endpoint("list_recordings")
APPLICATIONS = endpoint("list_applications")
LISTS = [each for each in ENDPOINTS if each.page is not None]


def calls(start: int, count: int, follow: str | None, page: int = 0) -> dict[str, Any]:
    items = [{"sid": f"v3:{number}"} for number in range(start, start + count)]
    return {"calls": items, "page": page, "page_size": count, "next_page_uri": follow}


def sids(items: list[Any]) -> list[str]:
    return [item["sid"] for item in items]


def uri(page: int, size: int, token: str) -> str:
    return f"/v2/texml/Accounts/x/Calls.json?Page={page}&PageSize={size}&PageToken={token}"


async def collect(upstream: Upstream, limit: int, known: Endpoint = CALLS, **arguments: Any) -> Any:
    return await gather(upstream, known, arguments, limit, account_sid=ACCOUNT)


async def test_pages_are_followed_to_the_end(wire: Loopback, upstream: Upstream) -> None:
    wire.will(
        answer(200, calls(0, 2, uri(1, 2, "a"))),
        answer(200, calls(2, 2, uri(2, 2, "b"), 1)),
        answer(200, calls(4, 1, None, 2)),
    )
    told: list[tuple[int, int]] = []

    async def on_page(count: int, of: int) -> None:
        told.append((count, of))

    got = await gather(upstream, CALLS, {"To": "+12125550100"}, 50, on_page, account_sid=ACCOUNT)
    assert sids(got.items) == [f"v3:{number}" for number in range(5)]
    assert (got.more, got.next, got.error) == (False, None, None)
    assert told == [(2, 50), (4, 50), (5, 50)]
    assert [parse_qs(each.query.decode()) for each in wire.received] == [
        {"To": ["+12125550100"], "PageSize": ["50"]},
        {"To": ["+12125550100"], "Page": ["1"], "PageSize": ["2"], "PageToken": ["a"]},
        {"To": ["+12125550100"], "Page": ["2"], "PageSize": ["2"], "PageToken": ["b"]},
    ]


async def test_a_limit_at_the_end_of_a_page_goes_on_with_the_next(wire: Loopback, upstream: Upstream) -> None:
    wire.will(answer(200, calls(0, 2, uri(1, 2, "a"))))
    got = await collect(upstream, 2)
    assert (len(got.items), got.more) == (2, True)
    assert got.next == {"Page": 1, "PageSize": 2, "PageToken": "a"}


async def test_a_limit_inside_a_page_loses_nothing(wire: Loopback, upstream: Upstream) -> None:
    wire.will(answer(200, calls(0, 5, uri(1, 5, "a"))))
    got = await collect(upstream, 3, PageSize=5)
    assert (len(got.items), got.more) == (3, True)
    assert got.next == {"PageSize": 5}


@pytest.mark.parametrize(
    "replies",
    [
        [answer(200, calls(0, 2, uri(1, 2, "a"))), answer(200, calls(2, 2, uri(1, 2, "a")))],
        [answer(200, calls(0, 2, uri(1, 2, "a"))), answer(200, calls(0, 2, uri(2, 2, "b")))],
        [answer(200, calls(0, 2, uri(1, 2, "a"))), answer(200, calls(2, 0, uri(2, 2, "b")))],
    ],
    ids=["same token", "same items", "empty page"],
)
async def test_a_list_that_goes_in_circles_ends(
    wire: Loopback, upstream: Upstream, replies: list[Reply]
) -> None:
    wire.will(*replies)
    got = await collect(upstream, 1000)
    assert (got.more, len(wire.received)) == (False, 2)
    assert len(set(sids(got.items))) == len(got.items)


async def test_pages_are_bounded(wire: Loopback, upstream: Upstream) -> None:
    wire.will(*[answer(200, calls(page, 1, uri(page + 1, 1, f"t{page}"))) for page in range(9)])
    got = await gather(upstream, CALLS, {}, 1000, account_sid=ACCOUNT, max_pages=4)
    assert (len(got.items), got.more, len(wire.received)) == (4, True, 4)


async def test_a_later_failure_keeps_what_came_before(wire: Loopback, upstream: Upstream) -> None:
    wire.will(answer(200, calls(0, 2, uri(1, 2, "a"))), error(403))
    got = await collect(upstream, 10)
    assert (len(got.items), got.more, got.next) == (2, True, {"Page": 1, "PageSize": 2, "PageToken": "a"})
    assert got.error is not None
    assert got.error.code == "not_authorized"


async def test_a_first_failure_is_raised(wire: Loopback, upstream: Upstream) -> None:
    wire.will(error(403))
    with pytest.raises(UpstreamError):
        await collect(upstream, 10)


async def test_host_path_and_filters_of_a_next_page_are_ignored(wire: Loopback, upstream: Upstream) -> None:
    evil = "https://evil.example/v2/messages?Page=1&PageSize=2&PageToken=a&To=%2B12125550199&X=1"
    wire.will(answer(200, calls(0, 2, evil)), answer(200, calls(2, 1, None)))
    await collect(upstream, 10, To="+12125550100")
    second = wire.received[1]
    assert second.path == f"/v2/texml/Accounts/{ACCOUNT}/Calls".encode()
    assert parse_qs(second.query.decode())["To"] == ["+12125550100"]
    assert b"X=" not in second.query


async def test_a_nested_list_goes_on_without_documented_parameters(
    wire: Loopback, upstream: Upstream
) -> None:
    first = {"participants": [{"call_sid": "v3:1"}], "next_page_uri": "/v2/x?page=1&pagesize=1&pagetoken=q"}
    wire.will(answer(200, first), answer(200, {"participants": [{"call_sid": "v3:2"}]}))
    info = page_info(PARTICIPANTS, first)
    assert (info.more, info.offered) == (True, False)
    got = await collect(upstream, 10, PARTICIPANTS, conference_sid="c")
    assert [item["call_sid"] for item in got.items] == ["v3:1", "v3:2"]
    assert wire.received[0].query == b""
    assert parse_qs(wire.received[1].query.decode()) == {"Page": ["1"], "PageSize": ["1"], "PageToken": ["q"]}


def test_only_documented_names_are_offered() -> None:
    body = {"recordings": [{"sid": "r"}], "next_page_uri": "/v2/x?Page=1&PageSize=20&PageToken=t"}
    info = page_info(RECORDINGS, body)
    assert (info.next, info.offered) == ({"Page": 1, "PageSize": 20}, True)


async def test_applications_count_from_one_and_tell_a_total(wire: Loopback, upstream: Upstream) -> None:
    def page(number: int) -> dict[str, Any]:
        meta = {"page_number": number, "page_size": 1, "total_pages": 3, "total_results": 3}
        return {"data": [{"id": str(number)}], "meta": meta}

    info = page_info(APPLICATIONS, page(1))
    assert (info.total, info.more, info.offered) == (3, True, True)
    assert info.next == {"page[number]": 2, "page[size]": 1}
    assert not page_info(APPLICATIONS, page(3)).more
    wire.will(*[answer(200, page(number)) for number in (1, 2, 3)])
    got = await collect(upstream, 400, APPLICATIONS)
    assert ([item["id"] for item in got.items], got.more) == (["1", "2", "3"], False)
    assert parse_qs(wire.received[0].query.decode()) == {"page[size]": ["250"]}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
_PAGES = st.dictionaries(
    st.sampled_from(["calls", "data", "meta", "page", "page_size", "next_page_uri", "uri", "recordings"]),
    _JSON | st.text(alphabet="?&=PagesizeToken0123[]%", max_size=60),
)


@given(st.sampled_from(LISTS), _PAGES | _JSON)
def test_any_answer_is_a_page_of_some_kind(known: Endpoint, body: Any) -> None:
    info = page_info(known, body)
    assert info.more == bool(info.next)
    assert isinstance(items_of(known, body), list)
    assert all(isinstance(value, int) or len(value) <= 2000 for value in info.next.values())


@pytest.mark.parametrize(
    "bad", ["/v2/x?Page=-1", "/v2/x?Page=1e9", "/v2/x?Page=" + "9" * 99, "http://[", "", 7]
)
def test_a_broken_link_is_no_next_page(bad: Any) -> None:
    assert not page_info(CALLS, {"calls": [{"sid": "a"}], "next_page_uri": bad}).more
