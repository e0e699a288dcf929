"""`texml-mcp doctor`, as an operator and as a script runs it, against an API that misbehaves on request."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.scripted_api import ORGANIZATION, OTHER, PROFILE, Script, certificate, speaking
from tests.commands import CliRunner, Result
from tests.contract.conftest import serving
from tests.redis_server import RedisServer
from texml_mcp.catalog import endpoint
from texml_mcp.cli.app import app
from texml_mcp.doctor.configured import check_hosts
from texml_mcp.gate.audit import AuditEvent
from texml_mcp.gate.journal import Journal, entry_for
from texml_mcp.gate.state import State
from texml_mcp.hosts.known import HOSTS, Machine
from texml_mcp.sandbox import Worlds

LIVE_KEY = "KEY018f3c5a6b7d8e9f_aBcDeFgHiJ"
SEAL_KEY = base64.b64encode(os.urandom(32)).decode()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No host, proxy or state of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in (
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "SSL_CERT_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    script = Script()
    with speaking(script) as address:
        monkeypatch.setenv("TEXML_MCP_BASE_URL", f"{address}/v2")
        monkeypatch.setenv("TELNYX_API_KEY", "sandbox-good")
        monkeypatch.setenv("TELNYX_ACCOUNT_SID", ORGANIZATION)
        yield script


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A live key on https, as far as the program can tell: all that leaves goes through a proxy of ours."""
    context, authority = certificate("gateway.example.com", tmp_path)
    script = Script(keys={LIVE_KEY: ORGANIZATION}, tls=context)
    with speaking(script) as address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        monkeypatch.setenv("TEXML_MCP_BASE_URL", "https://gateway.example.com/v2")
        monkeypatch.setenv("TELNYX_API_KEY", LIVE_KEY)
        monkeypatch.setenv("TELNYX_ACCOUNT_SID", ORGANIZATION)
        yield script


def doctor(*words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *words])


def checks(*words: str) -> dict[str, tuple[str, str]]:
    """Verdict and text by name; of several with one name the worst is last."""
    told = json.loads(doctor("--json", *words).stdout)
    order = ["ok", "skipped", "warning", "problem"]
    found = sorted(told["checks"], key=lambda each: order.index(each["verdict"]))
    assert told["verdict"] == (found[-1]["verdict"] if found[-1]["verdict"] != "skipped" else "ok")
    return {each["name"]: (each["verdict"], each["text"]) for each in found}


def say(script: Script, path: str, status: int, body: Any = None) -> None:
    script.answers[path] = (status, {} if body is None else body)


# --- the whole


def test_an_installation_that_is_right(api: Script) -> None:
    told = doctor()
    assert told.exit_code == 0, told.output
    assert "\x1b" not in told.output
    assert f"Accepted; its organization id is {ORGANIZATION}." in told.stdout
    assert f"The key reads the calls of {ORGANIZATION}." in told.stdout
    assert doctor("--strict").exit_code == 0
    assert {command for command, _, _ in api.asked} == {"GET"}
    assert {key for _, _, key in api.asked} == {"sandbox-good"}


def test_nothing_is_left_behind(api: Script, own_home: Path, tmp_path: Path) -> None:
    assert doctor("--state-dir", str(tmp_path / "state")).exit_code == 0
    assert not (tmp_path / "state").exists()
    assert not own_home.exists()
    assert list((tmp_path / "work").iterdir()) == []


def test_the_sandbox_needs_no_network(own_home: Path) -> None:
    told = checks("--sandbox")
    assert told["sandbox"][0] == "ok"
    assert told["store"][0] == "skipped"
    assert "address" not in told
    assert doctor("--sandbox").exit_code == 0


def test_a_sandbox_on_a_port_is_told_from_the_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Worlds()) as url:
        monkeypatch.setenv("TELNYX_API_KEY", "sandbox")
        told = checks("--base-url", url, "--account-sid", ORGANIZATION)
    assert told["key"] == ("ok", "Accepted; this address does not tell its organization id.")
    assert told["account"][0] == "ok"
    assert told["outbound voice profile"][0] == "skipped"
    assert told["policy"][1].startswith("sandbox is valid")
    assert told["store"][1].startswith("The sandbox keeps")


@pytest.mark.parametrize(
    "words", [["--no-such"], ["--port", "x"], ["--confirm", "maybe"], ["extra"]], ids=" ".join
)
def test_wrong_use_is_status_two(words: list[str]) -> None:
    assert doctor(*words).exit_code == 2


def test_it_runs_as_a_command_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "texml_mcp", "doctor", "--sandbox", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["verdict"] == "ok"
    assert done.stderr == ""


@pytest.mark.long
def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_terminal() -> bytes:
        parent, child = os.openpty()
        done = subprocess.run(
            [sys.executable, "-m", "texml_mcp", "doctor", "--sandbox"], stdout=child, timeout=60, check=True
        )
        os.close(child)
        told = b""
        while done.returncode == 0:
            try:
                told += os.read(parent, 65_536)
            except OSError:
                break
        os.close(parent)
        return told

    assert b"\x1b[32mok" in on_a_terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b" not in on_a_terminal()


# --- key and account


def test_a_wrong_account_is_told_with_the_right_one(api: Script) -> None:
    told = doctor("--account-sid", OTHER)
    assert told.exit_code == 1
    assert (
        f"{OTHER} is not an account of this key (404, code 10005). Set TELNYX_ACCOUNT_SID to {ORGANIZATION}."
        in told.stdout
    )


def test_a_twilio_sid_is_recognised(api: Script) -> None:
    _, text = checks("--account-sid", "AC" + "0" * 32)["account"]
    assert "looks like a Twilio SID" in text
    assert ORGANIZATION in text


def test_an_account_that_is_right_and_not_found_is_another_matter(api: Script) -> None:
    say(api, f"/texml/Accounts/{ORGANIZATION}/Calls", 404, {"errors": [{"detail": "Resource not found"}]})
    verdict, text = checks()["account"]
    assert verdict == "problem"
    assert "ask Telnyx whether TeXML is enabled" in text


def test_no_account_is_a_warning_with_its_value(api: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELNYX_ACCOUNT_SID")
    verdict, text = checks()["account"]
    assert verdict == "warning"
    assert f"TELNYX_ACCOUNT_SID={ORGANIZATION}" in text
    assert doctor().exit_code == 0
    assert doctor("--strict").exit_code == 1


def test_an_account_that_is_a_placeholder(api: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_ACCOUNT_SID", "your organization id")
    verdict, text = checks()["account"]
    assert verdict == "problem"
    assert f"placeholder of an example. Set TELNYX_ACCOUNT_SID={ORGANIZATION}." in text


def test_an_account_is_one_part_of_the_path(api: Script) -> None:
    assert checks("--account-sid", "../../whoami?x=/")["account"][0] == "problem"
    assert ("GET", "/texml/Accounts/..%2F..%2Fwhoami%3Fx%3D%2F/Calls", "sandbox-good") in api.asked


def test_a_key_that_is_not_accepted(api: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", "sandbox-bad-0123456789")
    told = doctor()
    assert told.exit_code == 1
    assert "It is not accepted (401, code 10009)." in told.stdout
    assert "sandbox-bad-0123456789" not in told.output


@pytest.mark.parametrize(
    ("status", "body", "verdict", "part"),
    [
        (200, {"organization_id": ORGANIZATION}, "ok", ORGANIZATION),
        (200, {"data": {}}, "warning", "no organization id"),
        (200, {"data": {"organization_id": 7}}, "warning", "no organization id"),
        (200, [], "warning", "no organization id"),
        (200, b"<html>captive portal</html>", "warning", "no organization id"),
        (200, b"\xff\xfe" * 100, "warning", "no organization id"),
        (200, b"[" * 100_000, "warning", "no organization id"),
        (403, None, "warning", "403"),
        (404, None, "ok", "does not tell"),
        (429, None, "warning", "429"),
        (500, b"oops", "warning", "500"),
        (503, {"errors": "none"}, "warning", "503"),
    ],
    ids=range(12),
)
def test_whatever_whoami_answers_is_a_verdict(
    api: Script, status: int, body: Any, verdict: str, part: str
) -> None:
    say(api, "/whoami", status, body)
    told = checks()
    assert told["key"][0] == verdict
    assert part in told["key"][1]
    assert told["account"][0] == "ok"


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b"not json", "problem"),
        (200, [], "problem"),
        (401, None, "problem"),
        (403, None, "problem"),
        (429, None, "warning"),
        (500, None, "warning"),
    ],
)
def test_whatever_the_account_answers_is_a_verdict(api: Script, status: int, body: Any, verdict: str) -> None:
    say(api, f"/texml/Accounts/{ORGANIZATION}/Calls", status, body)
    assert checks()["account"][0] == verdict


def test_another_service_at_the_address(api: Script) -> None:
    for path in ("/whoami", "/texml_applications"):
        say(api, path, 404, b"nginx")
    verdict, text = checks()["key"]
    assert verdict == "problem"
    assert "ends in /v2" in text


@pytest.mark.parametrize(
    ("key", "part"),
    [
        (None, "There is no API key"),
        ("  ", "There is no API key"),
        ("KEY...", "still the placeholder"),
        ("${env:TELNYX_API_KEY}", "still the placeholder"),
        ("sandbox-\N{SNOWMAN}", "characters that no key has"),
        (LIVE_KEY, "A live key was about to go to a sandbox"),
    ],
)
def test_a_key_that_cannot_be_sent_is_not_sent(
    api: Script, monkeypatch: pytest.MonkeyPatch, key: str | None, part: str
) -> None:
    if key is None:
        monkeypatch.delenv("TELNYX_API_KEY")
    else:
        monkeypatch.setenv("TELNYX_API_KEY", key)
    told = doctor()
    assert told.exit_code == 1
    assert part in told.stdout
    assert {sent for _, _, sent in api.asked} == {""}
    assert not key or not key.strip() or key in ("KEY...",) or key not in told.output


def test_a_sandbox_key_never_goes_to_the_live_api(gateway: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", "sandbox-good")
    monkeypatch.setenv("TEXML_MCP_BASE_URL", "https://api.telnyx.com/v2")
    verdict, text = checks()["key"]
    assert verdict == "problem"
    assert "A sandbox key was about to go to the live API" in text
    assert gateway.asked == []


def test_each_account_of_a_file_is_checked_with_its_own_key(
    api: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.keys["sandbox-two"] = OTHER
    monkeypatch.delenv("TELNYX_API_KEY")
    monkeypatch.delenv("TELNYX_ACCOUNT_SID")
    monkeypatch.setenv("KEY_ONE", "sandbox-good")
    monkeypatch.setenv("KEY_TWO", "sandbox-two")
    monkeypatch.setenv("KEY_THREE", "sandbox-three")
    file = tmp_path / "accounts.toml"
    file.write_text(
        f'[accounts."{ORGANIZATION}"]\nkey_env = "KEY_ONE"\nname = "Clinic"\n'
        f'[accounts."{OTHER}"]\nkey_env = "KEY_TWO"\n'
        '[accounts."swapped"]\nkey_env = "KEY_TWO"\n[accounts."old"]\nkey_env = "KEY_THREE"\n'
    )
    file.chmod(0o600)
    told = checks("--accounts-file", str(file))
    assert told["key of Clinic"][0] == told["account of Clinic"][0] == "ok"
    assert told[f"account of {OTHER}"][0] == "ok"
    assert told["account of swapped"][0] == "problem"
    assert f"Set the file of accounts to {OTHER}" in told["account of swapped"][1]
    assert told["key of old"][0] == "problem"
    assert told["account of old"] == ("skipped", "The key is not accepted.")
    assert told["--accounts-file"][0] == "ok"
    monkeypatch.delenv("KEY_TWO")
    assert "KEY_TWO is not set" in checks("--accounts-file", str(file))["accounts"][1]


# --- the vendor's own limits


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"daily_spend_limit": None}, "no daily spend limit"),
        ({"daily_spend_limit_enabled": False}, "no daily spend limit"),
        ({"daily_spend_limit_enabled": "true"}, "no daily spend limit"),
        ({"concurrent_call_limit": None}, "no limit of concurrent calls"),
        ({"whitelisted_destinations": []}, "no short list of destinations"),
        ({"whitelisted_destinations": None}, "no short list of destinations"),
        ({"whitelisted_destinations": [f"{at}" for at in range(255)]}, "no short list of destinations"),
    ],
    ids=range(7),
)
def test_a_profile_that_lacks_a_limit_is_warned_about(api: Script, change: dict[str, Any], part: str) -> None:
    say(api, "/outbound_voice_profiles", 200, {"data": [{**PROFILE, **change}]})
    verdict, text = checks()["outbound voice profile"]
    assert verdict == "warning"
    assert part in text
    assert "the real backstop" in text


def test_a_profile_with_limits_is_told_with_them(api: Script) -> None:
    verdict, text = checks()["outbound voice profile"]
    assert verdict == "ok"
    assert text == '"Main": 100.00 USD a day, 10 calls at once, 2 destinations, at most 0.5 a minute.'


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (403, None, "skipped"),
        (404, None, "skipped"),
        (500, b"", "skipped"),
        (200, b"garbage", "skipped"),
        (200, {"data": "x"}, "skipped"),
        (200, {"data": []}, "warning"),
        (200, {"data": ["x", None]}, "warning"),
        (200, {"data": [{**PROFILE, "enabled": False}]}, "warning"),
    ],
    ids=range(8),
)
def test_profiles_that_cannot_be_read_are_skipped_with_why(
    api: Script, status: int, body: Any, verdict: str
) -> None:
    say(api, "/outbound_voice_profiles", status, body)
    assert checks()["outbound voice profile"][0] == verdict
    assert doctor().exit_code == 0


def test_many_profiles_are_counted_and_disabled_ones_left_out(api: Script) -> None:
    open_one = {**PROFILE, "daily_spend_limit": None}
    say(
        api,
        "/outbound_voice_profiles",
        200,
        {"data": [PROFILE] * 10 + [open_one] * 5 + [{**open_one, "enabled": False}]},
    )
    assert "5 more are not listed here; 5 of them lack a limit" in doctor().stdout


def test_words_of_others_cannot_write_on_the_terminal(api: Script) -> None:
    evil = {**PROFILE, "name": "\x1b[2J\u202eok\nok key fine", "concurrent_call_limit": None}
    say(api, "/outbound_voice_profiles", 200, {"data": [evil]})
    say(api, "/whoami", 200, {"data": {"organization_id": "\x1b[31m" + ORGANIZATION}})
    told = doctor().stdout
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert not any(line.startswith("ok key fine") for line in told.splitlines())


# --- network and clock


def test_a_dead_address_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("TELNYX_API_KEY", "sandbox-good")
    told = checks("--base-url", f"http://127.0.0.1:{port}/v2")
    assert told["address"][0] == "problem"
    assert "nothing listens there" in told["address"][1]
    assert told["key and account"][0] == "skipped"
    assert told["policy"][0] == "ok"


def test_a_name_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", "sandbox-good")
    verdict, text = checks("--base-url", "http://sandbox.invalid/v2")["address"]
    assert verdict == "problem"
    assert "sandbox.invalid was not reached" in text


def test_silence_is_not_waited_for(api: Script) -> None:
    api.wait = {"/whoami"}
    assert re.search("no (whole )?answer within", checks("--timeout-seconds", "0.5")["address"][1])


def test_one_silent_question_leaves_the_others(api: Script) -> None:
    api.wait = {"/outbound_voice_profiles"}
    told = checks("--timeout-seconds", "4")  # so that a busy machine does not make the others late
    assert told["key"][0] == told["account"][0] == "ok"
    assert told["outbound voice profile"][0] == "skipped"


def test_an_answer_that_trickles_is_cut_off(api: Script) -> None:
    api.trickle = True
    assert "no whole answer within" in checks("--timeout-seconds", "0.5")["address"][1]


def test_a_redirect_is_told_and_not_followed(api: Script) -> None:
    say(api, "/whoami", 302)
    verdict, text = checks()["address"]
    assert verdict == "problem"
    assert "redirects (302)" in text


@pytest.mark.parametrize(("off", "part"), [(-95, "ahead of"), (95, "behind")])
def test_a_clock_that_is_off_is_a_warning(api: Script, off: float, part: str) -> None:
    api.date_off = off
    verdict, text = checks()["clock"]
    assert verdict == "warning"
    assert part in text


@pytest.mark.parametrize("date", ["yesterday", "", "Thu, 99 Foo 2026 99:99:99 GMT", "-1"])
def test_a_time_that_is_none_is_skipped(api: Script, date: str) -> None:
    api.date = date or " "
    assert checks()["clock"][0] == "skipped"


def test_https_is_told_and_an_unknown_certificate_refused(
    gateway: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, text = checks()["address"]
    assert verdict == "ok"
    assert "over TLSv1" in text
    asked = len(gateway.asked)
    monkeypatch.delenv("SSL_CERT_FILE")
    verdict, text = checks()["address"]
    assert verdict == "problem"
    assert "certificate is not trusted" in text
    assert len(gateway.asked) == asked


@pytest.mark.parametrize(
    "url", ["api.telnyx.com", "ftp://x", "https://me:pw@sandbox.example/v2", "http://[::1"]
)
def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", "sandbox-good")
    told = doctor("--base-url", url)
    assert told.exit_code == 1
    assert "--base-url cannot be used" in told.stdout
    assert "me:pw" not in told.output


# --- what the gate keeps


def test_a_broken_policy(api: Script, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('version = 1\nmoed = "auto"\n')
    told = checks("--policy", str(policy))
    assert told["policy"][0] == "problem"
    assert "moed" in told["policy"][1]
    assert checks("--policy", str(tmp_path / "none.toml"))["policy"][0] == "problem"


def test_a_store_is_tried_and_left_as_it_was(api: Script, tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    state.store.put("mine", "a", {"b": 1})
    audit = state.audit
    assert audit is not None
    audit.append(AuditEvent("decision", tool="create_call"))
    told = checks("--state-dir", str(tmp_path / "state"))
    assert {told[name][0] for name in ("state directory", "store", "journal", "audit trail")} == {"ok"}
    assert state.store.list("doctor", 10) == ()
    assert len(state.store.list("mine", 10)) == 1
    state.close()


def test_a_store_that_is_none(api: Script, tmp_path: Path) -> None:
    where = tmp_path / "state"
    where.mkdir(mode=0o700)
    (where / "state.sqlite3").write_bytes(b"not a database at all" * 100)
    verdict, text = checks("--state-dir", str(where))["store"]
    assert verdict == "problem"
    assert "no write is sent" in text


def test_a_trail_that_was_changed(api: Script, tmp_path: Path) -> None:
    where = tmp_path / "state"
    audit = State(where).audit
    assert audit is not None
    for number in range(3):
        audit.append(AuditEvent("decision", tool=f"tool{number}"))
    trail = where / "audit.jsonl"
    trail.write_bytes(trail.read_bytes().replace(b"tool1", b"tool9"))
    verdict, text = checks("--state-dir", str(where))["audit trail"]
    assert verdict == "problem"
    assert "line 2" in text


@pytest.mark.skipif(os.name == "nt", reason="rights are of another kind there")
def test_rights_that_are_too_wide(api: Script, tmp_path: Path) -> None:
    where = tmp_path / "state"
    State(where).store.put("a", "b", {})
    where.chmod(0o755)
    verdict, text = checks("--state-dir", str(where))["state directory"]
    assert verdict == "warning"
    assert f"chmod go-rwx {where}" in text


def test_a_state_directory_that_is_a_file(api: Script, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    told = doctor("--state-dir", str(tmp_path / "state"))
    assert told.exit_code == 1
    assert "is not a directory" in told.stdout


def test_the_panic_switch_is_told(api: Script, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert CliRunner().invoke(app, ["panic", "--state-dir", str(state)]).exit_code == 0
    verdict, text = checks("--state-dir", str(state))["panic switch"]
    assert verdict == "warning"
    assert "texml-mcp panic --clear" in text


def test_a_shared_store_is_tried_too(
    api: Script, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEXML_MCP_SEAL_KEYS", SEAL_KEY)
    assert checks("--store", redis_url)["store"][0] == "ok"


def test_a_shared_store_that_is_dead(
    api: Script, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXML_MCP_SEAL_KEYS", SEAL_KEY)
    redis_server.kill()
    url = redis_server.url.replace("redis://", "redis://me:hunter2secret@")
    told = doctor("--store", url)
    assert told.exit_code == 1
    assert re.search("(?m)^problem  store .*Nothing was sent", told.stdout)
    assert "hunter2secret" not in told.output


# --- what is unsafe


def test_a_live_server_without_a_limit_for_a_day(gateway: Script, tmp_path: Path) -> None:
    assert checks()["spending"] == ("ok", "Every outbound voice profile has a limit for a day.")
    say(gateway, "/outbound_voice_profiles", 200, {"data": [{**PROFILE, "daily_spend_limit": None}]})
    assert checks()["spending"][0] == "warning"
    say(gateway, "/outbound_voice_profiles", 403)
    assert "no profile's could be read" in checks()["spending"][1]
    policy = tmp_path / "policy.toml"
    policy.write_text("version = 1\n[guards]\nspend_per_day = 5.0\nrate_per_minute_cost = 0.02\n")
    assert checks("--policy", str(policy))["spending"] == ("ok", "The policy has a limit for a day.")


def test_calls_that_nobody_is_asked_about(gateway: Script, tmp_path: Path) -> None:
    assert checks()["approval"][0] == "ok"
    assert "(mode off)" in checks("--confirm", "off")["approval"][1]
    assert "(mode token)" in checks("--confirm", "token")["approval"][1]
    policy = tmp_path / "policy.toml"
    policy.write_text('version = 1\n[modes]\nspends = "off"\n')
    verdict, text = checks("--policy", str(policy))["approval"]
    assert verdict == "warning"
    assert "spends" in text
    assert doctor("--confirm", "off", "--strict").exit_code == 1


def test_a_server_open_to_anybody(api: Script) -> None:
    assert "who may connect" not in checks()
    assert checks("--http")["who may connect"][0] == "warning"
    verdict, text = checks("--http", "--host", "0.0.0.0")["who may connect"]
    assert verdict == "problem"
    assert "--tokens-file" in text
    assert "--allowed-hosts" in text


def test_files_that_let_people_in(api: Script, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("")
    for mode, verdict in ((0o666, "problem"), (0o644, "warning"), (0o600, "ok")):
        file.chmod(mode)
        assert checks("--tokens-file", str(file))["--tokens-file"][0] == verdict
    assert checks("--tokens-file", str(tmp_path / "none"))["--tokens-file"][0] == "problem"


# --- hosts


def configure(home: Path, host: str, text: str | dict[str, Any], mode: int = 0o600) -> None:
    places = {
        "cursor": ".cursor/mcp.json",
        "vscode": ".config/Code/User/mcp.json",
        "claude-code": ".claude.json",
    }
    path = home / places[host]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    path.chmod(mode)


def server(**entry: Any) -> dict[str, Any]:
    return {
        "mcpServers": {"phone": {"command": sys.executable, "args": ["-m", "texml_mcp", "serve"], **entry}}
    }


@pytest.mark.parametrize(
    ("config", "mode", "verdict", "part"),
    [
        (server(), 0o600, "ok", "can be started on the live API."),
        (server(env={"TELNYX_API_KEY": "${env:TELNYX_API_KEY}"}), 0o644, "ok", "can be started"),
        (server(env={"TELNYX_API_KEY": LIVE_KEY}), 0o600, "ok", "can be started"),
        (server(env={"TELNYX_API_KEY": LIVE_KEY}), 0o644, "problem", "others can read the file"),
        (server(env={"TELNYX_API_KEY": "KEY..."}), 0o600, "warning", "placeholder"),
        (
            server(env={"TELNYX_ACCOUNT_SID": "your organization id"}),
            0o600,
            "warning",
            "a placeholder in place of TELNYX_ACCOUNT_SID",
        ),
        (
            server(args=["-m", "texml_mcp", "serve", "--sandbox"], env={"TELNYX_API_KEY": "KEY..."}),
            0o600,
            "ok",
            "can be started on the sandbox.",
        ),
        (server(env={"TEXML_MCP_SANDBOX": "true"}), 0o600, "ok", "can be started on the sandbox."),
        (server(args=["-m", "texml_mcp", "serve", "--key", LIVE_KEY]), 0o600, "problem", "process list"),
        (
            server(command="env", args=[f"TELNYX_API_KEY={LIVE_KEY}", "texml-mcp"]),
            0o600,
            "problem",
            "process list",
        ),
        (server(command="/nowhere/texml-mcp"), 0o600, "problem", "is not there"),
        (server(command="texml-mcp-not-installed"), 0o600, "problem", "not on the PATH"),
        (server(command="/etc/passwd"), 0o600, "problem", "may not be run"),
        (server(args="texml_mcp serve", command="texml-mcp"), 0o600, "problem", "not an entry"),
        ('{"mcpServers": {"phone": {"command": "texml-mcp",\n}', 0o600, "problem", "line 2"),
        (f"// mine\n{json.dumps(server())}", 0o600, "warning", "comments"),
    ],
    ids=range(16),
)
def test_a_host_that_has_this_server(own_home: Path, config: Any, mode: int, verdict: str, part: str) -> None:
    configure(own_home, "cursor", config, mode)
    told = doctor("--sandbox")
    found = checks("--sandbox")["host Cursor"]
    assert found[0] == verdict, found
    assert part in found[1]
    assert told.exit_code == (1 if verdict == "problem" else 0)
    assert LIVE_KEY not in told.output


def test_a_key_in_a_file_that_a_project_shares() -> None:
    Path(".mcp.json").write_text(json.dumps(server(env={"TELNYX_API_KEY": LIVE_KEY})))
    verdict, text = checks("--sandbox")["host Claude Code"]
    assert verdict == "warning"
    assert "that projects share" in text


def test_files_of_others_are_not_our_business(own_home: Path) -> None:
    configure(own_home, "cursor", '{"mcpServers": {broken')
    configure(own_home, "vscode", {"servers": {"other": {"command": "/nowhere"}}})
    assert checks("--sandbox")["host"][0] == "skipped"


def test_servers_that_claude_code_keeps_for_a_directory_are_seen(own_home: Path) -> None:
    configure(
        own_home, "claude-code", {"projects": {"/work": server(command="/nowhere/texml-mcp"), "/x": None}}
    )
    assert checks("--sandbox")["host Claude Code"][0] == "problem"


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["texml-mcp", "KEY...", "${env:X}", "\x1b[2J", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["command", "args", "env", "TELNYX_API_KEY", "mcpServers", "servers", "projects"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(servers=st.dictionaries(st.text(max_size=5), _json, max_size=3), rest=_json)
def test_no_configuration_breaks_the_check(servers: dict[str, Any], rest: Any) -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        for host in HOSTS.values():
            file = host.file("user", Machine("linux", home, home / "work", {}))
            assert file is not None
            file.parent.mkdir(parents=True, exist_ok=True)
            config = {host.servers: servers, "projects": rest, "of": "texml-mcp"}
            file.write_text(json.dumps(config), encoding="utf-8")
        found = list(check_hosts(Machine("linux", home, home / "work", {})))
        assert found
        assert all(each.text.endswith(".") for each in found)


def test_what_install_writes_passes(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", LIVE_KEY)
    monkeypatch.setenv("TELNYX_ACCOUNT_SID", ORGANIZATION)
    for words in (
        ["claude-desktop", "--key-from-env"],
        ["cursor"],
        ["vscode"],
        ["claude-code", "--scope", "project"],
    ):
        assert CliRunner().invoke(app, ["install", *words]).exit_code == 0
    told = json.loads(doctor("--sandbox", "--json").stdout)["checks"]
    hosts = [each for each in told if each["name"].startswith("host ")]
    assert [each["verdict"] for each in hosts] == ["ok"] * 4


# --- what is open, and what is secret


def test_writes_with_an_open_outcome_are_counted(api: Script, tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    for minutes in (3, 2):
        journal = Journal(state.store, lambda minutes=minutes: time.time() - 60 * minutes)
        wire = {"account_sid": ORGANIZATION, "To": f"+1312555010{minutes}"}
        journal.begin(entry_for(endpoint("create_call"), wire, state.digester))
    state.close()
    verdict, text = checks("--state-dir", str(tmp_path / "state"))["journal"]
    assert verdict == "warning"
    assert text.startswith("2 writes")
    assert "texml-mcp journal reconcile" in text


def test_no_secret_is_in_any_output(gateway: Script, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXML_MCP_SEAL_KEYS", SEAL_KEY)
    configure(own_home, "cursor", server(env={"TELNYX_API_KEY": LIVE_KEY}), 0o644)
    # An address that sends back what it was sent.
    echo = {"errors": [{"code": LIVE_KEY, "detail": LIVE_KEY}], "data": {"organization_id": LIVE_KEY}}
    for status in (200, 401, 404, 500):
        for path in ("/whoami", "/texml_applications", "/outbound_voice_profiles"):
            say(gateway, path, status, echo)
        say(gateway, f"/texml/Accounts/{ORGANIZATION}/Calls", status, echo)
        for flags in ([], ["--json"]):
            told = doctor(*flags).output
            assert LIVE_KEY not in told
            assert SEAL_KEY not in told
