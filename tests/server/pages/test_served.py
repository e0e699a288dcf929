"""The pages of a server as an operator starts it: a process, its own fences, and a client that asks."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.e2e.conftest import story
from tests.http.service import Service, serving
from tests.server.pages.office import CALL, Browser, words
from texml_mcp.identity import Principal
from texml_mcp.identity import editing as tokens


def ask(service: Service, token: str) -> dict[str, object]:
    """One call that needs a yes, by an official client."""

    async def asked() -> dict[str, object]:
        async with service.client(token=token) as client:
            return story(await client.call_tool("create_call", dict(CALL)))

    return anyio.run(asked)


def test_what_a_client_asks_is_approved_in_a_browser_and_then_runs(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    given = {
        name: tokens.add(file, Principal(name, role)).token
        for name, role in (("bob", "approver"), ("agent", "operator"))
    }
    flags = ("--sandbox", "--confirm", "external", "--tokens-file", str(file), "--state-dir", str(tmp_path))
    with serving(tmp_path / "server.log", *flags) as service:
        pending = ask(service, given["agent"])
        assert pending["status"] == "approval_pending"
        browser = Browser(service.url)
        assert browser.get("/approvals").headers["location"] == "/sign-in?next=/approvals"
        assert browser.sign_in(given["bob"], next="/approvals").headers["location"] == "/approvals"
        page = browser.get("/approvals")
        id = next(word for word in str(pending["summary"]).split() if f"/approvals/{word}" in page.text)
        assert "Asked by agent" in words(page)
        forged = {"Origin": "https://evil.example"}
        assert browser.submit(f"/approvals/{id}", {"decision": "approve"}, forged).status_code == 403
        assert browser.answer(id, "approve", "agreed").status_code == 303
        assert "Approved by bob" in words(browser.get(f"/approvals/{id}"))
        assert ask(service, given["agent"])["status"] == "ok"
        until = time.monotonic() + 20
        # It rings for three seconds, and goes on for a minute: the board may be slower than the first.
        while not re.search(r"\+13125550142 (ringing|in-progress)", words(browser.get("/board"))):
            assert time.monotonic() < until, "the board does not show the call"
            time.sleep(0.2)
        assert all(token not in service.logged() for token in given.values())


def test_without_identities_there_are_no_pages(tmp_path: Path) -> None:
    with serving(tmp_path / "server.log", "--sandbox") as service:
        browser = Browser(service.url)
        for path in ("/approvals", "/board", "/sign-in", "/static/live.js"):
            assert browser.get(path).status_code == 404
        assert browser.sign_in("x").status_code == 404


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server with pages, for requests that change nothing."""
    place = tmp_path_factory.mktemp("served")
    tokens.add(place / "tokens.toml", Principal("bob", "approver"))
    with serving(place / "server.log", "--sandbox", "--tokens-file", str(place / "tokens.toml")) as service:
        yield service


@pytest.mark.parametrize("path", ["/approvals", "/board", "/sign-in"])
def test_a_name_that_the_server_does_not_answer_to_sees_nothing(service: Service, path: str) -> None:
    assert Browser(service.url).get(path, headers={"Host": "evil.example"}).status_code == 421
