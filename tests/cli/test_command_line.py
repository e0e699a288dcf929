"""What the command line says to somebody who has just typed it, through real processes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from tests.cli.test_json import commands
from tests.lengths import few
from texml_mcp import __version__
from texml_mcp.cli import mistakes
from texml_mcp.cli.app import app

COMMAND = [sys.executable, "-m", "texml_mcp"]


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        env=os.environ | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_alone_it_shows_where_to_begin_on_one_screen() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines)
    assert __version__ in lines[0]
    assert "TELNYX_API_KEY is not set" in done.stdout


def test_alone_it_says_when_calls_would_be_real_and_never_shows_the_key() -> None:
    done = run(TELNYX_API_KEY="KEY_made_up")
    assert "without --sandbox, calls are real" in done.stdout
    assert "made_up" not in done.stdout


def test_alone_it_fits_into_a_narrow_terminal() -> None:
    lines = run(COLUMNS="44").stdout.splitlines()
    assert max(len(line) for line in lines) <= 44
    assert any("--install-completion." in line for line in lines)


def test_help_shows_first_what_is_needed_first() -> None:
    told = run("--help").stdout
    order = ["demo ", "install ", "serve ", "approvals ", "eval "]
    assert sorted(order, key=lambda word: told.index(f" {word}")) == order


def test_a_tool_is_shown_with_its_arguments_whole() -> None:
    done = run("tools", "create_call", COLUMNS="80")
    lines = done.stdout.splitlines()
    assert any(line.split()[:2] == ["To", "required;"] for line in lines)
    assert "MachineDetectionBeepSpectralConfirmation " in done.stdout
    (told,) = [line for line in lines if line.split()[:1] == ["UrlMethod"]]
    assert "GET | POST; default POST" in told
    assert json.loads(run("tools", "create_call", "--json").stdout)["name"] == "create_call"


def test_a_tool_that_is_not_offered_by_itself_is_shown_too() -> None:
    from texml_mcp.tools.files import definitions
    from texml_mcp.tools.offer import offered

    name = min(definitions().keys() - set(offered()))
    cost = json.loads(run("tools", name, "--tokens", "--json").stdout)
    assert cost["name"] == name
    assert run("tools", name, "--tokens").stdout == (
        f"{cost['bytes']} bytes, {cost['tokens']} tokens (bytes / 4)\n"
    )


def test_arguments_are_in_brackets_once() -> None:
    for name, command in commands(typer.main.get_command(app)):
        context = command.context_class(command, info_name=name)
        for usage in (command.get_usage(context), mistakes.usage(context)):
            assert "[[" not in usage, usage
            assert "......" not in usage, usage


@pytest.mark.parametrize(
    ("words", "says"),
    few(
        [
            (
                "serve --confirm maybe",
                "--confirm (TEXML_MCP_CONFIRM) must be off, token, auto, strict or external.",
            ),
            ("serve --http --port x", "--port (TEXML_MCP_PORT) must be a whole number."),
            ("serve --http --port 99999", "--port (TEXML_MCP_PORT) must be 65535 or less."),
            (
                "serve --timeout-seconds 0",
                "--timeout-seconds (TEXML_MCP_TIMEOUT_SECONDS) must be more than 0.",
            ),
            (
                "serve --log-level loud",
                "--log-level (TEXML_MCP_LOG_LEVEL) must be debug, info, warning or error.",
            ),
            ("serve --sandbox more", "serve takes options alone, and no 'more'."),
            ("serve --sandbox --tools list_cal", "Unknown tool 'list_cal'. Did you mean list_calls?"),
            (
                "serve --sandbox --policy operation",
                "The policy cannot be used: operation: no such file, and no shipped policy of that name. "
                "Did you mean operations? Valid: assistant, operations, evaluation, sandbox.",
            ),
            ("demo --pause x", "--pause must be a number."),
            ("eval run --agent null --trials 0", "--trials must be 1 or more."),
            ("eval list --difficulty eazy", "there is no difficulty 'eazy'. Did you mean easy?"),
            (
                "schemas export --format openai --toolset call",
                "Unknown toolset 'call'. Did you mean calls? Valid: ",
            ),
        ],
        6,
    ),
)
def test_a_value_that_cannot_be_is_told_with_what_can(words: str, says: str) -> None:
    done = run(*words.split())
    assert done.returncode == 2
    assert done.stderr.startswith(f"texml-mcp: {says}")


def test_whoever_calls_from_a_script_is_told_how_to_approve() -> None:
    placing = ("create_call", "To=+13125550142", "From=+13125550100", "ApplicationSid=1293384261075731499")
    asked = run("call", "--sandbox", *placing)
    assert asked.returncode == 1
    assert asked.stderr == "texml-mcp: Nobody is at a terminal to be asked. Add --yes to approve this call.\n"


@pytest.mark.long
def test_that_each_call_has_a_network_of_its_own_is_said_where_it_matters(tmp_path: Path) -> None:
    hint = "texml-mcp sandbox serve"
    made = run("call", "create_queue", "FriendlyName=night", "--sandbox")
    assert (made.returncode, hint in made.stderr) == (0, True)
    gone = run("call", "get_call", "call_sid=v3:gone", "--sandbox")
    assert (gone.returncode, hint in gone.stderr) == (1, True)
    assert run("call", "list_queues", "--sandbox").stderr == ""


def test_the_sandbox_has_its_own_account_whatever_the_environment_names() -> None:
    done = run("call", "list_queues", "--sandbox", TELNYX_ACCOUNT_SID="7c1f0d2a-3a52-4f6e-9a1a-5d3a2f3b7c11")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELNYX_API_KEY", "KEY..."),
        ("TELNYX_API_KEY", "${env:TELNYX_API_KEY}"),
        ("TELNYX_ACCOUNT_SID", "your organization id"),
    ],
)
def test_a_value_of_an_example_does_not_start_a_server(name: str, value: str) -> None:
    done = run("serve", **{"TELNYX_API_KEY": "KEY_made_up", name: value})
    assert done.returncode == 2
    assert f"{name} is still the placeholder {value!r}. Put the real value there" in done.stderr
    assert "--sandbox" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("reached", [True, False])
def test_the_demo_ends_with_lines_that_can_be_typed(reached: bool, tmp_path: Path) -> None:
    activate = Path(sys.prefix) / "bin" / "activate"
    if not activate.exists():
        pytest.skip("not run from a virtual environment")
    (tmp_path / "texml-mcp").write_text("#!/bin/sh\n")
    (tmp_path / "texml-mcp").chmod(0o755)
    done = run("demo", PATH=f"{tmp_path}:/usr/bin:/bin" if reached else "/usr/bin:/bin", COLUMNS="200")
    assert done.returncode == 0, done.stdout
    told = done.stdout.partition("What next")[2]
    assert ("/bin/activate" in told) is not reached
    assert "texml-mcp install cursor --sandbox" in told


@pytest.mark.long
def test_every_command_on_that_screen_is_one() -> None:
    shown = [line[2:].split("  ")[0] for line in run().stdout.splitlines() if line.startswith("  texml-mcp ")]
    assert len(shown) >= 6
    for words in {tuple(line.split()[1:3]) for line in shown}:
        named = [word for word in words if word.isalpha()]
        if named[0] in ("call", "install"):
            named = named[:1]
        assert run(*named, "--help").returncode == 0, words


@pytest.mark.parametrize(
    ("typed", "says", "ready"),
    few(
        [
            (
                "instal cursor --print",
                "there is no command 'instal'. Did you mean install?",
                "install cursor --print",
            ),
            (
                "policy chek my.toml",
                "there is no command 'chek'. Did you mean check?",
                "policy check my.toml",
            ),
            ("tools --tokn", "tools has no option '--tokn'. Did you mean --tokens?", "tools --tokens"),
            ("serve --sandbx", "serve has no option '--sandbx'. Did you mean --sandbox?", "serve --sandbox"),
            ("serve --prot=80", "serve has no option '--prot'. Did you mean --port?", "serve --port=80"),
            ("doctor --strct", "doctor has no option '--strct'. Did you mean --strict?", "doctor --strict"),
            (
                "schemas export --format openai-strct",
                "--format cannot be 'openai-strct'. Did you mean openai-strict?",
                "schemas export --format openai-strict",
            ),
            (
                "sandbox serve --clock=virtul",
                "--clock cannot be 'virtul'. Did you mean virtual?",
                "sandbox serve --clock=virtual",
            ),
            (
                "call lst_calls --sandbox Status=busy",
                "there is no tool 'lst_calls'. Did you mean list_calls?",
                "call list_calls --sandbox Status=busy",
            ),
            (
                "policy explain crate_call",
                "there is no tool 'crate_call'. Did you mean create_call?",
                "policy explain create_call",
            ),
            ("install curso", "there is no host 'curso'. Did you mean cursor?", "install cursor"),
            (
                "install cursor -- --sandbx",
                "serve has no option '--sandbx'. Did you mean --sandbox?",
                "install cursor -- --sandbox",
            ),
        ],
        2,
    ),
)
def test_a_mistyped_word_is_answered_with_the_line_that_was_meant(typed: str, says: str, ready: str) -> None:
    done = run(*typed.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"texml-mcp: {says}\n  texml-mcp {ready}\n"


@pytest.mark.parametrize(
    ("typed", "says", "then"),
    few(
        [
            ("zzz", "there is no command 'zzz'.", "texml-mcp --help"),
            ("call zzz --sandbox", "there is no tool 'zzz'.", "texml-mcp tools"),
            (
                "install zzz",
                "There are claude-desktop, claude-code, cursor, vscode.",
                "texml-mcp install --help",
            ),
            ("tools --zzz", "There are --json, --tokens, --help.", "texml-mcp tools --help"),
            ("call", "TOOL is missing.", "texml-mcp call [OPTIONS] TOOL [K=V]..."),
            ("approvals show", "ID is missing.", "texml-mcp approvals show [OPTIONS] ID"),
            ("serve --port", "--port: expected one argument.", "texml-mcp serve --help"),
            ("sandbox serve --port x", "--port must be a whole number.", "texml-mcp sandbox serve [OPTIONS]"),
            ("tools zzz", "there is no tool 'zzz'.", "texml-mcp tools"),
            ("demo zzz", "zzz", "texml-mcp demo [OPTIONS]"),
        ],
        2,
    ),
)
def test_where_nothing_is_near_it_says_what_there_is(typed: str, says: str, then: str) -> None:
    done = run(*typed.split())
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first.startswith("texml-mcp: ")
    assert says in first
    assert second.startswith(f"  {then}")


def test_what_was_typed_cannot_act_on_the_terminal() -> None:
    done = run("\x1b[31mred", "--\x1b]0;title\x07")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr


def test_the_line_to_run_is_quoted_for_a_shell() -> None:
    words = ["call", "create_cal", "Texml=<Response><Say>a 'b'</Say></Response>"]
    mended = mistakes.corrected("create_cal", "create_call", words)
    assert mended is not None
    assert shlex.split(mended) == ["texml-mcp", "call", "create_call", words[2]]


def test_a_group_of_commands_alone_shows_them() -> None:
    done = run("policy")
    assert done.returncode == 2
    assert "explain" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "point", "expected"),
    few(
        [
            (["texml-mcp", "inst"], 1, "install"),
            (["texml-mcp", "policy", "ex"], 2, "explain"),
            (["texml-mcp", "tools", "--tok"], 2, "--tokens"),
            (["texml-mcp", "call", "create_c"], 2, "create_call"),
            (["texml-mcp", "policy", "explain", "list_q"], 3, "list_queues"),
            (["texml-mcp", "call", "get_call", "call_"], 3, "call_sid="),
            (["texml-mcp", "install", "vs"], 2, "vscode"),
            (["texml-mcp", "serve", "--tok"], 2, "--tokens-file"),
            (["texml-mcp", "serve", "--sandbox", "--no-st"], 3, "--no-stateless"),
            (["texml-mcp", "serve", "--confirm", "ex"], 3, "external"),
            (["texml-mcp", "serve", "--policy", "op"], 3, "operations"),
            (["texml-mcp", "doctor", "--str"], 2, "--strict"),
            (["texml-mcp", "doctor", "--sandbox", "--toolsets", "que"], 4, "queues"),
            (["texml-mcp", "policy", "show", "op"], 3, "operations"),
            (["texml-mcp", "tokens", "add", "anna", "--role", "app"], 5, "approver"),
            (["texml-mcp", "eval", "run", "--agent", "gre"], 4, "greedy"),
            (["texml-mcp", "eval", "list", "--family", "los"], 4, "lost_answers"),
            (["texml-mcp", "eval", "list", "--difficulty", "ea"], 4, "easy"),
            (["texml-mcp", "schemas", "export", "--format", "gem"], 4, "gemini"),
        ],
        3,
    ),
)
def test_a_shell_completes_commands_options_tools_and_their_arguments(
    words: list[str], point: int, expected: str
) -> None:
    done = run(_TEXML_MCP_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=str(point))
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout.split()
