"""`texml-mcp tokens`, as an operator types it, also at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import CliRunner
from tests.lengths import few
from texml_mcp.cli.app import app
from texml_mcp.identity.tokens import TokenFile
from texml_mcp.identity.verify import Identities


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "texml_mcp", "tokens", *words]


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """In this process, as starting another takes most of the time."""
    done = CliRunner().invoke(app, ["tokens", *words], env=env)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def listed(path: Path) -> list[dict[str, Any]]:
    return json.loads(run("list", "--json", "--file", str(path)).stdout)


async def test_a_token_is_shown_alone_and_once(path: Path) -> None:
    made = run(
        *("add", "maria", "--role", "approver", "--account", "acc-1", "--account", "acc-2"),
        *("--policy", "operations", "--expires", "90d", "--file", str(path)),
    )
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert made.stdout == token + "\n"
    assert "not shown again" in made.stderr
    assert token not in made.stderr
    (entry,) = listed(path)
    assert (entry["name"], entry["role"], entry["accounts"]) == ("maria", "approver", ["acc-1", "acc-2"])
    assert token.startswith(entry["id"])
    told = run("list", "--file", str(path)).stdout
    assert "maria  approver  acc-1, acc-2  policy operations  expires " in told
    assert token not in told + path.read_text()
    proved = await Identities(tokens=TokenFile(path)).verify(token)
    assert proved is not None
    assert proved.principal.policy == "operations"


async def test_rotate_and_revoke(path: Path) -> None:
    first = run("add", "maria", "--file", str(path)).stdout.strip()
    identities = Identities(tokens=TokenFile(path))
    second = run("rotate", "maria", "--overlap", "1h", "--file", str(path)).stdout.strip()
    assert await identities.verify(first) is not None
    assert await identities.verify(second) is not None
    ended = run("revoke", first[:12], "--file", str(path))
    assert ended.stdout == f"{first[:12]} of maria is revoked.\n"
    assert await identities.verify(first) is None
    assert await identities.verify(second) is not None
    assert run("revoke", "maria", "--file", str(path)).returncode == 0
    assert await identities.verify(second) is None
    assert run("list", "--file", str(path)).stdout == "No tokens.\n"


def test_the_file_is_found_where_the_server_looks(tmp_path: Path) -> None:
    named = tmp_path / "named.toml"
    assert run("add", "a", TEXML_MCP_TOKENS_FILE=str(named)).returncode == 0
    assert named.exists()
    assert run("add", "a", TEXML_MCP_STATE_DIR=str(tmp_path / "state")).returncode == 0
    assert (tmp_path / "state" / "tokens.toml").exists()


def test_a_policy_file_is_kept_by_its_whole_path(path: Path) -> None:
    (path.parent / "narrow.toml").write_text("version = 1\nread_only = true\n")
    made = subprocess.run(
        command("add", "maria", "--policy", "narrow.toml", "--file", str(path)),
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert listed(path)[0]["policy"] == str(path.parent / "narrow.toml")


USAGE = {
    "an unknown role": (("--role", "boss"), "Valid: viewer, operator, approver, admin"),
    "an unknown policy": (("--policy", "asistant"), "Did you mean assistant?"),
    "a policy file that is none": (("--policy", __file__), "TOML"),
    "a lifetime without a unit": (("--expires", "90"), "90d"),
    "a lifetime of nothing": (("--expires", "0d"), "90d"),
    "a lifetime beyond all calendars": (("--expires", "999999w"), "90d"),
    "an account that is a path": (("--account", "../x"), "account SID"),
}


@pytest.mark.parametrize(("words", "says"), few(USAGE.values(), 2), ids=USAGE.keys())
def test_what_cannot_be_meant_is_refused(path: Path, words: tuple[str, ...], says: str) -> None:
    done = run("add", "maria", *words, "--file", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert not path.exists()


def test_an_existing_name_is_refused_and_so_is_a_token_as_a_name(path: Path) -> None:
    token = run("add", "maria", "--file", str(path)).stdout.strip()
    again = run("add", "Maria", "--role", "admin", "--file", str(path))
    assert (again.returncode, again.stdout) == (1, "")
    assert "tokens rotate" in again.stderr
    pasted = run("add", token, "--file", str(path))
    assert pasted.returncode == 1
    assert token not in pasted.stderr
    assert len(listed(path)) == 1


def test_what_is_not_there_is_said(path: Path) -> None:
    missing = run("list", "--file", str(path))
    assert missing.returncode == 1
    assert "tokens add" in missing.stderr
    run("add", "maria", "--file", str(path))
    for words in (("revoke", "bob"), ("rotate", "bob")):
        done = run(*words, "--file", str(path))
        assert (done.returncode, done.stdout) == (1, "")
    path.chmod(0o666)
    writable = run("add", "bob", "--file", str(path))
    assert writable.returncode == 1
    assert "chmod 600" in writable.stderr


def test_processes_that_add_at_the_same_time_lose_none(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from texml_mcp.identity import Principal, editing\n"
        "for n in range(15): print(editing.add(Path(sys.argv[1]), Principal(f'{sys.argv[2]}-{n}')).entry.id)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(path), who], stdout=subprocess.PIPE, text=True)
        for who in ("a", "b", "c")
    ]
    said = [each.communicate(timeout=60)[0].split() for each in running]
    assert [each.returncode for each in running] == [0, 0, 0]
    ids = {id for each in said for id in each}
    assert len(ids) == 45
    assert {entry["id"] for entry in listed(path)} == ids
    assert {entry["name"] for entry in listed(path)} == {f"{who}-{n}" for who in "abc" for n in range(15)}
