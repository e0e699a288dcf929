"""The official Python SDK works all operations against the sandbox, and parses every answer strictly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.story import METHODS, method, settled, steps
from texml_mcp.catalog import ENDPOINTS
from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION

pytestmark = pytest.mark.long

STRICT: dict[str, Any] = {"_strict_response_validation": True, "max_retries": 0}


def test_the_story_leaves_no_operation_out() -> None:
    told = [step.endpoint for step in steps(ACCOUNT_SID, MAIN_APPLICATION)]
    assert set(told) == set(METHODS) == {endpoint.id for endpoint in ENDPOINTS}


def test_every_operation_through_the_sync_client(base_url: str, worlds: Worlds) -> None:
    import telnyx

    notes: dict[str, Any] = {}
    with telnyx.Telnyx(api_key="sandbox-sync", base_url=base_url, **STRICT) as client:
        for step in steps(ACCOUNT_SID, MAIN_APPLICATION):
            if step.before:
                step.before(worlds.of("sandbox-sync"))
            positional, arguments = settled(step, notes)
            answer = method(client, step.endpoint)(*positional, **arguments)
            notes |= step.keep(answer) if step.keep else {}
    assert worlds.of("sandbox-sync").table("calls")[notes["call"]]["status"] == "completed"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_every_operation_through_the_async_client(
    base_url: str, worlds: Worlds, anyio_backend: str
) -> None:
    import telnyx

    notes: dict[str, Any] = {}
    async with telnyx.AsyncTelnyx(api_key="sandbox-async", base_url=base_url, **STRICT) as client:
        for step in steps(ACCOUNT_SID, MAIN_APPLICATION):
            if step.before:
                step.before(worlds.of("sandbox-async"))
            positional, arguments = settled(step, notes)
            answer = method(client, step.endpoint)(*positional, **arguments)
            answer = await answer
            notes |= step.keep(answer) if step.keep else {}
    worlds.of("sandbox-async").advance(60)
    assert "story" not in worlds.of("sandbox-async").table("queues")


def test_both_clients_told_the_same_story(worlds: Worlds) -> None:
    worlds.of("sandbox-sync").advance(60)
    assert worlds.of("sandbox-sync").hash() == worlds.of("sandbox-async").hash()


def test_the_application_iterator_walks_every_page(base_url: str) -> None:
    import telnyx

    with telnyx.Telnyx(api_key="sandbox-pages", base_url=base_url, **STRICT) as client:
        names = [each.friendly_name for each in client.texml_applications.list(page_size=1)]
    assert len(names) == len(set(names)) == 3


def test_the_sdk_raises_its_own_errors(base_url: str) -> None:
    import telnyx

    with telnyx.Telnyx(api_key="sandbox-errors", base_url=base_url, **STRICT) as client:
        with pytest.raises(telnyx.NotFoundError):
            client.texml.accounts.calls.retrieve("v3:none", account_sid=ACCOUNT_SID)
        with pytest.raises(telnyx.UnprocessableEntityError, match="Can't be blank: To"):
            client.texml.accounts.calls.calls(ACCOUNT_SID, body={"From": "+13125550100"})  # type: ignore[typeddict-item]
    with (
        telnyx.Telnyx(api_key="KEY0123", base_url=base_url, **STRICT) as live,
        pytest.raises(telnyx.AuthenticationError, match="sandbox"),
    ):
        live.texml.accounts.calls.retrieve_calls(ACCOUNT_SID)
