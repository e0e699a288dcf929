"""`--json` on every command that prints data, and what comes out is JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.commands import CliRunner
from texml_mcp.cli.app import app

# They serve, tell a story, act, or write files and say which; two of the exports print JSON anyway.
WITHOUT = {
    *("serve", "demo", "install", "panic", "sandbox serve", "eval report", "eval export"),
    *("schemas write", "schemas check", "schemas export", "audit export"),
}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command by the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_every_command_that_prints_data_takes_json() -> None:
    has = {
        name: any("--json" in each.opts for each in command.params)
        for name, command in commands(typer.main.get_command(app))
    }
    # doctor reads its flags itself: the test below runs it.
    assert {name for name, takes in has.items() if not takes} - {"doctor"} <= WITHOUT
    assert not {name for name, takes in has.items() if takes} & WITHOUT


def run(state: Path, *words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"], env={"TEXML_MCP_STATE_DIR": str(state)})
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("words", "has"),
    [
        (["tools", "--tokens"], "tools"),
        (["call", "list_queues", "--sandbox"], "items"),
        (["policy", "explain", "delete_queue", "queue_sid=support", "--sandbox"], "decision"),
        (["policy", "check", "assistant"], "valid"),
        (["doctor", "--sandbox"], "checks"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else None,
)
def test_what_it_prints_is_json(tmp_path: Path, words: list[str], has: str) -> None:
    assert has in run(tmp_path, *words)


def test_the_bill_names_each_tool_with_its_cost(tmp_path: Path) -> None:
    (one,) = [each for each in run(tmp_path, "tools", "--tokens")["tools"] if each["name"] == "create_call"]
    assert one["tokens"] == -(-one["bytes"] // 4)


def test_a_bad_policy_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(
        'version = 1\n[[rules]]\nname = "no"\ntools = ["create_cal"]\naction = "deny"\n'
    )
    told = run(tmp_path, "policy", "check", str(tmp_path / "p.toml"))
    assert told["valid"] is False
    assert "Did you mean create_call?" in told["problem"]
    assert told["line"] == 4


def test_tokens_are_made_rotated_and_revoked_by_a_program(tmp_path: Path) -> None:
    made = run(tmp_path, "tokens", "add", "ada", "--role", "viewer", "--expires", "1d")
    assert made["role"] == "viewer"
    again = run(tmp_path, "tokens", "rotate", "ada", "--overlap", "0m")
    assert again["token"] != made["token"]
    assert [each["id"] for each in run(tmp_path, "tokens", "revoke", "ada")] == [again["id"]]
    assert run(tmp_path, "tokens", "list") == []


def test_the_trail_and_the_journal_are_read_by_a_program(tmp_path: Path) -> None:
    run(tmp_path, "call", "create_queue", "--sandbox", "FriendlyName=q")
    assert run(tmp_path, "approvals", "list") == []
    (write,) = run(tmp_path, "journal", "show")
    assert write["tool"] == "create_queue"
