from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.client.loopback import Loopback, loopback
from texml_mcp.client import Upstream

KEY = "sandbox-7d1f2c90aa"
ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def wire() -> AsyncIterator[Loopback]:
    async with loopback() as server:
        yield server


class Naps(list[float]):
    """Every pause that was asked for; none is taken."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


Make = Callable[..., Upstream]


@pytest.fixture
async def make(wire: Loopback, naps: Naps) -> AsyncIterator[Make]:
    """Builds clients of the loopback server; each is closed in the end."""
    made: list[Upstream] = []

    def build(**options: Any) -> Upstream:
        options.setdefault("base_url", wire.base_url)
        options.setdefault("timeout", 5.0)
        key = options.pop("api_key", KEY)
        upstream = Upstream(key, sleep=naps, random=lambda: 0.5, **options)
        made.append(upstream)
        return upstream

    yield build
    for upstream in made:
        await upstream.aclose()


@pytest.fixture
def upstream(make: Make) -> Upstream:
    return make()
