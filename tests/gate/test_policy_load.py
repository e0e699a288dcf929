"""What a policy file may say, and how a wrong one is refused: always, with the line and the near name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from texml_mcp.gate.policy import PolicyError, load, load_named, parse, shipped

RULE = "[[rules]]\nname = 'a'\naction = 'deny'\n"

REFUSED = [
    # unknown names, with the nearest
    ("tols = {}", 2, "Unknown key 'tols'. Did you mean tools?"),
    ("[tools]\ncreate_cal = 'deny'", 3, "Unknown tool 'create_cal'. Did you mean create_call?"),
    ("[tools]\nvalidate_texml = 'deny'", 3, "Unknown tool 'validate_texml'"),
    ("[toolsets]\nqueue = 'deny'", 3, "Did you mean queues?"),
    ("[risks]\n\nspend = 'deny'", 4, "Unknown risk 'spend'. Did you mean spends?"),
    ("[modes]\nlisten_in = 'strict'", 3, "Did you mean listens_in?"),
    ("mode = 'stric'", 2, "mode cannot be 'stric'. Did you mean strict?"),
    ("[tools]\ncreate_call = 'denny'", 3, "Did you mean deny?"),
    (RULE + "tool = ['create_call']", 5, "Unknown key 'tool'. Did you mean tools?"),
    (RULE + "tools = ['create_cal']", 5, "Did you mean create_call?"),
    (RULE + "when.Recrd = true", 2, "Unknown argument 'Recrd'. Did you mean Record?"),
    (RULE + "tools = ['create_queue']\nwhen.Record = true", 2, "create_queue: Unknown argument 'Record'"),
    (RULE + "when.TimeLimit = 60\nwhen.MaxSize = 3", 2, "no tool has all of TimeLimit, MaxSize"),
    (RULE + "when.Record.mach = 'x'", 5, "Unknown key 'mach'. Did you mean matches?"),
    ("[roles.desk]\nread_onl = true", 3, "Did you mean read_only?"),
    ("[guards]\nhour = 'off'", 3, "Unknown key 'hour'. Did you mean hours?"),
    ("[guards.quiet_hours]\nstrt = '21:00'", 3, "Did you mean start?"),
    # what could never match, and so would only look like protection
    (RULE + "tools = ['create_call']\ntoolsets = ['queues']", 2, "no tool is in all of its selectors"),
    (
        RULE + "tools = ['create_queue']\nrisks = ['destroys']",
        2,
        "none of its tools carries the risk destroys",
    ),
    (
        RULE + "tools = ['update_call']\nwhen.Status = 'complete'",
        2,
        "never 'complete'. Did you mean completed?",
    ),
    (RULE + "when.Record = 'true'", 2, "Record is true or false, so it is never 'true'"),
    (RULE + "when.TimeLimit = true", 2, "TimeLimit is a number"),
    (RULE + "when.Url.min = 3", 2, "Url is no number"),
    (RULE + "when.TimeLimit.matches = '3'", 2, "TimeLimit is no text"),
    (RULE + "when.CustomHeaders = 'x'", 2, "only given applies"),
    (RULE + "when.To = '(555) 555-0100'", 2, "To is written"),
    (RULE + "when.TimeLimit = { min = 9, max = 3 }", 5, "min is above max"),
    (RULE + "when.Record = { given = false, one_of = [true] }", 5, "an absent argument has no value"),
    (RULE + "when.Record = {}", 5, "a condition needs one of"),
    (RULE + "when.Record = []", 5, "at least 1"),
    (RULE + "tools = []", 5, "at least 1"),
    # patterns that are wrong, or could stall the server
    (RULE + "when.To.matches = '['", 5, "not a regular expression"),
    (RULE + "when.To.matches = '(a+)+b'", 5, "must not hold a repetition"),
    (RULE + "when.To.matches = '(a|ab)*c'", 5, "must not hold a repetition"),
    (RULE + "when.To.matches = '(a)\\1'", 5, "back-references"),
    (RULE + "when.To.matches = 'a*b*c*d*'", 5, "at most 3"),
    (RULE + f"when.To.matches = '{'a' * 201}'", 5, "200 characters"),
    # nobody can be asked about a read
    ("[tools]\nlist_calls = 'confirm'", 3, "list_calls only reads: reads can be allowed or denied"),
    ("[risks]\nreads = 'confirm'", 3, "reads can be allowed or denied"),
    ("[toolsets]\nconference_recordings = 'confirm'", 3, "reads can be allowed or denied"),
    ("[modes]\nreads = 'strict'", 3, "reads can be allowed or denied"),
    ("[[rules]]\nname = 'a'\naction = 'confirm'\ntools = ['get_call']", 2, "get_call is a read"),
    ("[[rules]]\nname = 'a'\naction = 'confirm'\nrisks = ['reads']", 2, "reads can be allowed or denied"),
    # the rest
    (RULE + "mode = 'strict'", 2, "the action has to be confirm"),
    (RULE + RULE, 5, "two rules are named a"),
    ("[[rules]]\naction = 'deny'", 2, "name is missing"),
    ("[[rules]]\nname = 'a'", 2, "action is missing"),
    (RULE + 'reason = "a\\u202eb"', 5, "one line of plain text"),
    ("read_only = 'yes'", 2, "read_only"),
    ("[tools]\ncreate_call = 'deny'\ncreate_call = 'allow'", 4, "not TOML"),
    ("x = [", 2, "not TOML"),
]


@pytest.mark.parametrize(("text", "line", "problem"), REFUSED)
def test_refused(text: str, line: int, problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(f"version = 1\n{text}", "p.toml")
    assert problem in str(caught.value)
    assert caught.value.line == line
    assert str(caught.value).startswith("p.toml:")


@pytest.mark.parametrize("version", ["", "version = 2", "version = true", "version = 1.0", "version = '1'"])
def test_only_version_1(version: str) -> None:
    with pytest.raises(PolicyError, match="version = 1 is wanted"):
        parse(f"{version}\nfrom_a_later_version = 1")


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(PolicyError) as caught:
        parse("version = 1\n[tools]\na = 'deny'\nb = 'deny'\n[risks]\nc = 'deny'")
    assert caught.value.line == 6
    assert "line 3" in str(caught.value)
    assert "line 4" in str(caught.value)


def test_a_complete_policy() -> None:
    policy = parse(
        """
        version = 1
        description = "all of it"
        mode = "strict"
        read_only = false
        modes = { destroys = "external" }
        risks = { config = "allow", reads = "allow" }
        toolsets = { queues = "confirm" }
        tools = { create_secret = "deny", get_call = "deny" }

        [[rules]]
        name = "short-calls"
        action = "confirm"
        tools = ["create_call"]
        toolsets = ["calls"]
        risks = ["spends"]
        mode = "external"
        reason = "Long calls are checked."
        [rules.when]
        TimeLimit = { min = 600 }
        To = ["+15555550100", "sip:desk@example.com"]

        [roles.viewer]
        read_only = true

        [guards]
        hours = "enforce"
        [guards.quiet_hours]
        level = "deny"
        """
    )
    assert policy.rules[0].about == {"create_call"}
    assert policy.guards.quiet_hours.level == "deny"
    assert policy.roles["viewer"].read_only


# --- files


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\nmode = 'strict'\n")
    assert load(path).mode == "strict"
    assert load_named(str(path)).mode == "strict"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load(tmp_path)


def test_a_name_no_file_can_have() -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)
    with pytest.raises(PolicyError):
        load(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1")
    path.chmod(0)
    with pytest.raises(PolicyError, match="Permission denied"):
        load(path)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\n" + "# x\n" * 70_000)
    with pytest.raises(PolicyError, match="larger than 256 KB"):
        load(path)
    with pytest.raises(PolicyError, match="larger than 256 KB"):
        parse(path.read_text())


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"version = 1\n# \xff\n")
    with pytest.raises(PolicyError, match="not UTF-8") as caught:
        load(path)
    assert caught.value.line == 2


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000])
def test_text_that_breaks_the_reader(text: str) -> None:
    with pytest.raises(PolicyError):
        parse(f"version = 1\n{text}")


def test_a_shipped_name_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "assistant").write_text("version = 1\nmode = 'off'")
    monkeypatch.chdir(tmp_path)
    assert load_named("assistant") is shipped("assistant")
    assert load_named("./assistant").mode == "off"


def test_an_unknown_shipped_policy() -> None:
    with pytest.raises(PolicyError, match="Did you mean sandbox"):
        shipped("sandbx")
