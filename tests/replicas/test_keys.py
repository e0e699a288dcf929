"""The seal keys are changed while people are being asked: what one replica sealed, the others read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.e2e.conftest import answering
from tests.redis_server import RedisServer
from tests.replicas.fleet import Fleet, Network, answered, asked_by_form, new_call, new_key
from tests.replicas.proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.long]

OLD, NEW = new_key(), new_key()


@pytest.fixture
def fleet(
    tmp_path_factory: pytest.TempPathFactory, network: Network, replicas_redis: RedisServer
) -> Iterator[Fleet]:
    made = Fleet(
        tmp_path_factory.mktemp("fleet") / "keys", network, replicas_redis.url, "--stateless", keys=(OLD,)
    )
    yield made
    made.close()


async def crosses(client: Client, proxy: Proxy, asked_on: int, answered_on: int) -> str:
    """What becomes of a form that one server shows and the other is answered on."""
    arguments = new_call()
    proxy.then(asked_on, answered_on)
    state = await asked_by_form(client, arguments)
    try:
        return str((await answered(client, arguments, state))["status"])
    except MCPError as error:
        return error.error.message


async def test_a_key_is_changed_in_three_steps_and_no_answer_is_lost(fleet: Fleet) -> None:
    asked_under_old = new_call()
    sent = 0

    def restart(number: int, *keys: str) -> None:
        fleet.restart(number, *keys)
        proxy.replicas[number] = fleet.replicas[number].url

    async with fleet.proxy() as proxy, fleet.client(proxy, "otto", **answering()) as client:
        proxy.then(1)
        kept = await asked_by_form(client, asked_under_old)
        # First each server learns to read the new key, then to seal under it, then the old one goes. At no
        # moment do two of them differ by more than a step.
        for number, *keys in ((0, OLD, NEW), (1, NEW, OLD), (0, NEW), (1, NEW)):
            restart(number, *keys)
            both_ways = [await crosses(client, proxy, *way) for way in ((0, 1), (1, 0))]
            assert both_ways == ["ok", "ok"], (number, len(keys))
            sent += 2
        # What was asked under the old key is too old by now: refused, and the servers live on.
        for number in (0, 1):
            proxy.then(number)
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await answered(client, asked_under_old, kept)
            assert await crosses(client, proxy, number, 1 - number) == "ok"
            sent += 1
    assert len(fleet.world.sent()) == sent
    assert not any("Traceback" in each.logged() for each in fleet.replicas)


async def test_a_server_that_seals_under_a_key_too_early_loses_answers_and_sends_nothing(
    fleet: Fleet,
) -> None:
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto", **answering()) as client:
        fleet.restart(0, NEW, OLD)
        proxy.replicas[0] = fleet.replicas[0].url
        assert await crosses(client, proxy, 1, 0) == "ok"
        assert len(fleet.world.sent()) == 1
        assert await crosses(client, proxy, 0, 1) == "Invalid or expired requestState"
        assert len(fleet.world.sent()) == 1
        assert await crosses(client, proxy, 1, 1) == "ok", "it goes on with its own"
    # What the store holds is sealed under the new key by now: whoever lacks it says so and does not start.
    with pytest.raises(AssertionError, match="put the former key behind the new one"):
        fleet.start(2, OLD)
