"""Servers over HTTP, as processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.http.service import Service, serving

Start = Callable[..., Service]


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers with these flags and environment variables, and ends them after the test."""
    with ExitStack() as running:
        count = 0

        def started(*flags: str, **environment: str) -> Service:
            nonlocal count
            count += 1
            return running.enter_context(serving(tmp_path / f"server{count}.log", *flags, **environment))

        yield started


@pytest.fixture(scope="module")
def sandbox_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One server on its sandbox without identities, shared by tests that leave it as others need it."""
    with serving(
        tmp_path_factory.mktemp("service") / "server.log", "--sandbox", "--rate-per-minute", "0"
    ) as service:
        yield service
