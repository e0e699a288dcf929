"""Who may connect, what their role shows them, and that nobody can be somebody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.shared.exceptions import MCPError

from tests.e2e.conftest import story
from tests.http.conftest import Start
from tests.http.service import Service, serving, token_for
from tests.http.test_fences import ACCEPT, INITIALIZE

pytestmark = pytest.mark.anyio

ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"
STRANGE = "00000000-0000-4000-8000-000000000000"


def tokens(file: Path, *arguments: str) -> str:
    """`texml-mcp tokens ...` on a file; what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "texml_mcp", "tokens", *arguments, "--file", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    return done.stdout + done.stderr


class Team:
    """A running server, and a token for each of its people."""

    def __init__(self, service: Service, file: Path, given: dict[str, str]) -> None:
        self.service, self.file, self.tokens = service, file, given

    def client(self, who: str, mode: str = "auto", **options: Any) -> Any:
        return self.service.client(mode, self.tokens[who], **options)


PEOPLE: dict[str, tuple[Any, ...]] = {
    "vera": ("viewer",),
    "otto": ("operator",),
    "otis": ("operator",),
    "anna": ("approver",),
    "adam": ("admin",),
    "elsewhere": ("operator", STRANGE),
    "careful": ("operator",),
}


def people_in(directory: Path) -> dict[str, str]:
    policy = directory / "careful.toml"
    rule = 'name = "no-hold"\naction = "deny"\ntools = ["update_conference_participant"]\n'
    policy.write_text(f"version = 1\n[[rules]]\n{rule}")
    return {
        name: token_for(
            directory / "tokens.toml", name, *given, policy=str(policy) if name == "careful" else None
        )
        for name, given in PEOPLE.items()
    }


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    directory = tmp_path_factory.mktemp("team")
    given = people_in(directory)
    file = directory / "tokens.toml"
    with serving(
        directory / "server.log", "--sandbox", "--tokens-file", str(file), "--rate-per-minute", "0"
    ) as service:
        yield Team(service, file, given)


def posted(service: Service, **headers: str) -> httpx.Response:
    return httpx.post(f"{service.url}/mcp", json=INITIALIZE, headers={**ACCEPT, **headers})


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer  x",
        "Bearer nothing",
        "Basic dXNlcjpwYXNz",
        "Bearer txm_aaaaaaaa_" + "A" * 43,
        "Bearer " + "x" * 30_000,
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGFtIn0.",
    ],
)
def test_without_a_token_that_counts_nobody_comes_in(team: Team, authorization: str) -> None:
    answer = posted(team.service, **({"authorization": authorization} if authorization else {}))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    for version in ("2026-07-28", "2025-11-25"):
        assert (
            posted(team.service, authorization=authorization, **{"mcp-protocol-version": version}).status_code
            == 401
        )


def test_a_token_in_the_query_is_no_token(team: Team) -> None:
    url = f"{team.service.url}/mcp?access_token={team.tokens['adam']}"
    assert httpx.post(url, json=INITIALIZE, headers=ACCEPT).status_code == 401


async def test_a_role_lists_what_it_may_use_and_nothing_else_can_be_called(team: Team, era: str) -> None:
    async with team.client("vera", era) as viewer:
        names = {tool.name for tool in (await viewer.list_tools()).tools}
        assert "get_call" in names
        assert "create_call" not in names
        with pytest.raises(MCPError, match="not offered"):
            await viewer.call_tool("create_call", {"To": "+13125550142", "From": "+13125550100"})
        assert story(await viewer.call_tool("list_calls", {}))["status"] == "ok"
    async with team.client("otto", era) as operator:
        assert len((await operator.list_tools()).tools) == 39


async def test_another_account_is_denied_before_anything_is_sent(team: Team, era: str) -> None:
    async with team.client("elsewhere", era) as client:
        for arguments in ({"account_sid": ACCOUNT}, {"account_sid": ACCOUNT.upper()}):
            refused = story(await client.call_tool("list_calls", arguments))
            assert (refused["code"], refused["outcome"]) == ("account_not_allowed", "not_sent")
        # Requests that name no account act on the key's own, which is not hers.
        refused = story(await client.call_tool("list_applications", {}))
        assert refused["code"] == "account_not_allowed"
        # Her own is what a call without one is for; this network does not have it.
        assert story(await client.call_tool("list_calls", {}))["code"] == "not_found_or_wrong_account"


async def test_a_policy_of_ones_own_only_narrows(team: Team, era: str) -> None:
    async with team.client("otto", era) as otto, team.client("careful", era) as careful:
        found = story(await otto.call_tool("list_conferences", {"Status": "in-progress"}))
        room = found["items"][0]["sid"]
        arguments = {
            "conference_sid": room,
            "call_sid_or_participant_label": "customer",
            "Muted": True,
            "dry_run": True,
        }
        assert "allow" in story(await otto.call_tool("update_conference_participant", arguments))["summary"]
        # A dry run tells the ruling, and the real thing is refused.
        told = story(await careful.call_tool("update_conference_participant", arguments))
        assert "deny" in told["summary"]
        del arguments["dry_run"]
        denied = story(await careful.call_tool("update_conference_participant", arguments))
        assert (denied["status"], denied["code"]) == ("denied", "policy_denied")


async def test_a_token_of_one_principal_approves_nothing_for_another(team: Team, era: str) -> None:
    async with team.client("otto", era) as otto, team.client("otis", era) as otis:
        calls = story(await otto.call_tool("list_calls", {"limit": 100}))["items"]
        sid = next(each["sid"] for each in calls if each["status"] == "in-progress")
        arguments = {"call_sid": sid, "Status": "completed"}
        token = story(await otto.call_tool("update_call", arguments))["confirm_token"]
        stolen = story(await otis.call_tool("update_call", {**arguments, "confirm_token": token}))
        assert stolen["status"] == "confirmation_required"
        assert any("different call" in note for note in stolen["notes"])
        # The attempt has burnt it, for its owner too.
        late = story(await otto.call_tool("update_call", {**arguments, "confirm_token": token}))
        assert late["status"] == "confirmation_required"
        assert story(await otto.call_tool("get_call", {"call_sid": sid}))["data"]["status"] == "in-progress"


def test_a_session_belongs_to_whom_it_was_opened_for(team: Team) -> None:
    opened = posted(team.service, authorization=f"Bearer {team.tokens['otto']}")
    session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    for who, status in (("otis", 404), ("adam", 404), ("otto", 200)):
        answer = httpx.post(
            f"{team.service.url}/mcp",
            json=listing,
            headers={**ACCEPT, **session, "authorization": f"Bearer {team.tokens[who]}"},
        )
        assert answer.status_code == status
    # A session id of the caller's own making is none.
    invented = {**session, "mcp-session-id": "0" * 32, "authorization": f"Bearer {team.tokens['otis']}"}
    assert (
        httpx.post(f"{team.service.url}/mcp", json=listing, headers={**ACCEPT, **invented}).status_code == 404
    )


async def test_a_revoked_token_is_refused_from_the_next_request_on(team: Team, era: str) -> None:
    token = token_for(team.file, f"short-{era}")
    async with team.service.client(era, token) as client:
        assert story(await client.call_tool("list_calls", {}))["status"] == "ok"
        tokens(team.file, "revoke", f"short-{era}")
        with pytest.raises(MCPError):
            await client.call_tool("list_calls", {})
    assert posted(team.service, authorization=f"Bearer {token}").status_code == 401


def test_a_password_is_nowhere(team: Team) -> None:
    for token in team.tokens.values():
        assert token not in team.file.read_text()
        assert token not in team.service.logged()


# --- headers that narrow


async def test_headers_only_take_away(team: Team, era: str) -> None:
    narrowed = {"texml-toolsets": "queues", "texml-read-only": "true"}
    async with team.client("otto", era, headers=narrowed) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {"list_queues", "get_queue", "validate_texml"}
        with pytest.raises(MCPError, match="not offered"):
            await client.call_tool("create_queue", {"FriendlyName": "new"})
    async with team.client("vera", era, headers={"texml-tools": "create_call,list_calls"}) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"list_calls"}


@pytest.mark.parametrize(
    "header",
    [
        {"texml-toolsets": "everything"},
        {"texml-tools": "create_cal"},
        {"texml-tools": ""},
        {"texml-read-only": "yes"},
        {"texml-exclude-tools": "rm"},
        {"texml-tools": "x" * 3000},
        {"texml-tool": "list_calls"},
    ],
)
async def test_a_header_that_cannot_be_followed_is_no_permission(
    team: Team, era: str, header: dict[str, str]
) -> None:
    async with team.client("otto", era, headers=header) as client:
        with pytest.raises(MCPError, match=r"(?i)header"):
            await client.call_tool("list_calls", {})


async def test_a_header_cannot_reach_an_account_that_is_not_ones_own(team: Team, era: str) -> None:
    async with team.client("elsewhere", era, headers={"texml-account": ACCOUNT}) as client:
        with pytest.raises(MCPError, match="may not use"):
            await client.call_tool("list_calls", {})
    async with team.client("otto", era, headers={"texml-account": ACCOUNT}) as client:
        assert story(await client.call_tool("list_calls", {}))["status"] == "ok"
        refused = story(await client.call_tool("list_calls", {"account_sid": STRANGE}))
        assert refused["code"] == "account_not_allowed"


# --- how fast


async def test_one_principal_that_calls_too_often_waits_alone(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    fast, slow = token_for(file, "fast"), token_for(file, "slow")
    service = start("--sandbox", "--tokens-file", str(file), "--rate-per-minute", "6")
    async with service.client("auto", fast) as client, service.client("auto", slow) as other:
        answers = [story(await client.call_tool("list_queues", {})) for _ in range(7)]
        refused = [each for each in answers if each.get("code") == "too_many_calls"]
        assert [each["status"] for each in answers[:5]] == ["ok"] * 5
        assert refused
        assert 0 < refused[0]["retry_after_seconds"] <= 10
        assert refused[0]["outcome"] == "not_sent"
        assert story(await other.call_tool("list_queues", {}))["status"] == "ok"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One call at a time, and none for long."""
    flags = ("--concurrency", "1", "--request-seconds", "2.5", "--rate-per-minute", "0")
    with serving(tmp_path_factory.mktemp("narrow") / "server.log", "--sandbox", *flags) as service:
        yield service


async def test_more_calls_at_once_than_the_server_takes_are_told_to_come_back(narrow: Service) -> None:
    import anyio

    async with narrow.client() as client, narrow.client() as other:
        calls = story(await client.call_tool("list_calls", {"limit": 100}))["items"]
        ringing = next(each["sid"] for each in calls if each["status"] == "ringing")
        async with anyio.create_task_group() as both:
            wait = {"call_sid": ringing, "wait_for": "completed", "max_wait_seconds": 3}
            both.start_soon(client.call_tool, "get_call", wait)
            await anyio.sleep(1)
            busy = story(await other.call_tool("list_calls", {}))
        assert (busy["code"], busy["outcome"], busy["retry_after_seconds"]) == ("busy", "not_sent", 1.0)


async def test_a_call_that_takes_longer_than_any_may_is_given_up(narrow: Service) -> None:
    async with narrow.client() as client:
        calls = story(await client.call_tool("list_calls", {"limit": 100}))["items"]
        ringing = next(each["sid"] for each in calls if each["status"] == "ringing")
        late = story(await client.call_tool("get_call", {"call_sid": ringing, "wait_for": "completed"}))
        assert (late["code"], late["outcome"]) == ("overdue", "not_sent")


def test_a_tokens_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with ExitStack() as running, pytest.raises(AssertionError, match=r"tokens\.toml"):
        running.enter_context(
            serving(tmp_path / "log", "--sandbox", "--tokens-file", str(tmp_path / "tokens.toml"))
        )
