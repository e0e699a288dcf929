"""Real servers and real clients: in-process for the pipeline, as a process where the pipe matters."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_types import CallToolResult, ElicitResult

from texml_mcp.sandbox import Worlds, create_app
from texml_mcp.sandbox.default_world import MAIN_APPLICATION
from texml_mcp.server.app import build_server
from texml_mcp.server.services import SANDBOX_KEY, SANDBOX_URL, build_services
from texml_mcp.settings import Settings, load

ERAS = ("auto", "legacy")
CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": MAIN_APPLICATION}

Connect = Callable[..., AbstractAsyncContextManager[Client]]


class Counting(httpx.ASGITransport):
    """The sandbox, and a count of the writes that reached it."""

    def __init__(self, worlds: Worlds) -> None:
        super().__init__(app=create_app(worlds))  # type: ignore[arg-type]
        self.writes: list[tuple[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self.writes.append((request.method, request.url.path))
        return await super().handle_async_request(request)


@pytest.fixture
def worlds() -> Worlds:
    return Worlds()


@pytest.fixture
def network(worlds: Worlds) -> Counting:
    return Counting(worlds)


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(network: Counting, era: str) -> Connect:
    """A client of a fresh server on the counting sandbox, in the era of the test."""

    @contextlib.asynccontextmanager
    async def connected(
        *, transport: Any = None, client: dict[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[Client]:
        services = build_services(load(sandbox=True, **settings))
        services.upstream._transport = transport or network  # pyright: ignore[reportPrivateUsage]
        server = build_server(services, sandbox=True)
        async with Client(server, mode=era, **(client or {})) as connection:
            yield connection

    return connected


def texts(result: CallToolResult) -> str:
    return "\n".join(getattr(part, "text", "") for part in result.content)


def story(result: CallToolResult) -> dict[str, Any]:
    """The structured channel; the text channel must carry its summary too."""
    assert isinstance(result.structured_content, dict)
    assert result.structured_content["summary"].split(". ")[0] in texts(result)
    return result.structured_content


def answering(*answers: ElicitResult | Exception) -> dict[str, Any]:
    """Client options: a person who gives these answers in turn, and the questions they were asked."""
    waiting = list(answers)
    asked: list[str] = []

    async def answer(_: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    answer.asked = asked  # type: ignore[attr-defined]
    return {"elicitation_callback": answer}


YES = ElicitResult(action="accept", content={"confirm": True})
NO = ElicitResult(action="decline")
UNTICKED = ElicitResult(action="accept", content={"confirm": False})
BARE = ElicitResult(action="accept")
CANCEL = ElicitResult(action="cancel")

__all__ = ["SANDBOX_KEY", "SANDBOX_URL", "Settings"]
