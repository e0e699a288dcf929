"""The commands around the gate, as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import CliRunner, Result
from tests.contract.conftest import serving
from texml_mcp.cli.app import app
from texml_mcp.sandbox import Worlds

PLACING = (
    "call",
    "create_call",
    "--sandbox",
    "To=+13125550142",
    "From=+13125550100",
    "ApplicationSid=1293384261075731499",
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEXML_MCP_STATE_DIR", str(tmp_path))
    return tmp_path


def run(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=text)


def waiting() -> list[dict[str, object]]:
    return json.loads(run("approvals", "list", "--json").stdout)


def test_somebody_else_approves_and_then_the_call_runs_once(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXML_MCP_CONFIRM", "external")
    asked = run(*PLACING)
    assert asked.exit_code == 1
    assert "NOT EXECUTED" in asked.stdout
    (request,) = waiting()
    id = str(request["id"])
    assert "+13125550142" in run("approvals", "list").stdout
    assert "asked by assistant" in run("approvals", "show", id).stdout

    own = run("approvals", "approve", id, "--as", "assistant")
    assert own.exit_code == 1
    assert "somebody else must" in own.stderr

    assert run("approvals", "approve", id, "--as", "supervisor").exit_code == 0
    assert run("approvals", "approve", id, "--as", "supervisor").exit_code == 1
    assert waiting() == []
    ran = run(*PLACING)
    assert ran.exit_code == 0, ran.stdout
    assert "Call placed" in ran.stdout
    assert run(*PLACING).exit_code == 1


def test_a_denial_reaches_whoever_asked(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXML_MCP_CONFIRM", "external")
    run(*PLACING)
    id = str(waiting()[0]["id"])
    assert run("approvals", "deny", id, "--as", "supervisor", "--reason", "after lunch").exit_code == 0
    told = run(*PLACING)
    assert told.exit_code == 1
    assert "supervisor said no. Reason: after lunch." in told.stdout


def test_an_unknown_request_is_said(state: Path) -> None:
    assert run("approvals", "show", "nothing").exit_code == 1
    assert run("approvals", "approve", "nothing", "--as", "x").exit_code == 1
    assert run("approvals", "list").stdout.strip() == "Nothing waits."


@pytest.mark.parametrize("words", [("approvals", "list"), ("journal", "show")], ids=" ".join)
def test_where_no_server_has_kept_anything_that_is_said_and_nothing_is_made(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    nowhere = tmp_path / "nowhere"
    told = run(*words, "--state-dir", str(nowhere))
    assert told.exit_code == 0
    assert f"No server has kept anything in {nowhere}." in told.stdout
    assert "--state-dir" in told.stdout
    assert json.loads(run(*words, "--state-dir", str(nowhere), "--json").stdout) == []
    assert not nowhere.exists()


@pytest.mark.parametrize("words", [("tail",), ("verify",), ("export",)], ids=" ".join)
def test_a_trail_that_is_not_there_is_said_with_what_to_name(tmp_path: Path, words: tuple[str, ...]) -> None:
    told = run("audit", *words, "--state-dir", str(tmp_path / "nowhere"))
    assert told.exit_code == 2
    assert f"No server has kept anything in {tmp_path / 'nowhere'}." in told.stderr
    assert "--state-dir" in told.stderr
    assert "Errno" not in told.stderr


def test_every_decision_is_in_the_trail_and_every_write_in_the_journal(state: Path) -> None:
    assert run(*PLACING, "--yes").exit_code == 0
    assert (
        run("call", "create_call", "--sandbox", "To=911", "From=+13125550100", "ApplicationSid=1").exit_code
        == 1
    )
    verified = run("audit", "verify")
    assert verified.exit_code == 0
    assert "whole" in verified.stdout
    assert "create_call" in run("audit", "tail").stdout
    assert len(json.loads(run("audit", "export").stdout)) >= 2
    shown = run("journal", "show").stdout
    assert "ok create_call" in shown
    assert "+13125550142" not in shown

    trail = state / "audit.jsonl"
    trail.write_text(trail.read_text().replace("create_call", "create_queue", 1))
    broken = run("audit", "verify")
    assert broken.exit_code == 1
    assert "line 1" in broken.stderr


def test_panic_stops_writes_until_cleared(state: Path) -> None:
    making = ("call", "create_queue", "--sandbox", "FriendlyName=night")
    assert run(*making).exit_code == 0
    assert run("panic").exit_code == 0
    stopped = run(*making)
    assert stopped.exit_code == 1
    assert "panic --clear" in stopped.stdout
    assert run("call", "list_queues", "--sandbox").exit_code == 0
    assert run("panic", "--clear").exit_code == 0
    assert run("call", "create_queue", "--sandbox", "FriendlyName=other").exit_code == 0


def test_panic_says_whom_it_stops_and_the_command_that_takes_it_back(tmp_path: Path) -> None:
    place = tmp_path / "two words"
    told = run("panic", "--state-dir", str(place))
    assert told.exit_code == 0
    assert f"of every server on {place}" in told.stdout
    assert f"texml-mcp panic --clear --state-dir '{place}' lets" in told.stdout
    assert run("panic", "--clear", "--state-dir", str(place)).exit_code == 0


def test_panic_without_a_key_says_that_no_call_was_hung_up(state: Path) -> None:
    told = run("panic", "--hang-up")
    assert told.exit_code == 2
    assert "Every write is stopped" in told.stdout
    assert "No call was hung up. No API key." in told.stderr


def test_somebody_without_a_name_on_this_system_can_panic_and_approve(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)
    assert run("panic").exit_code == 0
    assert "user 54321" in (state / "PANIC").read_text()
    run("panic", "--clear")
    monkeypatch.setenv("TEXML_MCP_CONFIRM", "external")
    run(*PLACING)
    assert "approved by user 54321" in run("approvals", "approve", str(waiting()[0]["id"])).stdout


def test_a_state_directory_that_is_set_to_nothing_is_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXML_MCP_STATE_DIR", "")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert f"in {tmp_path / 'texml-mcp'}." in run("journal", "show").stdout


def test_panic_that_cannot_be_looked_for_counts_as_set(state: Path) -> None:
    (state / "PANIC").mkdir()
    stopped = run("call", "create_queue", "--sandbox", "FriendlyName=night")
    assert stopped.exit_code == 1
    assert "cannot be read" in stopped.stdout


def test_panic_does_not_lose_a_call_that_this_key_cannot_see(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*PLACING, "--yes").exit_code == 0
    monkeypatch.setenv("TEXML_MCP_SANDBOX", "true")
    for _ in range(2):  # the sandbox of another process does not know the call: it may still be going
        missed = run("panic", "--hang-up")
        assert missed.exit_code == 1
        assert "0 ended, 1 not." in missed.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("policy", "check", "operations"), 0, "valid"),
        (("policy", "check", "/nowhere.toml"), 1, "nowhere"),
        (("policy", "explain", "delete_recording", "recording_sid=r1"), 0, "strict"),
        (("policy", "explain", "start_call_stream", "call_sid=v3:a", "Url=wss://a.example"), 1, "deny"),
        (("policy", "explain", "get_cal"), 2, "get_call"),
        (("policy", "show", "assistant"), 0, "create_call"),
        (("audit", "export", "--format", "xml"), 2, "'csv'"),
        (("policy", "check", "operation"), 1, "no shipped policy of that name. Did you mean operations?"),
        (("policy", "explain", "get_call", "--policy", "mine"), 2, "Valid: assistant, operations,"),
        (("audit", "tail", "--lines", "3"), 2, "there is no audit trail"),
    ],
)
def test_policy_commands(state: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = run(*words)
    assert done.exit_code == code, done.output
    assert says in done.output


def test_explain_names_what_the_guards_find() -> None:
    done = run(
        "policy", "explain", "create_call", "To=sip:911@a.example", "From=+13125550100", "ApplicationSid=1"
    )
    assert done.exit_code == 1
    assert "numbers: deny" in done.stdout
    asked = ("create_call", "To=sip:911@a.example", "From=+13125550100", "ApplicationSid=1", "--json")
    told = json.loads(run("policy", "explain", *asked).stdout)
    assert told["ruling"].startswith("deny: ")
    assert told["guards"]


def test_explain_knows_of_a_panic_and_of_the_configured_mode(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXML_MCP_CONFIRM", "strict")
    asked = ("policy", "explain", "create_queue", "FriendlyName=a", "--sandbox", "--json")
    calm = json.loads(run(*asked).stdout)
    assert (calm["ruling"], calm["mode"]) == ("allow", "strict")
    assert run("panic").exit_code == 0
    assert "stopped" in json.loads(run(*asked).stdout)["ruling"]


def test_explain_takes_a_sandbox_for_one_however_it_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("policy", "explain", "create_call", *PLACING[3:], "--json")
    by_flag = run(*asked, "--sandbox")
    monkeypatch.setenv("TELNYX_API_KEY", "sandbox")
    monkeypatch.setenv("TEXML_MCP_BASE_URL", "http://127.0.0.1:8765/v2")
    assert run(*asked).stdout == by_flag.stdout


def test_explain_of_a_sandbox_knows_nothing_of_what_a_live_server_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("TEXML_MCP_STATE_DIR", raising=False)
    assert run("panic").exit_code == 0
    asked = ("policy", "explain", "create_queue", "FriendlyName=a", "--json")
    assert "stopped" in json.loads(run(*asked).stdout)["ruling"]
    assert json.loads(run(*asked, "--sandbox").stdout)["ruling"] == "allow"


def test_lint_a_file_and_stdin(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_text("<Response><Say>Hello</Say></Response>")
    bad.write_text("<Response>\n <Sya>Hello</Sya>\n</Response>")
    assert run("lint", str(good)).exit_code == 0
    found = run("lint", str(bad))
    assert found.exit_code == 1
    assert f"{bad}:2:2: error:" in found.stdout
    assert json.loads(run("lint", str(bad), "--json").stdout)["valid"] is False
    assert run("lint", "-", text=good.read_text()).exit_code == 0
    missing = run("lint", str(tmp_path / "none.xml"))
    assert missing.exit_code == 2
    assert missing.stderr == f"texml-mcp: {tmp_path / 'none.xml'} cannot be read: No such file or directory\n"
    (tmp_path / "latin.xml").write_bytes(b"<Response><Say>\xe9</Say></Response>")
    assert "it is not UTF-8 text" in run("lint", str(tmp_path / "latin.xml")).stderr


def test_panic_hangs_up_a_call_that_is_still_going(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = Worlds()
    with serving(worlds) as url:
        monkeypatch.setenv("TEXML_MCP_BASE_URL", url)
        monkeypatch.setenv("TELNYX_API_KEY", "sandbox-panic")
        world = worlds.of("sandbox-panic")
        monkeypatch.setenv("TELNYX_ACCOUNT_SID", world.account_sid)
        placing = [word for word in PLACING if word != "--sandbox"]
        assert run(*placing, "--yes").exit_code == 0
        ringing = {sid for sid, call in world.table("calls").items() if call["to"] == "+13125550142"}
        ended = run("panic", "--hang-up")
        assert "hung up." in ended.stdout
        assert {world.table("calls")[sid]["status"] for sid in ringing} == {"canceled"}
        assert run("call", "create_queue", "FriendlyName=night").exit_code == 1
