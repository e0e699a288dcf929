"""Callbacks delivered to a receiver on this machine: signed, retried, and never sent anywhere else."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.sandbox.conftest import ACCOUNT, APPLICATION, DESK
from texml_mcp.sandbox import Sandbox, World, Worlds, create_app
from texml_mcp.sandbox.delivery import ROUNDS, why_not_loopback


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Receiver:
    """A web server on a free port that answers `answers` in turn, the last of them for ever."""

    answers: list[int]
    url: str = ""
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.heard.append((first, headers, body))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        writer.write(
            f"HTTP/1.1 {status} X\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n"
            "connection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving(*answers: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(list(answers))
    server = await asyncio.start_server(receiver.hear, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver


async def dialed(world: World, url: str, **more: Any) -> tuple[Sandbox, dict[str, Any]]:
    """Place a call that tells `url` it began; the app, and the outbox entry once delivery is over."""
    worlds = Worlds()
    worlds.put("sandbox", world)
    app = create_app(worlds, control=True, deliver=True)
    given = {
        "To": "+13125550142",
        "From": DESK,
        "ApplicationSid": APPLICATION,
        "Texml": "<Response/>",
        "StatusCallback": url,
        "StatusCallbackEvent": "initiated",
        **more,
    }
    async with client_of(app) as client:
        answer = await client.post(f"/v2/texml/Accounts/{ACCOUNT}/Calls", json=given)
    assert answer.status_code == 200, answer.text
    assert app.courier is not None
    await app.courier.settled()
    (entry,) = world.outbox
    return app, entry


def client_of(app: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://sandbox.test",
        headers={"authorization": "Bearer sandbox"},
    )


async def test_a_callback_arrives_form_encoded_with_a_signature_the_public_key_proves(world: World) -> None:
    async with receiving(200) as receiver:
        app, entry = await dialed(world, receiver.url)
        async with client_of(app) as client:
            shown = (await client.get("/_sandbox/worlds/sandbox/public-key")).json()["public_key"]
    ((first, headers, body),) = receiver.heard
    assert first.startswith("POST /hook ")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert {name: value for name, (value,) in parse_qs(body.decode()).items()} == entry["fields"]
    assert headers["telnyx-timestamp"] == str(int(entry["at"]))
    key = Ed25519PublicKey.from_public_bytes(b64decode(shown))
    signature = b64decode(headers["telnyx-signature-ed25519"])
    key.verify(signature, headers["telnyx-timestamp"].encode() + b"|" + body)
    with pytest.raises(InvalidSignature):
        key.verify(signature, headers["telnyx-timestamp"].encode() + b"|" + body + b"x")
    assert entry["delivery"] == {
        "status": "delivered",
        "why": None,
        "attempts": [{"url": receiver.url, "answered": 200}],
    }


async def test_a_callback_by_get_has_its_fields_in_the_query(world: World) -> None:
    async with receiving(200) as receiver:
        _, entry = await dialed(world, receiver.url + "?tag=1", StatusCallbackMethod="GET")
    ((first, _, body),) = receiver.heard
    method, target, _ = first.split(" ")
    sent = {name: value for name, (value,) in parse_qs(target.partition("?")[2]).items()}
    assert (method, sent, body) == ("GET", entry["fields"] | {"tag": "1"}, b"")


async def test_a_failed_attempt_is_made_again_and_each_is_written_down(world: World) -> None:
    async with receiving(500, 302, 204) as receiver:
        _, entry = await dialed(world, receiver.url)
    assert [attempt["answered"] for attempt in entry["delivery"]["attempts"]] == [500, 302, 204]
    assert entry["delivery"]["status"] == "delivered"


async def test_attempts_are_bounded_and_delivery_leaves_the_hash_alone(world: World) -> None:
    twin = world.fork()
    async with receiving(503) as receiver:
        _, entry = await dialed(world, receiver.url)
        await dialed(twin, receiver.url.replace("/hook", "/other"))
    assert len(entry["delivery"]["attempts"]) == ROUNDS
    assert entry["delivery"]["status"] == "failed"
    before = world.hash()
    entry["delivery"]["status"] = "delivered"
    assert world.hash() == before


async def test_what_is_told_of_one_call_arrives_in_its_order(world: World) -> None:
    """Also when the first of it has to be told again; what is told of another call does not wait for that."""
    worlds = Worlds()
    worlds.put("sandbox", world)
    app = create_app(worlds, control=True, deliver=True)
    async with receiving(503, 503, 200) as receiver, client_of(app) as client:
        for to in ("+13125550142", "+13125550143"):
            call = {"To": to, "From": DESK, "ApplicationSid": APPLICATION, "Texml": "<Response/>"}
            call |= {
                "StatusCallback": receiver.url,
                "StatusCallbackEvent": "initiated ringing answered completed",
            }
            await client.post(f"/v2/texml/Accounts/{ACCOUNT}/Calls", json=call)
        world.advance(60)
        await client.get(f"/v2/texml/Accounts/{ACCOUNT}/Calls")
        assert app.courier is not None
        await app.courier.settled()
    told: dict[str, list[str]] = {}
    for _, _, body in receiver.heard:
        fields = parse_qs(body.decode())
        told.setdefault(fields["To"][0], []).append(fields["CallStatus"][0])
    assert len(told) == 2
    for each in told.values():
        assert each == ["initiated", "initiated", "ringing", "in-progress", "completed"]


async def test_the_fallback_is_tried_when_the_address_refuses(world: World) -> None:
    async with receiving(500) as first, receiving(200) as second:
        hook = {"url": first.url, "method": "POST", "fallback_url": second.url}
        world.send(hook, "initiated", "call-progress-events", CallSid="c")
        worlds = Worlds()
        worlds.put("sandbox", world)
        app = create_app(worlds, deliver=True)
        async with client_of(app) as client:
            await client.get(f"/v2/texml/Accounts/{ACCOUNT}/Calls")
        assert app.courier is not None
        await app.courier.settled()
    assert (len(first.heard), len(second.heard)) == (1, 1)
    assert world.outbox[0]["delivery"]["attempts"] == [
        {"url": first.url, "answered": 500},
        {"url": second.url, "answered": 200},
    ]


@pytest.mark.parametrize("whose", ["StatusCallback", "status_callback"])
async def test_the_application_s_fallback_stands_in_for_a_callback_address_that_fails(
    world: World, whose: str
) -> None:
    async with receiving(500) as first, receiving(200) as second:
        settings = {"friendly_name": "With fallback", "voice_url": "https://texml.example.com/desk"}
        settings |= {"voice_fallback_url": second.url, "status_callback": first.url}
        made = world.request("create_application", {}, {}, settings)[1]["data"]
        given = {"StatusCallback": first.url if whose == "StatusCallback" else ""}
        texml = "<Response><Hangup/></Response>"
        body = {"To": "+13125550142", "From": DESK, "ApplicationSid": made["id"], "Texml": texml}
        worlds = Worlds()
        worlds.put("sandbox", world)
        app = create_app(worlds, control=True, deliver=True)
        async with client_of(app) as client:
            await client.post(f"/v2/texml/Accounts/{ACCOUNT}/Calls", json=body | given)
            await client.post("/_sandbox/worlds/sandbox/advance", json={"seconds": 5})
        assert app.courier is not None
        await app.courier.settled()
        (entry,) = world.outbox
    assert (entry["event"], entry["fallback_url"]) == ("completed", second.url)
    assert entry["delivery"]["attempts"] == [
        {"url": first.url, "answered": 500},
        {"url": second.url, "answered": 200},
    ]
    assert parse_qs(second.heard[0][2].decode())["CallStatus"] == ["completed"]


async def test_without_an_answer_both_addresses_are_tried_in_turn_and_given_up(world: World) -> None:
    async with receiving(500) as first, receiving(503) as second:
        hook = {"url": first.url, "method": "POST", "fallback_url": second.url}
        world.send(hook, "initiated", "call-progress-events", CallSid="c")
        worlds = Worlds()
        worlds.put("sandbox", world)
        app = create_app(worlds, deliver=True)
        async with client_of(app) as client:
            await client.get(f"/v2/texml/Accounts/{ACCOUNT}/Calls")
        assert app.courier is not None
        await app.courier.settled()
    delivery = world.outbox[0]["delivery"]
    assert delivery["status"] == "failed"
    assert [each["answered"] for each in delivery["attempts"]] == [500, 503] * ROUNDS


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/a", "http://127.0.0.1@192.0.2.1/", "http://192.0.2.1/"]
)
async def test_nothing_is_sent_off_the_machine(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacted: list[Any] = []

    async def connect(*where: Any, **_: Any) -> Any:
        contacted.append(where)
        raise OSError("no network in this test")

    monkeypatch.setattr("httpcore.AsyncConnectionPool.handle_async_request", connect)
    _, entry = await dialed(world, url)
    assert contacted == []
    assert (entry["delivery"]["status"], entry["delivery"]["attempts"]) == ("held", [])
    assert "not a loopback address" in entry["delivery"]["why"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]:8000/", True),
        ("http://LOCALHOST/", True),
        ("http://localhost.example.com/", False),
        ("http://0.0.0.0/", False),
        ("http://[::ffff:192.0.2.1]/", False),
        ("http://2130706433/", False),
        ("ftp://127.0.0.1/", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_are_on_this_machine(url: str, allowed: bool) -> None:
    assert (why_not_loopback(url) is None) is allowed


async def test_without_the_option_the_outbox_only_fills(world: World) -> None:
    worlds = Worlds()
    worlds.put("sandbox", world)
    app = create_app(worlds)
    world.send({"url": "http://127.0.0.1:9/"}, "initiated", "call-progress-events")
    async with client_of(app) as client:
        await client.get(f"/v2/texml/Accounts/{ACCOUNT}/Calls")
    assert app.courier is None
    assert "delivery" not in world.outbox[0]
