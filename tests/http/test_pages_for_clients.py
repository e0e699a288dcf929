"""Clients that open pages send their user to where somebody else settles the request."""

from __future__ import annotations

import itertools
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import ElicitResult

from tests.contract.conftest import serving as sandbox_on_a_port
from tests.e2e.conftest import story
from tests.http.service import Service, serving, token_for
from texml_mcp.sandbox import Worlds
from texml_mcp.server.services import SANDBOX_ACCOUNT, SANDBOX_KEY

pytestmark = pytest.mark.anyio

_operators = itertools.count()


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@dataclass
class Office:
    """A server whose writes somebody else approves, its files, and its telephone network."""

    service: Service
    place: Path
    worlds: Worlds


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    place, worlds = tmp_path_factory.mktemp("office"), Worlds()
    token_for(place / "tokens.toml", "anna", "approver")
    flags = ("--tokens-file", str(place / "tokens.toml"), "--state-dir", str(place / "state"))
    with (
        sandbox_on_a_port(worlds) as url,
        serving(
            place / "server.log",
            *(*flags, "--confirm", "external", "--base-url", url),
            *("--public-url", f"http://127.0.0.1:{free_port()}"),
            TELNYX_API_KEY=SANDBOX_KEY,
            TELNYX_ACCOUNT_SID=SANDBOX_ACCOUNT,
        ) as service,
    ):
        yield Office(service, place, worlds)


@pytest.fixture
def office(running: Office) -> tuple[Service, str, Path]:
    """The server, with its network as new; the token of an operator who never asked before; the state."""
    running.worlds.put(SANDBOX_KEY, running.worlds.anew())
    token = token_for(running.place / "tokens.toml", f"otto-{next(_operators)}")
    return running.service, token, running.place / "state"


def settle(state: Path, id: str, verdict: str, by: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "texml_mcp", "approvals", verdict, id, "--as", by, "--state-dir", str(state)],
        check=True,
        timeout=60,
        capture_output=True,
    )


def opening(state: Path, verdict: str | None, opened: list[Any], action: str = "accept") -> dict[str, Any]:
    """Client options: it opens the page, where an approver decides at once (or nobody does)."""

    async def open_page(_: Any, params: Any) -> ElicitResult:
        opened.append(params)
        if verdict is not None:
            id = params.url.rsplit("/", 1)[1]
            await anyio.to_thread.run_sync(settle, state, id, verdict, "anna")
        return ElicitResult(action=action)  # type: ignore[arg-type]

    return {"elicitation_callback": open_page}


async def _hang_up(service: Service, token: str, era: str, options: dict[str, Any]) -> dict[str, Any]:
    async with service.client(era, token, **options) as client:
        calls = story(await client.call_tool("list_calls", {"limit": 100}))["items"]
        sid = next(each["sid"] for each in calls if each["status"] == "in-progress")
        with anyio.fail_after(60):
            return story(await client.call_tool("update_call", {"call_sid": sid, "Status": "completed"}))


async def test_the_user_is_sent_to_the_page_and_an_approvers_yes_counts(
    office: tuple[Service, str, Path], era: str
) -> None:
    service, otto, state = office
    opened: list[Any] = []
    done = await _hang_up(service, otto, era, opening(state, "approve", opened))
    assert done["status"] == "ok", done
    assert len(opened) == 1
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/approvals/\w+", opened[0].url)
    assert opened[0].mode == "url"
    assert "approver" in opened[0].message


@pytest.mark.parametrize(("verdict", "status"), [("deny", "declined")])
async def test_an_approvers_no_is_a_no(
    office: tuple[Service, str, Path], era: str, verdict: str, status: str
) -> None:
    service, otto, state = office
    done = await _hang_up(service, otto, era, opening(state, verdict, []))
    assert done["status"] == status
    assert "anna said no" in done["summary"]


async def test_a_user_who_does_not_open_the_page_leaves_the_request_waiting(
    office: tuple[Service, str, Path], era: str
) -> None:
    service, otto, state = office
    opened: list[Any] = []
    done = await _hang_up(service, otto, era, opening(state, None, opened, "decline"))
    assert done["status"] == "approval_pending"
    assert "NOT EXECUTED" in done["summary"] or done["next"]
    # Approved later, the same call runs, and nobody is sent anywhere again.
    await anyio.to_thread.run_sync(settle, state, opened[0].url.rsplit("/", 1)[1], "approve", "anna")
    assert (await _hang_up(service, otto, era, opening(state, None, opened)))["status"] == "ok"
    assert len(opened) == 1


async def test_a_client_that_opens_nothing_is_told_to_wait(
    office: tuple[Service, str, Path], era: str
) -> None:
    service, otto, _ = office
    done = await _hang_up(service, otto, era, {})
    assert done["status"] == "approval_pending"
