"""Whichever word with Redis a call loses: what it says of itself is true, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import anyio.to_thread
import pytest
from mcp import Client

from tests.e2e.conftest import answering
from tests.redis_server import RedisServer
from tests.replicas.fleet import EXTERNAL, Fleet, Network, answered, asked_by_form, new_call, told
from tests.replicas.wire import Lost, Wire
from texml_mcp.gate.external import Queue
from texml_mcp.gate.seal import parse_keys
from texml_mcp.gate.state import State

pytestmark = [pytest.mark.anyio, pytest.mark.long]

LEAST, MOST = 5, 60


@pytest.fixture
async def wire(replicas_redis: RedisServer) -> AsyncIterator[Wire]:
    async with Wire(replicas_redis.port) as made:
        yield made


@pytest.fixture
async def fleet(
    tmp_path_factory: pytest.TempPathFactory, network: Network, wire: Wire
) -> AsyncIterator[Fleet]:
    start = partial(
        Fleet,
        tmp_path_factory.mktemp("fleet") / "wired",
        network,
        wire.url,
        *("--stateless", "--rate-per-minute", "0"),
        count=1,
        people=("otto", "pia:approver"),
        policies={"pia": EXTERNAL},
    )
    made = await anyio.to_thread.run_sync(start)  # it reaches Redis through this very loop
    yield made
    made.close()


Carry = Callable[[], Awaitable[dict[str, Any]]]
"""Makes the call that has been approved, as often as it is wanted."""


async def by_token(fleet: Fleet, client: Client) -> Carry:
    arguments = new_call()
    asked = await told(client, "create_call", arguments)
    return partial(told, client, "create_call", arguments | {"confirm_token": asked["confirm_token"]})


async def by_form(fleet: Fleet, client: Client) -> Carry:
    arguments = new_call()
    return partial(answered, client, arguments, await asked_by_form(client, arguments))


async def by_somebody_else(fleet: Fleet, client: Client) -> Carry:
    arguments = new_call()
    assert (await told(client, "create_call", arguments))["status"] == "approval_pending"

    def approve() -> None:
        state = State(None, fleet.store, parse_keys(fleet.keys))
        queue = Queue(state)
        for waiting in queue.listed():
            queue.settle(waiting.id, "anna", approve=True)
        state.close()

    await anyio.to_thread.run_sync(approve)
    return partial(told, client, "create_call", arguments)


async def losing_each_word(
    fleet: Fleet, wire: Wire, lost: Lost, approved: Callable[[], Awaitable[Carry]]
) -> None:
    said: list[str] = []
    for place in range(1, MOST):
        fleet.world.forget()
        carry = await approved()
        wire.lose(lost, place)
        answer = await carry()
        if wire.waits:
            wire.keep()
            break
        sent = len(fleet.world.sent())
        if answer["status"] == "ok":
            assert sent == 1
        else:
            assert (answer["code"], answer["outcome"], sent) == ("state_unavailable", "not_sent", 0)
        said.append(answer["status"])
        # The same once more: the approval that was used is not used again, nor one that nobody heard of.
        again = await carry()
        assert again["status"] in ("ok", "confirmation_required", "declined", "approval_pending")
        assert len(fleet.world.sent()) == [answer["status"], again["status"]].count("ok") <= 1
    assert LEAST < len(said) < MOST - 1, "every word was lost once, and there are no more"
    # Before it is sent every loss keeps it back, and after it none takes the answer away.
    assert said == sorted(said)
    assert {"error", "ok"} == set(said)


@pytest.mark.parametrize("lost", ["question", "answer"])
async def test_a_call_that_loses_one_word_of_its_store_is_sent_once_or_not_at_all(
    fleet: Fleet, wire: Wire, lost: Lost
) -> None:
    async with (
        fleet.proxy() as proxy,
        fleet.client(proxy, "otto") as plain,
        fleet.client(proxy, "otto", **answering()) as forms,
        fleet.client(proxy, "pia") as external,
    ):
        for way, client in ((by_token, plain), (by_form, forms), (by_somebody_else, external)):
            await losing_each_word(fleet, wire, lost, partial(way, fleet, client))
