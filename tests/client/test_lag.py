"""A call that was just placed is not declared missing."""

from __future__ import annotations

import pytest

from tests.client.conftest import ACCOUNT, Make, Naps
from tests.client.loopback import Loopback, answer, error
from texml_mcp.catalog import endpoint
from texml_mcp.client import Upstream, UpstreamError
from texml_mcp.client.lag import FRESH_SECONDS, REMEMBERED, RecentWrites
from texml_mcp.reading import read
from texml_mcp.tools.arguments import parse

CREATE, GET = endpoint("create_call"), endpoint("get_call")
FRESH = {"account_sid": ACCOUNT, "call_sid": "v3:new"}


async def test_it_is_read_again_until_it_shows(wire: Loopback, upstream: Upstream, naps: Naps) -> None:
    wire.will(answer(200, {"sid": "v3:new"}), error(404), error(404), answer(200, {"sid": "v3:new"}))
    await upstream.send(CREATE, {}, account_sid=ACCOUNT)
    got = await upstream.send(GET, FRESH)
    assert (got.body, naps) == ({"sid": "v3:new"}, [0.5, 1.0])


async def test_after_three_seconds_it_is_told_that_reads_lag(
    wire: Loopback, upstream: Upstream, naps: Naps
) -> None:
    wire.will(answer(200, {"sid": "v3:new"}), error(404))
    await upstream.send(CREATE, {}, account_sid=ACCOUNT)
    with pytest.raises(UpstreamError, match="reads lag") as caught:
        await upstream.send(GET, FRESH)
    assert (caught.value.code, caught.value.outcome) == ("not_visible_yet", "rejected")
    assert sum(naps) == 3.0
    assert len(wire.received) == 5


async def test_who_waits_for_a_call_waits_for_it_to_show_as_well(
    wire: Loopback, make: Make, naps: Naps
) -> None:
    upstream = make(now=lambda: sum(naps))
    shown = answer(200, {"sid": "v3:new", "status": "in-progress"})
    wire.will(answer(200, {"sid": "v3:new"}), *[error(404)] * 9, shown)
    await upstream.send(CREATE, {}, account_sid=ACCOUNT)
    told = await read(upstream, GET, parse(GET, {**FRESH, "wait_for": "in-progress"}), said_nothing)
    assert told.data is not None
    assert told.data["status"] == "in-progress"


async def test_a_wait_that_runs_out_before_it_shows_says_that_reads_lag(
    wire: Loopback, make: Make, naps: Naps
) -> None:
    upstream = make(now=lambda: sum(naps))
    wire.will(answer(200, {"sid": "v3:new"}), error(404))
    await upstream.send(CREATE, {}, account_sid=ACCOUNT)
    waits = parse(GET, {**FRESH, "wait_for": "ended", "max_wait_seconds": 8})
    with pytest.raises(UpstreamError, match="reads lag"):
        await read(upstream, GET, waits, said_nothing)
    assert 7.0 <= sum(naps) <= 12.0


async def test_a_call_is_fresh_by_the_clock_that_pauses_go_by(wire: Loopback, make: Make, naps: Naps) -> None:
    passed = [0.0]
    upstream = make(now=lambda: passed[0])
    wire.will(answer(200, {"sid": "v3:new"}), error(404))
    await upstream.send(CREATE, {}, account_sid=ACCOUNT)
    passed[0] = FRESH_SECONDS + 1
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(GET, FRESH)
    assert (caught.value.code, naps) == ("not_found", [])


async def said_nothing(done: float, total: float | None, message: str) -> None:
    """Progress that nobody follows."""


async def test_any_other_missing_call_is_simply_missing(
    wire: Loopback, upstream: Upstream, naps: Naps
) -> None:
    wire.will(answer(200, {"sid": "v3:new"}), error(404))
    await upstream.send(CREATE, {}, account_sid=ACCOUNT)
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(GET, {**FRESH, "call_sid": "v3:other"})
    assert (caught.value.code, naps) == ("not_found", [])


def test_what_is_remembered_ages_and_is_bounded() -> None:
    now = [0.0]
    recent = RecentWrites(lambda: now[0])
    recent.note(CREATE, {"sid": "v3:0"})
    assert recent.concerns(GET, {"call_sid": "v3:0"})
    now[0] = FRESH_SECONDS + 0.1
    assert not recent.concerns(GET, {"call_sid": "v3:0"})
    for number in range(REMEMBERED + 5):
        recent.note(CREATE, {"call_sid": f"v3:{number}"})
    assert not recent.concerns(GET, {"call_sid": "v3:4"})
    assert recent.concerns(GET, {"call_sid": "v3:5"})


def test_only_creates_count_and_only_trailing_reads_care() -> None:
    recent = RecentWrites(lambda: 0.0)
    recent.note(endpoint("update_call"), {"sid": "v3:a"})
    recent.note(CREATE, None)
    recent.note(CREATE, {"sid": 7})
    assert not recent.concerns(GET, {"call_sid": "v3:a"})
    recent.note(CREATE, {"sid": "v3:a"})
    assert not recent.concerns(endpoint("list_call_recordings"), {"call_sid": "v3:a"})
