"""An API that misbehaves: each failure is one short result with code, outcome and next step."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from mcp import Client

from tests.client.loopback import Loopback, Reply, answer, error, loopback
from tests.e2e.conftest import story, texts
from texml_mcp.server.app import build_server
from texml_mcp.server.services import build_services
from texml_mcp.settings import load

pytestmark = pytest.mark.anyio

READ = ("get_queue", {"queue_sid": "support"})
WRITE = ("create_queue", {"FriendlyName": "support"})
CALL = ("create_call", {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "1"})
QUEUE = {"sid": "support", "current_size": 0, "max_size": 5}
HTML = answer(200, b"<html><body>login</body></html>")


@pytest.fixture
async def wire() -> AsyncIterator[Loopback]:
    async with loopback() as server:
        yield server


@contextlib.asynccontextmanager
async def served(wire: Loopback, era: str, **settings: object) -> AsyncIterator[Client]:
    options = {"timeout_seconds": 1.0, "read_retries": 0, "confirm": "off", "account_sid": "acc", **settings}
    services = build_services(load(api_key="sandbox-test", base_url=wire.base_url, **options))
    async with Client(build_server(services, sandbox=False), mode=era) as client:
        yield client


@pytest.mark.parametrize(
    ("reply", "code", "outcome", "says"),
    [
        (error(401, "10009"), "authentication_failed", "rejected", "TELNYX_API_KEY"),
        (error(403, "10010"), "not_authorized", "rejected", ""),
        (error(404), "not_found_or_wrong_account", "rejected", "account"),
        (error(404, "10005"), "not_found_or_wrong_account", "rejected", "account"),
        (error(422, "10032", "/FriendlyName"), "invalid_enum", "rejected", ""),
        (error(429, "10011", headers={"retry-after": "7"}), "rate_limited", "rejected", "7"),
        (error(500), "upstream_failed", "unknown", ""),
        (HTML, "not_json", "unknown", ""),
        (answer(200, b'{"sid": "supp'), "malformed_answer", "unknown", ""),
        (answer(200, b"[1, 2]"), "", "unknown", ""),
        (
            Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", "close"),
            "truncated_answer",
            "unknown",
            "",
        ),
        (Reply(b"", "close"), "connection_lost", "unknown", ""),
        (Reply(b"", "reset"), "connection_lost", "unknown", ""),
        (Reply(b"", "stall"), "timeout", "unknown", ""),
        (answer(302, headers={"location": "https://elsewhere.example/v2"}), "redirected", "unknown", ""),
    ],
    ids=lambda value: value if isinstance(value, str) and value else None,
)
async def test_a_write_that_fails_leaves_once_and_says_what_is_known(
    wire: Loopback, era: str, reply: Reply, code: str, outcome: str, says: str
) -> None:
    wire.will(reply)
    async with served(wire, era) as client:
        failed = await client.call_tool(*WRITE)
        told = story(failed)
        wire.will(answer(200, QUEUE))
        assert story(await client.call_tool(*READ))["status"] == "ok", "the server lives on"
    assert failed.is_error
    assert told["status"] == "error"
    assert told["code"] == code or not code
    assert told["outcome"] == outcome
    assert f"outcome: {outcome}" in texts(failed)
    assert says in texts(failed)
    assert len(texts(failed)) < 900
    assert len([each for each in wire.received if each.method == "POST"]) == 1
    if outcome == "unknown":
        assert told["next"][0]["tool"] == "list_queues"
    else:
        assert "NOT EXECUTED" in texts(failed)


async def test_an_unknown_call_offers_the_read_that_settles_it(wire: Loopback, era: str) -> None:
    wire.will(Reply(b"", "close"))
    async with served(wire, era) as client:
        told = story(await client.call_tool(*CALL))
    (settle,) = told["next"]
    assert settle["tool"] == "list_calls"
    assert settle["arguments"]["To"] == "+13125550142"
    assert "before trying again" in settle["why"]


async def test_a_refused_connection_was_never_sent(wire: Loopback, era: str) -> None:
    async with served(wire, era) as client:
        pass
    async with loopback() as gone:
        url = gone.base_url
    gone_wire = Loopback(port=int(url.split(":")[2].split("/")[0]))
    async with served(gone_wire, era) as client:
        told = await client.call_tool(*WRITE)
    assert story(told)["outcome"] == "not_sent"
    assert "NOT EXECUTED" in texts(told)


async def test_a_204_with_a_body_is_a_success(wire: Loopback, era: str) -> None:
    wire.will(Reply(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "close"))
    async with served(wire, era) as client:
        told = story(
            await client.call_tool("delete_recording", {"recording_sid": "r1", "confirm_token": "x"})
        )
    assert told["status"] == "ok"


async def test_an_answer_with_unexpected_types_is_still_told(wire: Loopback, era: str) -> None:
    wire.will(answer(200, {"sid": ["x"], "current_size": "many", "max_size": None, "date_created": 7}))
    async with served(wire, era) as client:
        assert story(await client.call_tool(*READ))["status"] == "ok"


async def test_reads_are_tried_again_and_writes_are_not(wire: Loopback, era: str) -> None:
    wire.will(error(503), answer(200, QUEUE))
    async with served(wire, era, read_retries=2) as client:
        assert story(await client.call_tool(*READ))["status"] == "ok"
        assert len(wire.received) == 2
        wire.will(error(503), answer(200, QUEUE))
        assert story(await client.call_tool(*WRITE))["outcome"] == "unknown"
    assert len(wire.received) == 3


async def test_the_key_is_in_no_answer(wire: Loopback, era: str) -> None:
    wire.will(error(401, "10009", detail="bad key sandbox-test\u202e"))
    async with served(wire, era) as client:
        failed = await client.call_tool(*READ)
    assert "sandbox-test" not in texts(failed) + json.dumps(failed.structured_content)
    assert "\u202e" not in texts(failed)
    assert wire.received[0].headers["authorization"] == "Bearer sandbox-test"


@pytest.mark.parametrize(
    "sid", ["../../../v2/texml_applications", "..", "a/b", "a%2fb", "a?x=1", "a#b", "%2e%2e", "a\\b"]
)
async def test_an_identifier_cannot_leave_its_segment(wire: Loopback, era: str, sid: str) -> None:
    wire.will(answer(200, QUEUE))
    async with served(wire, era) as client:
        told = story(await client.call_tool("get_queue", {"queue_sid": sid}))
    for request in wire.received:
        assert request.path.startswith(b"/v2/texml/Accounts/acc/Queues/")
        assert request.path.count(b"/") == 6
        assert request.query == b""
    if not wire.received:
        assert told["outcome"] == "not_sent"
        assert told["field"] == "queue_sid"
