"""A slow document holds its own world and no other; in one world, requests come one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import ACCOUNT, APPLICATION, DESK
from texml_mcp.sandbox import Worlds, create_app

DOCUMENT = b"<Response><Pause length='60'/></Response>"
CALLS = f"/v2/texml/Accounts/{ACCOUNT}/Calls"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Slow:
    """A server that holds every request until it is let go."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await self.go.wait()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(DOCUMENT)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + DOCUMENT)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def slow() -> AsyncIterator[Slow]:
    made = Slow()
    server = await asyncio.start_server(made.hear, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/texml"
    async with server:
        yield made


def call(url: str = "", to: str = "+13125550142") -> dict[str, Any]:
    body = {"To": to, "From": DESK, "ApplicationSid": APPLICATION}
    return body | ({"Url": url} if url else {"Texml": DOCUMENT.decode()})


def answered(client: httpx.AsyncClient, name: str) -> asyncio.Task[httpx.Response]:
    """Let the callee pick up, which is when the document is asked for."""
    return asyncio.create_task(client.post(f"/_sandbox/worlds/{name}/advance", json={"seconds": 5}))


@asynccontextmanager
async def clients(*names: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    app = create_app(Worlds(), control=True, fetch=True)
    made = [
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://sandbox.test",
            headers={"authorization": f"Bearer {name}"},
            timeout=10,
        )
        for name in names
    ]
    yield made
    for client in made:
        await client.aclose()


async def test_other_worlds_go_on_while_one_waits_for_a_document() -> None:
    async with slow() as server, clients("sandbox-a", "sandbox-b") as (a, b):
        assert (await a.post(CALLS, json=call(server.url))).status_code == 200
        held = answered(a, "sandbox-a")
        await server.asked.wait()
        for _ in range(5):
            assert (await b.post(CALLS, json=call())).status_code == 200
        assert (await b.get("/_sandbox/worlds/sandbox-b/state")).status_code == 200
        assert (await b.get("/?world=sandbox-b")).status_code == 200
        assert not held.done()
        server.go.set()
        assert (await held).status_code == 200


async def test_one_world_takes_one_request_at_a_time() -> None:
    async with slow() as server, clients("sandbox-a") as (a,):
        assert (await a.post(CALLS, json=call(server.url, "+13125550151"))).status_code == 200
        held = answered(a, "sandbox-a")
        await server.asked.wait()
        later = [asyncio.create_task(a.get(CALLS)), asyncio.create_task(a.get("/?world=sandbox-a"))]
        done, _ = await asyncio.wait(later, timeout=0.2)
        assert not done
        server.go.set()
        assert (await held).status_code == 200
        found = (await later[0]).json()["calls"][0]
        assert (found["to"], found["status"]) == ("+13125550151", "in-progress")
        assert (await later[1]).status_code == 200


async def test_many_slow_worlds_leave_room_for_a_quick_one() -> None:
    names = [f"sandbox-{number}" for number in range(12)]
    async with slow() as server, clients(*names, "sandbox-quick") as (*held, quick):
        for each in held:
            await each.post(CALLS, json=call(server.url))
        tasks = [answered(each, name) for each, name in zip(held, names, strict=True)]
        await server.asked.wait()
        assert (await quick.post(CALLS, json=call())).status_code == 200
        server.go.set()
        assert {(await task).status_code for task in tasks} == {200}


async def test_worlds_that_are_compared_both_ways_at_once_do_not_wait_for_each_other() -> None:
    async with clients("sandbox-a", "sandbox-b") as (a, b):
        for client in (a, b):
            assert (await client.get(CALLS)).status_code == 200
        asked = [
            a.get(f"/_sandbox/worlds/sandbox-{one}/diff?with=sandbox-{other}")
            for one, other in (("a", "b"), ("b", "a")) * 10
        ]
        async with asyncio.timeout(20):
            replies = await asyncio.gather(*asked)
        assert {reply.status_code for reply in replies} == {200}


async def test_who_goes_away_while_a_document_is_fetched_leaves_the_world_in_order() -> None:
    async with slow() as server, clients("sandbox-a") as (a,):
        assert (await a.post(CALLS, json=call(server.url, "+13125550151"))).status_code == 200
        held = answered(a, "sandbox-a")
        await server.asked.wait()
        held.cancel()
        server.go.set()
        reply = await a.get(CALLS)
        assert reply.json()["calls"][0]["status"] == "in-progress"
