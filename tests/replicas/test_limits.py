"""What may happen, and how often, is one count for all replicas, however they are raced."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from tests.redis_server import RedisServer
from tests.replicas.fleet import Fleet, Network, new_call, together, told
from tests.replicas.proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# Nobody is asked, so that nothing but the counts stands between a call and the network.
POLICY = """
version = 1
[[rules]]
name = "calls"
action = "allow"
tools = ["create_call"]
[guards]
numbers = "warn"
callers = "warn"
hours = "off"
budgets = "enforce"
per_destination_per_hour = 3
"""
# One call a minute, after a first handful.
RATE, BURST = 1, 5
CROWD = [f"person{number}" for number in range(6)]
OTHERS = [f"other{number}" for number in range(6)]


@pytest.fixture(scope="module")
def limited(
    tmp_path_factory: pytest.TempPathFactory, network: Network, replicas_redis: RedisServer
) -> Iterator[Fleet]:
    directory = tmp_path_factory.mktemp("limits")
    (directory / "policy.toml").write_text(POLICY)
    made = Fleet(
        directory / "limited",
        network,
        replicas_redis.url,
        *("--stateless", "--policy", str(directory / "policy.toml"), "--rate-per-minute", str(RATE)),
        people=(*CROWD, *OTHERS, "hasty", "patient"),
    )
    yield made
    made.close()


@pytest.fixture
async def before(limited: Fleet) -> AsyncIterator[Proxy]:
    limited.world.forget()
    async with limited.proxy() as made:
        yield made


async def rush(
    fleet: Fleet, proxy: Proxy, crowd: list[str], each: list[dict[str, Any]], era: str
) -> list[dict[str, Any]]:
    """What everybody in a crowd is answered when all of them make all of their calls at once."""
    answers: list[dict[str, Any]] = []

    async def call(client: Client, calls: list[dict[str, Any]]) -> None:
        answers.extend(await together(client, "create_call", calls))

    async with AsyncExitStack() as connected:
        clients = [await connected.enter_async_context(fleet.client(proxy, who, era)) for who in crowd]
        async with anyio.create_task_group() as group:
            for number, client in enumerate(clients):
                group.start_soon(call, client, each[number :: len(clients)])
    return answers


async def test_a_budget_is_spent_once_by_all_replicas_together(limited: Fleet, before: Proxy) -> None:
    """Twenty-four calls to one number, each unlike the others, race for three places."""
    wanted = new_call()
    each = [wanted | {"TimeLimit": 60 + number} for number in range(24)]
    answers = await rush(limited, before, CROWD, each, "auto")
    assert [answer["status"] for answer in answers].count("ok") == 3
    refused = [answer for answer in answers if answer["status"] != "ok"]
    assert {(answer["status"], answer["outcome"]) for answer in refused} == {("denied", "not_sent")}
    assert all("More than 3 calls an hour" in answer["summary"] for answer in refused)
    assert len(limited.world.sent()) == 3
    assert set(before.called()) == {0, 1}


async def test_of_identical_calls_at_once_one_is_made_and_the_next_is_asked_about(
    limited: Fleet, before: Proxy
) -> None:
    wanted = new_call()
    answers = await rush(limited, before, OTHERS, [wanted] * 24, "legacy")
    sent = [answer for answer in answers if answer["status"] == "ok"]
    assert len(sent) == len(limited.world.sent()) == 1
    rest = {(answer["status"], answer.get("code")) for answer in answers if answer not in sent}
    # A twin holds a place in the budget until it is turned away, so that the place may be missed by others.
    full = ("denied", "per_destination_per_hour")
    assert rest <= {("confirmation_required", None), ("error", "duplicate"), full}

    async with limited.client(before, "patient") as client:
        for replica in (0, 1):
            before.then(replica)
            asked = await told(client, "create_call", wanted)
            assert asked["status"] == "confirmation_required"
            assert "this would be a second one" in asked["preview"]
        assert len(limited.world.sent()) == 1
        before.then(0)
        again = wanted | {"confirm_token": asked["confirm_token"]}
        assert (await told(client, "create_call", again))["status"] == "ok"
    assert len(limited.world.sent()) == 2


async def test_who_calls_too_often_waits_on_all_replicas(limited: Fleet, before: Proxy) -> None:
    async with limited.client(before, "hasty") as client, limited.client(before, "patient") as other:
        began = anyio.current_time()
        answers = await together(client, "list_queues", [{"PageSize": 5}] * 30)
        minutes = (anyio.current_time() - began) / 60
        refused = [answer for answer in answers if answer["status"] != "ok"]
        assert BURST <= len(answers) - len(refused) <= BURST + RATE * minutes + 1
        assert {(answer["code"], answer["outcome"]) for answer in refused} == {("too_many_calls", "not_sent")}
        assert all(answer["retry_after_seconds"] > 0 for answer in refused)
        assert (await told(other, "list_queues", {}))["status"] == "ok"
    assert set(before.called()) == {0, 1}


async def test_panic_by_command_stops_every_replica(stateless: Fleet, proxy: Proxy) -> None:
    """From a machine that runs none of them, also what was approved before."""
    arguments = new_call()
    async with stateless.client(proxy, "otto") as client:
        asked = await told(client, "create_call", arguments)
        arguments |= {"confirm_token": asked["confirm_token"]}
        stopped = await anyio.to_thread.run_sync(stateless.cli, "panic")
        try:
            assert stopped.returncode == 0, stopped.stderr
            proxy.then(0, 1, 2)
            for _ in range(3):
                denied = await told(client, "create_call", arguments)
                assert (denied["status"], denied["outcome"]) == ("denied", "not_sent")
                assert "for every server on the store" in denied["summary"]
            assert (await told(client, "list_calls", {}))["status"] == "ok"
        finally:
            cleared = await anyio.to_thread.run_sync(stateless.cli, "panic", "--clear")
        assert cleared.returncode == 0, cleared.stderr
        assert stateless.world.sent() == []
        assert (await told(client, "create_call", arguments))["status"] == "ok"
    assert len(stateless.world.sent()) == 1
