"""Documents fetched from a web server on this machine, with method, fallback and limits; never elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.sandbox.conftest import ACCOUNT, APPLICATION, DESK
from texml_mcp.sandbox import World, Worlds, create_app
from texml_mcp.sandbox.fetching import MOST_BYTES, FetchError, fetch_document

GOOD = b"<Response><Pause length='60'/></Response>"


@contextmanager
def serving(pages: dict[str, tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """A server with these pages by path: its address, and the requests it heard."""
    heard: list[str] = []

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.command} {self.path.partition('?')[0]}")
            self.rfile.read(int(self.headers.get("content-length", "0")))
            status, content = pages[self.path.partition("?")[0]]
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            server.shutdown()
            thread.join()


def dial(world: World, fetch: bool = True, **given: str) -> str:
    """Place a call; how it stands a while later."""
    worlds = Worlds()
    worlds.put("sandbox", world)
    body = {"To": "+13125550142", "From": DESK, "ApplicationSid": APPLICATION, **given}
    client = TestClient(create_app(worlds, fetch=fetch), headers={"authorization": "Bearer sandbox"})
    assert client.post(f"/v2/texml/Accounts/{ACCOUNT}/Calls", json=body).status_code == 200
    world.advance(20)
    (call,) = world.table("calls").values()
    return call["status"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_loopback_document_is_fetched_with_the_method_asked_for(world: World, method: str) -> None:
    with serving({"/a": (200, GOOD)}) as (address, heard):
        assert dial(world, Url=f"{address}/a", UrlMethod=method) == "in-progress"
    assert heard == [f"{method} /a"]


@pytest.mark.parametrize("bad", [(500, GOOD), (302, b""), (200, b"<Response>"), (200, b" " * 70_000 + GOOD)])
def test_the_fallback_stands_in_for_a_document_that_fails(world: World, bad: tuple[int, bytes]) -> None:
    with serving({"/a": bad, "/b": (200, GOOD)}) as (address, heard):
        assert dial(world, Url=f"{address}/a", FallbackUrl=f"{address}/b") == "in-progress"
    assert heard == ["POST /a", "POST /b"]


def test_a_document_is_asked_for_when_somebody_answers_and_not_before(world: World) -> None:
    world.script_callee({"match": "+13125550142", "does": "busy"})
    with serving({"/a": (200, GOOD)}) as (address, heard):
        assert dial(world, Url=f"{address}/a") == "busy"
    assert heard == []


def test_the_scripted_table_goes_first_and_without_the_option_is_all_there_is(world: World) -> None:
    with serving({"/a": (200, GOOD)}) as (address, heard):
        twin = world.fork()
        assert dial(twin, fetch=False, Url=f"{address}/a") == "completed"
        world.documents[f"{address}/a"] = GOOD.decode()
        assert dial(world, Url=f"{address}/a") == "in-progress"
    assert heard == []


def test_nothing_is_fetched_from_elsewhere_nor_without_limit() -> None:
    with pytest.raises(FetchError, match="not a loopback address"):
        fetch_document("http://127.0.0.1@192.0.2.1/", "GET", {})
    with (
        serving({"/": (200, b"x" * (MOST_BYTES + 1))}) as (address, _),
        pytest.raises(FetchError, match="64 KB"),
    ):
        fetch_document(address + "/", "GET", {})
