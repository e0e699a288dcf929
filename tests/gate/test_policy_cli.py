"""`texml-mcp policy`: what it prints and what it exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from texml_mcp.cli import policy
from texml_mcp.gate.policy import SHIPPED

DIAL = ["To=+15555550100", "From=+15555550101", "ApplicationSid=1"]

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", SHIPPED)
def test_check_accepts_the_shipped_policies(name: str, capsys: Captured) -> None:
    assert policy.check(name) == 0
    assert "is valid" in capsys.readouterr().out


def test_check_says_what_is_wrong_and_where(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\n[tools]\ncreate_cal = 'deny'\n")
    assert policy.check(str(path)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{path}:3: Unknown tool 'create_cal'. Did you mean create_call?" in told.err


def test_explain_a_denied_call(capsys: Captured) -> None:
    assert policy.explain("create_call", [*DIAL, "SuperviseCallSid=CA1"], "assistant") == 1
    out = capsys.readouterr().out
    assert "decision  deny" in out
    assert "rule      rules.no-supervision" in out
    assert "risks     listens_in: a supervisor hears the call" in out


def test_explain_as_json(capsys: Captured) -> None:
    assert policy.explain("create_call", DIAL, "evaluation", as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["decision"], told["rule"], told["mode"]) == ("confirm", "default", "token")


def test_explain_without_a_policy_tells_the_defaults(capsys: Captured) -> None:
    assert policy.explain("list_calls", [], mode="strict") == 0
    out = capsys.readouterr().out
    assert "decision  allow" in out
    assert "mode      strict" in out
    assert "entries   none" in out


def test_explain_for_a_role(capsys: Captured) -> None:
    assert policy.explain("create_call", DIAL, "operations", role="viewer") == 1
    assert "roles.viewer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tool", "pairs", "name", "problem"),
    [
        ("create_cal", [], None, "Did you mean create_call?"),
        ("create_call", ["To"], None, "not of the form name=value"),
        ("create_call", ["To=+15555550100"], None, "Missing"),
        ("create_call", [*DIAL, "Recrd=true"], None, "did you mean Record"),
        ("create_call", DIAL, "/nowhere/policy.toml", "cannot be read"),
    ],
)
def test_a_wrong_question(
    tool: str, pairs: list[str], name: str | None, problem: str, capsys: Captured
) -> None:
    assert policy.explain(tool, pairs, name) == 2
    assert problem in capsys.readouterr().err


def test_show_says_tool_by_tool_what_applies(capsys: Captured) -> None:
    assert policy.show("operations") == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line]
    said = {line[0]: line[1] for line in lines}
    assert said["list_calls"] == "allow"
    assert said["update_call_recording"] == "allow: rules.pause-recording when Status is paused"
    assert said["create_secret"] == "confirm: rules.second-person"
    assert said["else"] == "by what the arguments do"


def test_show_does_not_say_confirm_for_a_read(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\ntoolsets.calls = 'confirm'\n")
    assert policy.show(str(path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "list_calls                      allow" in lines
    assert "update_call                     confirm: toolsets.calls" in lines


def test_show_as_json_is_the_policy(capsys: Captured) -> None:
    assert policy.show("sandbox", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["guards"]["numbers"] == "warn"


def test_show_of_a_bad_file(tmp_path: Path, capsys: Captured) -> None:
    assert policy.show(str(tmp_path / "none.toml")) == 2
    assert "cannot be read" in capsys.readouterr().err
