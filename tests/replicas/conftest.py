"""One telephone network and one Redis for all of these tests, and several servers between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.redis_server import REASON, RedisServer, installed
from tests.replicas.fleet import EXTERNAL, Fleet, Network
from tests.replicas.proxy import Proxy


@pytest.fixture(scope="package")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("network") / "sandbox.log")
    yield made
    made.close()


@pytest.fixture(scope="package")
def replicas_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Of these tests alone: others empty theirs."""
    if not installed():
        pytest.skip(REASON)
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="package")
def stateless(
    tmp_path_factory: pytest.TempPathFactory, network: Network, replicas_redis: RedisServer
) -> Iterator[Fleet]:
    """Three servers that any client may use in turn."""
    made = Fleet(
        _directory(tmp_path_factory, "stateless"),
        network,
        replicas_redis.url,
        *("--stateless", "--rate-per-minute", "0"),
        count=3,
        people=("otto", "otis", "pia:approver", "anna:approver"),
        policies={"pia": EXTERNAL},
    )
    yield made
    made.close()


@pytest.fixture
async def proxy(stateless: Fleet) -> AsyncIterator[Proxy]:
    """In front of the three servers, with nothing counted and no fault armed yet."""
    stateless.world.forget()
    async with stateless.proxy() as made:
        yield made


def _directory(factory: pytest.TempPathFactory, name: str) -> Path:
    return factory.mktemp("fleet") / name
