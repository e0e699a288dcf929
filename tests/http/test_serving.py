"""One address for both eras: the same tools, questions and answers as over stdio, and a clean stop."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from tests.e2e.conftest import ERAS, NO, YES, answering, story
from tests.http.conftest import Start
from tests.http.service import Service, serving, token_for
from tests.lengths import few
from texml_mcp.server.services import pages_of
from texml_mcp.settings import load

pytestmark = pytest.mark.anyio


async def _live_call(client: object, status: str = "in-progress") -> str:
    found = story(await client.call_tool("list_calls", {"limit": 100}))  # type: ignore[attr-defined]
    return str(next(each["sid"] for each in found["items"] if each["status"] == status))


@pytest.fixture(scope="module")
def stateless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each test finds another call to hang up."""
    with serving(tmp_path_factory.mktemp("stateless") / "server.log", "--sandbox", "--stateless") as service:
        yield service


async def test_a_client_of_either_era_reads(sandbox_service: Service, era: str) -> None:
    async with sandbox_service.client(era) as client:
        assert len((await client.list_tools()).tools) == 39
        assert story(await client.call_tool("list_calls", {}))["status"] == "ok"
    assert sandbox_service.printed() == b""


async def test_a_person_is_asked_over_http_and_their_word_counts(sandbox_service: Service, era: str) -> None:
    person = answering(NO, YES)
    async with sandbox_service.client(era, **person) as client:
        sid = await _live_call(client)
        arguments = {"call_sid": sid, "Status": "completed"}
        assert story(await client.call_tool("update_call", arguments))["status"] == "declined"
        assert story(await client.call_tool("update_call", arguments))["data"]["status"] == "completed"
    assert len(person["elicitation_callback"].asked) == 2


async def test_without_forms_the_token_step_is_taken(stateless: Service, era: str) -> None:
    async with stateless.client(era) as client:
        arguments = {"call_sid": await _live_call(client), "Status": "completed"}
        asked = story(await client.call_tool("update_call", arguments))
        assert asked["status"] == "confirmation_required"
        arguments |= {"confirm_token": asked["confirm_token"]}
        assert story(await client.call_tool("update_call", arguments))["status"] == "ok"
        again = story(await client.call_tool("update_call", arguments))
        assert again["status"] == "confirmation_required"
        assert "not open" in " ".join(again["notes"])


async def test_a_stateless_server_cannot_ask_an_older_client_by_form(stateless: Service) -> None:
    """Its answer would have nowhere to arrive: the token step is taken, and nothing hangs."""
    person = answering(YES)
    async with stateless.client("legacy", **person) as client:
        arguments = {"call_sid": await _live_call(client), "Status": "completed"}
        with anyio.fail_after(20):
            asked = story(await client.call_tool("update_call", arguments))
        assert asked["status"] == "confirmation_required"
    assert person["elicitation_callback"].asked == []


async def test_an_unknown_tool_is_a_protocol_error(sandbox_service: Service, era: str) -> None:
    async with sandbox_service.client(era) as client:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("call_everyone", {})


async def test_health_needs_no_token_and_tells_little(sandbox_service: Service) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = httpx.get(sandbox_service.url + path, headers={"host": "10.0.0.7:8000"})
        assert (answer.status_code, answer.json()) == (200, {"status": status})


@pytest.mark.parametrize("era", few(ERAS, 1))
async def test_a_server_that_stops_finishes_the_call_it_is_in_and_takes_no_other(
    start: Start, era: str
) -> None:
    service = start("--sandbox", "--rate-per-minute", "0")
    async with service.client(era) as client:
        sid = await _live_call(client, "ringing")
        waiting: list[str] = []

        async def wait() -> None:
            # Nobody answers that call: this takes all the seconds it may.
            found = story(
                await client.call_tool(
                    "get_call", {"call_sid": sid, "wait_for": "completed", "max_wait_seconds": 4}
                )
            )
            waiting.append(found["status"])

        async with anyio.create_task_group() as both:
            both.start_soon(wait)
            await anyio.sleep(0.8)
            service.process.send_signal(signal.SIGTERM)
            await anyio.sleep(0.3)
            assert httpx.get(f"{service.url}/readyz").json() == {"status": "stopping"}
            refused = story(await client.call_tool("list_calls", {}))
            assert (refused["code"], refused["outcome"]) == ("shutting_down", "not_sent")
        assert waiting == ["ok"]
    assert service.stop() == 0


async def test_a_person_who_is_being_asked_while_the_server_stops_may_still_answer(start: Start) -> None:
    service = start("--sandbox")

    async def slowly(_: object, params: object) -> ElicitResult:
        service.process.send_signal(signal.SIGTERM)
        await anyio.sleep(1.5)  # longer than it takes to end the streams of a server that stops
        return YES

    async with service.client("legacy", elicitation_callback=slowly) as client:
        arguments = {"call_sid": await _live_call(client), "Status": "completed"}
        with anyio.fail_after(20):
            assert story(await client.call_tool("update_call", arguments))["data"]["status"] == "completed"
    assert service.stop() == 0


@pytest.mark.parametrize("how", few([signal.SIGTERM, signal.SIGINT], 1))
async def test_an_idle_server_stops_at_once_with_status_0(start: Start, how: signal.Signals) -> None:
    service = start("--sandbox")
    async with service.client("legacy"):  # whose stream of events would stay open for ever
        with anyio.fail_after(15):
            assert await anyio.to_thread.run_sync(service.stop, how) == 0
    assert "Traceback" not in service.logged()


def test_a_port_that_is_taken_stops_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "texml_mcp", "serve", "--http", "--sandbox", "--port", port],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_log_lines_can_be_json(start: Start) -> None:
    import json

    service = start("--sandbox", "--log-format", "json", "--log-level", "info")
    service.stop()
    lines = [line for line in service.logged().splitlines() if line.startswith("{")]
    assert lines
    for line in lines:
        assert {"at", "level", "logger", "message"} <= json.loads(line).keys()


@pytest.mark.parametrize("host", few(["ä..example", "no-such-host.invalid", "192.0.2.1"], 1))
def test_a_host_that_is_no_address_here_stops_the_start_in_a_line(tmp_path: Path, host: str) -> None:
    token_for(tmp_path / "tokens.toml", "anna")
    flags = ("--tokens-file", str(tmp_path / "tokens.toml"), "--allowed-hosts", "a.example", "--port", "8000")
    done = subprocess.run(
        [sys.executable, "-m", "texml_mcp", "serve", "--http", "--sandbox", "--host", host, *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"texml-mcp: Cannot listen on {host}:8000: ")
    assert "Unknown error" not in done.stderr
    assert done.stderr.endswith("Is --host one of this machine's?\n")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize("host", few(["::1", "[::1]"], 1))
def test_addresses_of_six_parts_are_written_as_urls_have_them(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "server.log", "--sandbox", "--host", host) as service:
        assert service.url.startswith("http://[::1]:")
        assert httpx.get(f"{service.url}/healthz", trust_env=False).json() == {"status": "ok"}
    monkeypatch.setenv("TEXML_MCP_TOKENS_FILE", str(tmp_path / "tokens.toml"))
    page = pages_of(load(http=True, host=host))
    assert page is not None
    assert page("1f") == "http://[::1]:8000/approvals/1f"


@pytest.mark.long
def test_a_public_url_with_a_port_that_is_none_stops_the_start() -> None:
    command = [sys.executable, "-m", "texml_mcp", "serve", "--http", "--sandbox", "--port", "0"]
    done = subprocess.run(
        [*command, "--public-url", "https://calls.example.com:99999"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "--public-url must be like https://calls.example.com" in done.stderr
