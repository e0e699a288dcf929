"""Many requests at once: connections are bounded, kept, and spread over pools that stay small."""

from __future__ import annotations

import asyncio

import pytest

from tests.client.conftest import ACCOUNT, Make
from tests.client.loopback import Loopback, Reply, answer
from texml_mcp.catalog import endpoint
from texml_mcp.client import UpstreamError
from texml_mcp.client.connection import CONNECTIONS_A_POOL

pytestmark = pytest.mark.anyio
READ = endpoint("list_queues")
FULL = 2 * CONNECTIONS_A_POOL + 8


async def many(make: Make, count: int, most: int) -> None:
    upstream = make(max_connections=most, max_keepalive=most)
    for _ in range(3):
        await asyncio.gather(*(upstream.send(READ, {}, account_sid=ACCOUNT) for _ in range(count)))


@pytest.mark.parametrize("most", [1, CONNECTIONS_A_POOL, CONNECTIONS_A_POOL + 1, FULL])
async def test_there_are_never_more_connections_than_allowed(wire: Loopback, make: Make, most: int) -> None:
    wire.will(answer(body={"queues": []}))
    await many(make, 2 * FULL, most)
    assert len(wire.received) == 6 * FULL
    assert wire.connections <= most, "and those that there are are used again"


async def test_one_request_after_the_other_stays_on_one_connection(wire: Loopback, make: Make) -> None:
    wire.will(answer(body={"queues": []}))
    upstream = make(max_connections=FULL, max_keepalive=FULL)
    for _ in range(20):
        await upstream.send(READ, {}, account_sid=ACCOUNT)
    assert wire.connections == 1


async def test_a_pool_whose_requests_hang_leaves_room_in_the_others(wire: Loopback, make: Make) -> None:
    wire.will(*[Reply(then="stall")] * CONNECTIONS_A_POOL, answer(body={"queues": []}))
    upstream = make(max_connections=FULL, timeout=2.0, max_retries=0)

    async def asked() -> str:
        try:
            await upstream.send(READ, {}, account_sid=ACCOUNT)
        except UpstreamError as error:
            return error.code
        return "ok"

    told = await asyncio.gather(*(asked() for _ in range(CONNECTIONS_A_POOL + 4)))
    assert sorted(told) == sorted(["timeout"] * CONNECTIONS_A_POOL + ["ok"] * 4)
    assert await asked() == "ok", "whoever has given up gives the connection back"
