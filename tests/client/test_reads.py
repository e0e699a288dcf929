"""Reads are patient, within bounds."""

from __future__ import annotations

import asyncio
import datetime as dt
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.conftest import ACCOUNT, KEY, Make, Naps
from tests.client.loopback import Loopback, Reply, answer, error, loopback
from texml_mcp.catalog import endpoint
from texml_mcp.client import Upstream, UpstreamError
from texml_mcp.client.answers import retry_after
from texml_mcp.client.retry import BUDGET_SECONDS, wait_seconds

GET = endpoint("get_conference")
IDS = {"account_sid": ACCOUNT, "conference_sid": "c1"}
FOUND = answer(200, {"sid": "c1"})


async def failing(upstream: Upstream, arguments: dict[str, Any] = IDS) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(GET, arguments)
    return caught.value


@pytest.mark.parametrize(
    "passing",
    [error(500), error(502), error(503), error(504), error(408), error(429), Reply(), Reply(then="reset")],
)
async def test_a_passing_failure_is_waited_out(
    wire: Loopback, upstream: Upstream, naps: Naps, passing: Reply
) -> None:
    wire.will(passing, passing, FOUND)
    got = await upstream.send(GET, IDS)
    assert (got.body, got.attempts, len(wire.received)) == ({"sid": "c1"}, 3, 3)
    assert naps == [0.25, 0.5]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error(400), "bad_request"),
        (error(401), "authentication_failed"),
        (error(403), "not_authorized"),
        (error(404), "not_found"),
        (error(404, "10005"), "not_found_or_wrong_account"),
        (error(409), "conflict"),
        (error(422), "validation_failed"),
        (answer(200, b"<html>"), "not_json"),
        (answer(200, b"{"), "malformed_answer"),
    ],
)
async def test_a_lasting_one_is_told_at_once(
    wire: Loopback, upstream: Upstream, reply: Reply, code: str
) -> None:
    wire.will(reply)
    failed = await failing(upstream)
    assert (failed.code, failed.outcome, len(wire.received)) == (code, "rejected", 1)


async def test_attempts_are_bounded(wire: Loopback, upstream: Upstream) -> None:
    wire.will(error(503))
    failed = await failing(upstream)
    assert (failed.code, failed.outcome, failed.attempts) == ("upstream_failed", "rejected", 4)
    assert len(wire.received) == 4


async def test_a_read_that_got_no_answer_is_unknown(wire: Loopback, make: Make) -> None:
    wire.will(Reply())
    failed = await failing(make(max_retries=1))
    assert (failed.code, failed.outcome, len(wire.received)) == ("connection_lost", "unknown", 2)


@pytest.mark.parametrize(
    ("headers", "floor"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "2.5"}, 2.5),
        ({"X-RateLimit-Reset": "4"}, 4.0),
        ({"X-RateLimit-Reset": "4", "X-RateLimit-Remaining": "0"}, 4.0),
        ({"Retry-After": "3", "X-RateLimit-Reset": "9"}, 3.0),
    ],
)
async def test_upstream_is_not_asked_before_it_said(
    wire: Loopback, upstream: Upstream, naps: Naps, headers: dict[str, str], floor: float
) -> None:
    wire.will(error(429, "10011", headers=headers), FOUND)
    await upstream.send(GET, IDS)
    assert floor <= naps[0] <= floor + 1


async def test_a_wait_beyond_the_budget_is_told_not_taken(
    wire: Loopback, upstream: Upstream, naps: Naps
) -> None:
    wire.will(error(429, "10011", headers={"Retry-After": "60"}))
    failed = await failing(upstream)
    assert (failed.code, failed.retry_after_seconds, failed.attempts) == ("rate_limited", 60.0, 1)
    assert naps == []


async def test_all_waits_together_stay_within_the_budget(wire: Loopback, make: Make, naps: Naps) -> None:
    wire.will(error(429, headers={"Retry-After": "6"}))
    await failing(make(max_retries=50))
    assert len(naps) >= 1
    assert sum(naps) <= BUDGET_SECONDS


def test_a_date_is_read_as_seconds_from_now() -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
    found = retry_after({"retry-after": format_datetime(soon, usegmt=True)})
    assert found is not None
    assert 0 <= found <= 30
    assert retry_after({"retry-after": "Thu, 15 Jun 2023 09:56:45 GMT"}) == 0


def test_a_limit_with_calls_left_asks_for_no_wait() -> None:
    assert retry_after({"x-ratelimit-reset": "30", "x-ratelimit-remaining": "5"}) is None


@given(
    st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-reset", "x-ratelimit-remaining"]), st.text())
)
def test_any_header_is_a_wait_or_nothing(headers: dict[str, str]) -> None:
    found = retry_after(headers)
    assert found is None or 0 <= found < float("inf")


@given(st.integers(1, 60), st.none() | st.floats(0, 1000), st.floats(0, 1))
def test_a_wait_is_jittered_between_nothing_and_its_ceiling(
    attempt: int, asked: float | None, dice: float
) -> None:
    found = wait_seconds(attempt, asked, lambda: dice)
    assert (asked or 0) <= found <= (8 if asked is None else asked + 1)


async def test_cancelling_a_wait_ends_it(wire: Loopback) -> None:
    wire.will(error(503))
    waiting = asyncio.Event()

    async def nap(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    upstream = Upstream(KEY, base_url=wire.base_url, timeout=5, sleep=nap)
    task = asyncio.create_task(upstream.send(GET, IDS))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(wire.received) == 1
    await upstream.aclose()


async def test_a_read_follows_a_redirect_on_the_same_host_with_the_key(
    wire: Loopback, upstream: Upstream
) -> None:
    wire.will(answer(302, headers={"Location": "/v2/texml/other?x=%2F"}), FOUND)
    assert (await upstream.send(GET, IDS)).body == {"sid": "c1"}
    assert wire.received[1].target == b"/v2/texml/other?x=%2F"
    assert wire.received[1].headers["authorization"] == f"Bearer {KEY}"


async def test_the_key_never_reaches_another_port_host_or_scheme(wire: Loopback, upstream: Upstream) -> None:
    async with loopback() as other:
        for location in (
            f"http://127.0.0.1:{other.port}/v2/x",
            f"//127.0.0.1:{other.port}/v2/x",
            f"http://localhost:{wire.port}/v2/x",
            f"https://127.0.0.1:{wire.port}/v2/x",
            f"http://u:p@127.0.0.1:{wire.port}/v2/x",
            "file:///etc/passwd",
        ):
            before = len(wire.received)
            wire.will(answer(302, headers={"Location": location}))
            failed = await failing(upstream)
            assert (failed.code, failed.outcome) == ("redirected", "rejected")
            assert len(wire.received) == before + 1
        assert other.connections == 0


async def test_a_circle_of_redirects_ends(wire: Loopback, upstream: Upstream) -> None:
    wire.will(answer(302, headers={"Location": "/v2/again"}))
    assert (await failing(upstream)).code == "redirected"
    assert len(wire.received) == 4


async def test_a_404_with_only_an_account_in_the_path_doubts_the_account(
    wire: Loopback, upstream: Upstream
) -> None:
    wire.will(error(404))
    with pytest.raises(UpstreamError, match="TELNYX_ACCOUNT_SID") as caught:
        await upstream.send(endpoint("list_calls"), {}, account_sid="someone-elses")
    assert caught.value.code == "not_found_or_wrong_account"
    wire.will(error(404, "10005"))
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(endpoint("get_application"), {"id": "1"})
    assert caught.value.code == "not_found"
