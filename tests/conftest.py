"""What every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import once
from tests.redis_server import REASON, RedisServer, installed

# A busy machine is no failure: how long an example takes is for benchmarks.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
once.install()

# What is collected stays to the end: to look through it for garbage again and again took a tenth of the time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own key or policy must not change what a test sees."""
    for name in list(os.environ):
        if name.startswith(("TELNYX_", "TEXML_MCP_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if not installed():
        pytest.skip(REASON)
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def redis_url(_shared_redis: RedisServer) -> str:
    """The URL of a running Redis that is empty at the start of the test."""
    _shared_redis.flush()
    return _shared_redis.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, to be killed and frozen; what it was told survives that."""
    if not installed():
        pytest.skip(REASON)
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis", durable=True).start()
    yield server
    server.kill()
