"""A replica is killed while its write is on the way: another one knows of it, and nothing is sent twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp.shared.exceptions import MCPError

from tests.redis_server import RedisServer
from tests.replicas.fleet import Fleet, Network, new_call, told

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.fixture(scope="module")
def mortal(
    tmp_path_factory: pytest.TempPathFactory, network: Network, replicas_redis: RedisServer
) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet") / "mortal", network, replicas_redis.url, "--stateless")
    yield made
    made.close()


@pytest.fixture
def fleet(mortal: Fleet) -> Fleet:
    """Two servers that run, whatever became of them in the test before."""
    for number, each in enumerate(mortal.replicas):
        if each.process.poll() is not None:
            mortal.restart(number)
    mortal.world.forget()
    return mortal


async def journal(fleet: Fleet) -> list[dict[str, Any]]:
    """What an operator sees, on a machine that runs none of the servers."""
    shown = await anyio.to_thread.run_sync(fleet.cli, "journal", "show", "--json")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


async def test_a_write_of_a_killed_replica_is_settled_from_another_and_never_sent_twice(
    fleet: Fleet, era: str
) -> None:
    world, wanted, began = fleet.world, new_call(), time.time()
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto", era) as client:
        proxy.then(0, 0)
        asked = await told(client, "create_call", wanted)
        world.fault("create_call", "slow", seconds=60)
        approved = wanted | {"confirm_token": asked["confirm_token"]}

        async def call() -> None:
            # The proxy's connection broke off: nobody can tell this client what became of it.
            with pytest.raises(MCPError):
                await client.call_tool("create_call", approved)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as calling:
                calling.start_soon(call)
                await world.wait_for("create_call")
                fleet.replicas[0].kill()

        # Repeated as it was, the approval is spent; the question says what may have happened.
        proxy.then(1)
        again = await told(client, "create_call", approved)
        assert again["status"] == "confirmation_required"
        assert "this would be a second one" in again["preview"]

    (open,) = [entry for entry in await journal(fleet) if entry["outcome"] == "open" and entry["at"] > began]
    assert open["tool"] == "create_call"
    settled = await anyio.to_thread.run_sync(fleet.cli, "journal", "reconcile", "--older-than", "0")
    assert settled.returncode == 0, settled.stdout + settled.stderr
    assert "happened: there is a call to that number" in settled.stdout
    (entry,) = [entry for entry in await journal(fleet) if entry["id"] == open["id"]]
    assert (entry["outcome"], entry["sid"].startswith("v3:")) == ("happened", True)
    assert len(world.sent()) == 1


async def test_what_a_killed_replica_never_sent_is_not_said_to_have_happened(fleet: Fleet) -> None:
    """The network cut it off before anything came about, and the replica died with the question open."""
    world, wanted = fleet.world, new_call()
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto") as client:
        proxy.then(0, 0)
        asked = await told(client, "create_call", wanted)
        world.fault("create_call", "timeout", seconds=60)

        async def call() -> None:
            with pytest.raises(MCPError):
                await client.call_tool("create_call", wanted | {"confirm_token": asked["confirm_token"]})

        with anyio.fail_after(30):
            async with anyio.create_task_group() as calling:
                calling.start_soon(call)
                await world.struck()
                fleet.replicas[0].kill()
    # Too early to say that it did not: reads lag.
    early = await anyio.to_thread.run_sync(fleet.cli, "journal", "reconcile", "--older-than", "0")
    assert early.returncode == 1
    assert "cannot tell: it is not shown, but reads lag" in early.stdout
    assert world.sent() == []
