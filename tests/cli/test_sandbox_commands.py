"""The sandbox from the shell, against a sandbox that is really served on loopback."""

from __future__ import annotations

import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
import uvicorn

from tests.commands import CliRunner, Result
from texml_mcp.catalog import ENDPOINTS
from texml_mcp.cli.app import app
from texml_mcp.cli.sandbox import listening
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
    while not server.started:
        assert thread.is_alive(), "the sandbox did not start"
        thread.join(0.01)
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


# --- levers


def test_a_world_is_made_from_a_file_changed_and_taken_back(url: str, tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps(FIXTURE))
    at = ("--url", url, "--world", "sandbox-day")
    done("create", "sandbox-day", "--fixture", str(path), "--url", url)
    first = done("hash", *at)
    assert json.loads(done("hash", *at, "--json")) == {"hash": first}
    sid = done("inbound", "+13125550161", "app-1", "--says", "hello", "--hangs-up-after", "5", *at)
    assert sid.startswith("v3:")
    assert "in-progress 2" in done("state", *at)
    done("advance", "10", *at)
    assert "completed 1, in-progress 1" in done("state", *at)
    assert json.loads(done("reset", *at, "--json"))["hash"] == first
    assert done("drop", "sandbox-day", "--url", url) == "dropped sandbox-day"
    assert run("state", *at).exit_code == 1


def test_faults_are_armed_listed_and_cleared(url: str) -> None:
    at = ("--url", url)
    assert done("faults", *at) == ""
    armed = done("faults", "create_call", "status", "--status", "503", "--first", "2", "--times", "3", *at)
    assert armed == "create_call: status, requests 2 to 4 since armed"
    (fault,) = json.loads(done("faults", *at, "--json"))["faults"]
    assert (fault["status"], fault["first"]) == (503, 2)
    assert done("faults", "--clear", *at) == ""


def test_callees_and_documents_are_scripted_and_listed(url: str, tmp_path: Path) -> None:
    at = ("--url", url)
    first = done("callees", "+13125550188", "--does", "busy", "--rings", "2", *at).splitlines()[0]
    assert first == '"+13125550188": busy after 2 s'
    path = tmp_path / "hello.xml"
    path.write_text("<Response><Say>Hello</Say></Response>")
    assert '"https://a.example.com/": 37 characters' in done(
        "documents", "https://a.example.com/", str(path), *at
    )
    assert "lag_seconds=2" in done("settings", "lag_seconds=2", "answers_call_sid=false", *at)
    assert json.loads(done("settings", *at, "--json"))["answers_call_sid"] is False


def test_what_has_happened_is_told_from_a_number_on(url: str) -> None:
    at = ("--url", url)
    done("inbound", "+13125550161", "1293384261075731499", *at)
    done("advance", "100", *at)
    whole = json.loads(done("events", *at, "--json"))
    last = whole["next"]
    assert [each["number"] for each in whole["entries"]] == list(range(1, last + 1))
    lines = done("events", "--since", str(last - 2), *at).splitlines()
    assert [line.split()[0] for line in lines] == [str(last - 1), str(last)]
    assert json.loads(done("outbox", *at, "--json")) == {"next": 0, "entries": []}
    assert done("outbox", *at) == ""
    assert len(done("hears", *at).splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("faults", "dance", "status"),
            1,
            f"operation: 'dance' is not one of the {len(ENDPOINTS)} operations",
        ),
        (("faults", "create_call"), 2, "KIND is missing"),
        (("faults", "create_call", "status", "--clear"), 2, "--clear disarms every fault"),
        (("faults", "create_call", "explode"), 1, "kind: one of status"),
        (("callees", "--does", "busy"), 2, "MATCH is missing"),
        (("callees", "+1", "--does", "sings"), 1, "does: one of answers"),
        (("inbound", "+13125550161", "none"), 1, "application: there is no application 'none'"),
        (("documents", "https://a.example.com/"), 2, "FILE is missing"),
        (("documents", "https://a.example.com/", "/nowhere.xml"), 1, "/nowhere.xml cannot be read: No such"),
        (("callees", "+13125550142", "--rings", "nan"), 1, "every number must be finite"),
        (("callees", "+13125550142", "--says", "\udcff"), 1, "every text must be UTF-8"),
        (("reset", "--world", "\udcff"), 1, "there is no such world"),
        (("settings", "lag_seconds"), 2, "write NAME=VALUE"),
        (("settings", "lag_seconds=soon"), 2, "neither a number"),
        (("settings", "lag_seconds=NaN"), 1, "every number must be finite"),
        (("settings", f"lag_seconds={'[' * 10_000}"), 2, "neither a number"),
        (("settings", "colour=1"), 1, "colour: not a setting"),
        (("create", "KEY0123"), 1, "a world is named by its API key"),
        (("create", "sandbox-x", "--fixture", "/nowhere.json"), 1, "cannot be read"),
        (("drop", "sandbox-none"), 1, "there is no such world"),
        (("reset", "--world", "sandbox-none"), 1, "there is no such world"),
        (("events", "--since", "-1"), 2, ""),
    ],
)
def test_a_lever_that_cannot_be_pulled_says_why_and_changes_nothing(
    url: str, words: tuple[str, ...], code: int, said: str
) -> None:
    before = done("worlds", "--url", url)
    result = run(*words, "--url", url)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
    assert done("worlds", "--url", url) == before


def test_a_fixture_that_is_too_large_is_refused_by_its_size(url: str, tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps(FIXTURE | {"seed": "x" * 5 * 2**20}))
    result = run("create", "sandbox-large", "--fixture", str(path), "--url", url)
    assert result.exit_code == 1
    assert "larger than 1 MB" in result.stderr
    assert "sandbox-large" not in done("worlds", "--url", url)


# --- serve


class Listener(ThreadingHTTPServer):
    """A web server that answers TeXML to everything and remembers what it was told."""

    def __init__(self) -> None:
        self.told: queue.Queue[dict[str, list[str]]] = queue.Queue()
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Listener  # type: ignore[assignment]

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        if self.path == "/hook":
            self.server.told.put(parse_qs(content))
        document = b"<Response><Pause length='5'/></Response>"
        self.send_response(200)
        self.send_header("content-length", str(len(document)))
        self.end_headers()
        self.wfile.write(document)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


def test_serve_delivers_and_fetches_by_itself_in_real_time() -> None:
    """Nobody asks again after the call is placed: time and callbacks must come by themselves."""
    command = [sys.executable, "-m", "texml_mcp", "sandbox", "serve", "--port", "0", "--speed", "20"]
    with (
        Listener() as listener,
        subprocess.Popen([*command, "--deliver", "--fetch"], stdout=subprocess.PIPE, text=True) as process,
    ):
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            lines = [process.stdout.readline() for _ in range(3)]
            assert "delivered to addresses on this machine" in lines[1]
            assert "fetched from addresses on this machine" in lines[2]
            found = re.search(r"(http://127\.0\.0\.1:\d+)/v2", lines[0])
            assert found
            here = f"http://127.0.0.1:{listener.server_port}"
            body = {"To": "+13125550142", "From": "+13125550100", "Url": f"{here}/texml"}
            body |= {"ApplicationSid": "1293384261075731499", "StatusCallback": f"{here}/hook"}
            reply = httpx.post(
                f"{found[1]}/v2/texml/Accounts/61bf923e-5e4d-4595-a110-56190ea18a1b/Calls",
                headers={"Authorization": "Bearer sandbox"},
                json=body | {"StatusCallbackEvent": "answered completed"},
                trust_env=False,
            )
            assert reply.status_code == 200
            statuses = [listener.told.get(timeout=30)["CallStatus"] for _ in range(2)]
            assert statuses == [["in-progress"], ["completed"]]
        finally:
            watchdog.cancel()
            process.terminate()
            listener.shutdown()


def test_the_socket_takes_connections_at_once_and_never_holds_an_answer_back() -> None:
    with (
        listening(0) as bound,
        socket.create_connection(bound.getsockname(), timeout=10),
        bound.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


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


def test_serve_says_when_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port))
    assert result.exit_code == 1
    assert result.stderr == (
        f"texml-mcp: cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --port, or 0 "
        "for a free one.\n"
    )


def test_serve_says_how_another_terminal_reaches_it() -> None:
    command = [sys.executable, "-m", "texml_mcp", "sandbox", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            export = [process.stdout.readline() for _ in range(3)][-1]
            named = dict(each.split("=", 1) for each in export.removeprefix("  export ").split())
            for words in (["create_queue", "FriendlyName=night"], ["list_queues"]):
                done = subprocess.run(
                    [sys.executable, "-m", "texml_mcp", "call", *words],
                    env=os.environ | named,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert "night" in done.stdout, done.stdout + done.stderr
                assert done.stderr == ""
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
