"""What every test may use."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own key or policy must not change what a test sees."""
    for name in list(os.environ):
        if name.startswith(("TELNYX_", "TEXML_MCP_")):
            monkeypatch.delenv(name)
