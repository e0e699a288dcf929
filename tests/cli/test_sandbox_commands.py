"""The sandbox from the shell, against a sandbox that is really served on loopback."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from typer.testing import CliRunner, Result

from texml_mcp.cli.app import app
from texml_mcp.sandbox import Worlds, create_app

FIXTURE = {
    "account_sid": "account-1",
    "applications": [{"id": "app-1", "friendly_name": "Desk", "voice_url": "https://a.example.com/"}],
    "documents": {"*": "<Response><Pause length='60'/></Response>"},
    "story": [{"inbound": {"from": "+13125550143", "application": "app-1"}}],
}


@contextmanager
def served(*, control: bool) -> Iterator[str]:
    """A sandbox in virtual time with one world, `sandbox`; its URL."""
    worlds = Worlds()
    worlds.of("sandbox")
    config = uvicorn.Config(create_app(worlds, control=control), port=0, log_level="warning")
    bound = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()
        assert not thread.is_alive()


@pytest.fixture
def url() -> Iterator[str]:
    with served(control=True) as at:
        yield at


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["sandbox", *words])


def done(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_state_is_a_summary_for_people_and_everything_for_programs(url: str) -> None:
    whole = json.loads(done("state", "--url", url, "--json"))
    ringing = [each for each in whole["calls"].values() if each["status"] == "ringing"]
    summary = done("state", "--url", url)
    assert f"calls: {len(whole['calls'])} (" in summary
    assert f"ringing {len(ringing)}" in summary
    assert summary.startswith(f"account {whole['account_sid']}, 2026-01-15T")


def test_advance_lets_what_is_due_happen(url: str) -> None:
    before = json.loads(done("state", "--url", url, "--json"))
    assert "ringing 1" in done("state", "--url", url)
    done("advance", "130", "--url", url)
    assert "ringing" not in done("state", "--url", url)
    assert json.loads(done("state", "--url", url, "--json"))["now"] == before["now"] + 130


def test_worlds_are_copied_kept_compared_and_put_back(url: str) -> None:
    at = ("--url", url)
    first, kept = done("hash", *at), done("snapshot", *at)
    done("fork", "sandbox-copy", *at)
    assert done("diff", "sandbox-copy", *at) == ""
    done("advance", "130", *at)
    assert '"no-answer" -> "ringing"' in done("diff", "sandbox-copy", *at)
    assert json.loads(done("diff", "sandbox-copy", *at, "--json"))["differences"]
    assert done("hash", *at) != first == done("hash", "--world", "sandbox-copy", *at)
    done("restore", kept, *at)
    assert done("hash", *at) == first
    assert [line.split()[0] for line in done("worlds", *at).splitlines()] == ["sandbox", "sandbox-copy"]
    assert {each["hash"] for each in json.loads(done("worlds", *at, "--json"))["worlds"]} == {first}


@pytest.mark.parametrize("seconds", ["-5", "nan", "inf"])
def test_time_only_goes_forward(url: str, seconds: str) -> None:
    before = done("hash", "--url", url)
    result = run("advance", seconds, "--url", url)
    assert result.exit_code == 2
    assert "time only goes forward" in result.stderr
    assert done("hash", "--url", url) == before


def test_what_is_no_number_is_a_usage_error(url: str) -> None:
    assert run("advance", "soon", "--url", url).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("state", "--world", "sandbox-none"),
        ("advance", "1", "--world", "a/../b ?#"),
        ("diff", "sandbox-none"),
        ("restore", "none"),
        ("fork", "sandbox"),
        ("advance", "1e9"),
    ],
)
def test_what_the_control_plane_refuses_is_said(url: str, words: tuple[str, ...]) -> None:
    before = done("worlds", "--url", url)
    result = run(*words, "--url", url)
    assert result.exit_code == 1
    assert result.stderr.startswith("texml-mcp: ")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert done("worlds", "--url", url) == before


def test_an_unknown_world_is_answered_with_the_worlds_there_are(url: str) -> None:
    said = run("state", "--world", "sandbox-none", "--url", url).stderr
    assert "worlds/sandbox-none: there is no such world; there are sandbox" in said


def test_a_sandbox_without_its_control_plane_says_so() -> None:
    with served(control=False) as url:
        result = run("worlds", "--url", url)
    assert result.exit_code == 1
    assert "serve it with --control" in result.stderr


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = run("state", "--url", f"http://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert "nothing listens at" in result.stderr


@pytest.mark.parametrize("bad", ["ftp://127.0.0.1", "127.0.0.1:8765", "http://127.0.0.1:port"])
def test_a_url_that_cannot_be_asked(bad: str) -> None:
    result = run("state", "--url", bad)
    assert result.exit_code == 1
    assert "not a URL that can be asked" in result.stderr


# --- serve


def test_serve_begins_every_world_with_the_fixture(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps(FIXTURE))
    command = [sys.executable, "-m", "texml_mcp", "sandbox", "serve", "--port", "0", "--control"]
    command += ["--clock", "virtual", "--fixture", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            found = re.search(r"(http://127\.0\.0\.1:\d+)/v2", process.stdout.readline())
            assert found
            assert found[1] in process.stdout.readline()
            assert "calls: 1 (in-progress 1)" in done("state", "--url", found[1])
            for key in ("sandbox", "sandbox-other"):
                answer = httpx.get(
                    f"{found[1]}/v2/texml/Accounts/account-1/Calls",
                    headers={"Authorization": f"Bearer {key}"},
                    trust_env=False,
                )
                assert [each["from"] for each in answer.json()["calls"]] == ["+13125550143"]
            done("advance", "61", "--url", found[1], "--world", "sandbox-other")
            assert "completed 1" in done("state", "--url", found[1], "--world", "sandbox-other")
            assert "in-progress 1" in done("state", "--url", found[1])
        finally:
            watchdog.cancel()
            process.terminate()


def test_serve_refuses_a_broken_fixture_before_it_listens(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps(FIXTURE | {"story": [{"inbound": {"from": 5, "application": "app-1"}}]}))
    result = run("serve", "--port", "0", "--fixture", str(path))
    assert result.exit_code == 1
    assert "day.json: /story/0/inbound/from: 5 is not of type 'string'" in result.stderr
    assert "Sandbox on" not in result.stdout


@pytest.mark.parametrize("words", [("--clock", "lunar"), ("--speed", "-1"), ("--port", "70000")])
def test_serve_refuses_what_it_cannot_do(words: tuple[str, ...]) -> None:
    assert run("serve", *words).exit_code == 2
