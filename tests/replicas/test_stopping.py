"""One replica is stopped under load: what it had begun it finishes, the rest goes to the other, once."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from tests.redis_server import RedisServer
from tests.replicas.fleet import Fleet, Network, new_call, told
from tests.replicas.proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.long]

CLIENTS, CALLS = 8, 5
SLOW = 0.8  # longer than a server that ends its streams too early leaves them


@pytest.fixture
def fleet(
    tmp_path_factory: pytest.TempPathFactory, network: Network, replicas_redis: RedisServer
) -> Iterator[Fleet]:
    made = Fleet(
        tmp_path_factory.mktemp("fleet") / "stopping",
        network,
        replicas_redis.url,
        *("--stateless", "--confirm", "off", "--rate-per-minute", "0"),
    )
    yield made
    made.close()


async def test_no_call_is_lost_or_doubled_when_one_of_two_stops(fleet: Fleet) -> None:
    each = [new_call(TimeLimit=60 + number) for number in range(CLIENTS * CALLS)]
    fleet.world.fault("create_call", "slow", seconds=SLOW, times=len(each))
    statuses, refused = Counter[str](), Counter[str]()

    async def work(proxy: Proxy, era: str, calls: list[dict[str, Any]]) -> None:
        async with fleet.client(proxy, "otto", era) as client:
            for arguments in calls:
                answer = await told(client, "create_call", arguments)
                while answer["status"] == "error":
                    # Begun in the moment of the stop: it says that nothing was sent, so it may be repeated.
                    assert answer["outcome"] == "not_sent", answer
                    refused[answer["code"]] += 1
                    answer = await told(client, "create_call", arguments)
                statuses[answer["status"]] += 1

    async with fleet.proxy(checks=True) as proxy:
        stopping, stopped_at = fleet.replicas[0], 0
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                for number in range(CLIENTS):
                    era = ("auto", "legacy")[number % 2]
                    group.start_soon(work, proxy, era, each[number::CLIENTS])
                while len(fleet.world.sent()) < len(each) // 4:
                    await anyio.sleep(0.02)
                stopping.process.send_signal(signal.SIGTERM)
                stopped_at = len(proxy.passed)
        after = proxy.called(stopped_at)
    assert statuses == {"ok": len(each)}
    assert set(refused) <= {"shutting_down"}
    made = Counter(body["TimeLimit"] for body in fleet.world.sent())
    assert made == Counter(call["TimeLimit"] for call in each)
    assert after.count(1) > after.count(0), "the other one took over"
    assert stopping.stop() == 0
    assert "Traceback" not in stopping.logged()
