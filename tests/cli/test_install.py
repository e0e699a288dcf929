"""`texml-mcp install`: into the files of real hosts, with everything else in them left alone."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.commands import CliRunner, Result
from tests.lengths import few
from texml_mcp.cli.app import app
from texml_mcp.hosts.configure import with_server, without_server
from texml_mcp.hosts.edit import CannotEdit
from texml_mcp.hosts.jsonc import BrokenJSON, read
from texml_mcp.hosts.known import HOSTS, Host, Machine

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "hosts"
KEY = "KEY0192f3a4b5c6d7e8_secret"
COMMAND = ["/opt/texml/bin/texml-mcp"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a working directory of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("APPDATA", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def install(*words: str) -> Result:
    return CliRunner().invoke(app, ["install", *words])


def cursor_file(home: Path, text: str | None = None) -> Path:
    path = home / ".cursor" / "mcp.json"
    if text is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return path


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*.bak"))


# --- the entry that is written


@pytest.mark.parametrize(
    ("host", "file", "flags"),
    [
        ("claude-desktop", "claude_desktop_config.json", []),
        ("claude-code", "claude_code.mcp.json", ["--sandbox"]),
        ("cursor", "cursor.mcp.json", ["--sandbox"]),
        ("vscode", "vscode.mcp.json", ["--sandbox"]),
    ],
)
def test_the_examples_are_what_is_printed(host: str, file: str, flags: list[str]) -> None:
    printed = install(host, "--print", "--command", "texml-mcp", *flags)
    assert printed.exit_code == 0
    assert printed.stdout == (EXAMPLES / file).read_text()


def test_every_example_has_a_host() -> None:
    assert len(list(EXAMPLES.iterdir())) == len(HOSTS)


@pytest.mark.parametrize("host", few(HOSTS, 1))
def test_the_entry_starts_this_installation_from_anywhere(host: str) -> None:
    printed = json.loads(install(host, "--print", "--sandbox").stdout)
    (entry,) = printed[HOSTS[host].servers].values()
    assert Path(entry["command"]).is_absolute()
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    answered = subprocess.run(
        [entry["command"], *entry["args"]],
        input=json.dumps(hello) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]},
        cwd="/",
    )
    assert json.loads(answered.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "texml-mcp"


def test_no_key_is_written_unless_it_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", KEY)
    for host in HOSTS:
        for scope in ("user", "project"):
            told = install(host, "--scope", scope)
            assert KEY not in told.output
    assert not any(KEY in path.read_text() for path in home.parent.rglob("*") if path.is_file())


def test_the_key_goes_into_a_file_of_its_owner_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", KEY)
    monkeypatch.setenv("TELNYX_ACCOUNT_SID", "61bf923e-5e4d-4595-a110-56190ea18a1b")
    assert install("claude-desktop").exit_code == 0
    path = home / ".config" / "Claude" / "claude_desktop_config.json"
    path.chmod(0o644)
    told = install("claude-desktop", "--key-from-env")
    assert told.exit_code == 0
    assert KEY not in told.output
    entry = json.loads(path.read_text())["mcpServers"]["texml"]
    assert entry["env"]["TELNYX_API_KEY"] == KEY
    assert entry["env"]["TELNYX_ACCOUNT_SID"] == "61bf923e-5e4d-4595-a110-56190ea18a1b"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert "nothing was written" in install("claude-desktop", "--key-from-env").stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "words",
    [
        ["claude-desktop", "--key-from-env", "--print"],
        ["claude-desktop", "--key-from-env", "--sandbox"],
        ["cursor", "--key-from-env", "--scope", "project"],
        ["claude-code", "--key-from-env"],
        ["claude-desktop", "--scope", "project"],
        ["emacs"],
        ["cursor", "--name", "../x"],
        ["cursor", "--name", ""],
        ["cursor", "--scope", "planet"],
        ["cursor", "--", "--no-such-flag"],
        [],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_usage_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", KEY)
    refused = install(*words)
    assert refused.exit_code == 2
    assert KEY not in refused.output
    assert not home.exists()


def test_a_key_that_is_not_there_is_not_copied(home: Path) -> None:
    refused = install("cursor", "--key-from-env")
    assert refused.exit_code == 2
    assert "TELNYX_API_KEY is not set" in refused.stderr


def test_a_file_with_the_key_that_somebody_else_owns_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", "KEY_made_up")
    assert install("cursor", "--key-from-env").exit_code == 0

    def refused(path: Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))

    monkeypatch.setattr(Path, "chmod", refused)
    again = install("cursor", "--key-from-env")
    assert again.exit_code == 1
    assert "mcp.json cannot be made its owner's alone: Operation not permitted." in again.stderr


def test_more_flags_of_serve_are_checked_and_kept() -> None:
    printed = install("cursor", "--print", "--", "--policy", "operations", "--confirm", "strict")
    entry = json.loads(printed.stdout)["mcpServers"]["texml"]
    assert entry["args"][-5:] == ["serve", "--policy", "operations", "--confirm", "strict"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [(("--port", "x"), "--port (TEXML_MCP_PORT) must"), (("--confirm", "often"), "--confirm (")],
)
def test_a_value_that_serve_would_refuse_is_refused_here(
    home: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], said: str
) -> None:
    refused = install("cursor", "--", *flags)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert not (home / ".cursor").exists()
    # What is wrong here and now may be right where the host starts the server.
    monkeypatch.setenv("TEXML_MCP_LOG_LEVEL", "loud")
    assert install("cursor", "--", "--port", "8001").exit_code == 0


# --- where it is written


@pytest.mark.parametrize(
    ("system", "environ", "host", "file"),
    [
        ("darwin", {}, "claude-desktop", "Library/Application Support/Claude/claude_desktop_config.json"),
        ("win32", {}, "claude-desktop", "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("linux", {}, "claude-desktop", ".config/Claude/claude_desktop_config.json"),
        ("darwin", {}, "vscode", "Library/Application Support/Code/User/mcp.json"),
        ("win32", {}, "vscode", "AppData/Roaming/Code/User/mcp.json"),
        ("linux", {}, "vscode", ".config/Code/User/mcp.json"),
        ("linux", {"XDG_CONFIG_HOME": "/home/ada/conf"}, "vscode", "conf/Code/User/mcp.json"),
        ("win32", {"APPDATA": "/home/ada/Roam"}, "vscode", "Roam/Code/User/mcp.json"),
        ("win32", {}, "cursor", ".cursor/mcp.json"),
        ("linux", {}, "claude-code", ".claude.json"),
    ],
)
def test_each_system_has_its_own_place(system: str, environ: dict[str, str], host: str, file: str) -> None:
    machine = Machine(system, Path("/home/ada"), Path("/work"), environ)
    assert HOSTS[host].file("user", machine) == Path("/home/ada") / file


def test_a_project_has_files_of_its_own(home: Path) -> None:
    for host, file in (
        ("claude-code", ".mcp.json"),
        ("cursor", ".cursor/mcp.json"),
        ("vscode", ".vscode/mcp.json"),
    ):
        assert install(host, "--scope", "project", "--sandbox").exit_code == 0
        assert "texml" in json.loads(Path(file).read_text())[HOSTS[host].servers]
    assert not home.exists()


def test_claude_code_is_told_by_its_own_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELNYX_API_KEY", KEY)
    told = install("claude-code").stdout
    assert "nothing was written" in told
    assert re.search(
        r'claude mcp add texml --scope user --env TELNYX_API_KEY="\$TELNYX_API_KEY" .*-- /\S+', told
    )
    assert "claude mcp remove texml --scope user" in install("claude-code", "--remove").stdout
    assert not home.exists()


# --- what is there stays


CURSOR = """{
    // mine
    "mcpServers": {
        "other": { "command": "other", "args": ["-x"] }, // keep me
    },
    "theme": 1.50,
}
"""


def test_comments_spacing_numbers_and_line_ends_stay(home: Path) -> None:
    path = cursor_file(home, CURSOR.replace("\n", "\r\n"))
    assert install("cursor", "--sandbox").exit_code == 0
    after = path.read_bytes().decode()
    assert "\n" not in after.replace("\r\n", "")
    lines = after.split("\r\n")
    assert [line for line in CURSOR.split("\n") if line not in lines] == []
    assert read(after).root.value["mcpServers"]["texml"]["args"][-1] == "--sandbox"
    assert install("cursor", "--remove").exit_code == 0
    assert path.read_bytes().decode() == CURSOR.replace("\n", "\r\n")


def test_the_second_time_writes_nothing(home: Path) -> None:
    path = cursor_file(home, CURSOR)
    install("cursor")
    first = path.read_bytes(), path.stat().st_mtime_ns
    again = install("cursor")
    assert again.exit_code == 0
    assert "nothing was written" in again.stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns) == first
    assert len(backups(path)) == 1


def test_the_file_as_it_was_is_kept_for_its_owner(home: Path) -> None:
    path = cursor_file(home, CURSOR)
    path.chmod(0o640)
    for flags in ([], ["--sandbox"], ["--remove"]):
        before = path.read_text()
        assert install("cursor", *flags).exit_code == 0
        newest = max(backups(path), key=lambda copy: copy.stat().st_mtime_ns)
        assert newest.read_text() == before
        assert stat.S_IMODE(newest.stat().st_mode) == 0o600
    assert len(backups(path)) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not [each for each in path.parent.iterdir() if each.name.startswith(".mcp")]


def test_what_somebody_filled_in_stays_when_the_entry_is_renewed(home: Path) -> None:
    entry = {
        "command": "texml-mcp",
        "args": ["serve"],
        "env": {"TELNYX_API_KEY": "KEY_of_ada", "TELNYX_ACCOUNT_SID": "your organization id", "MORE": "1"},
        "disabled": True,
    }
    path = cursor_file(home, json.dumps({"mcpServers": {"texml": entry}}, indent=2))
    assert install("cursor", "--command", "/opt/texml-mcp", "--", "--read-only").exit_code == 0
    after = json.loads(path.read_text())["mcpServers"]["texml"]
    assert after == {
        "command": "/opt/texml-mcp",
        "args": ["serve", "--read-only"],
        "env": {
            "TELNYX_API_KEY": "KEY_of_ada",
            "TELNYX_ACCOUNT_SID": "${env:TELNYX_ACCOUNT_SID}",
            "MORE": "1",
        },
        "disabled": True,
    }


def test_another_server_of_the_same_name_is_not_touched(home: Path) -> None:
    text = '{"mcpServers": {"texml": {"command": "something-else"}}}'
    path = cursor_file(home, text)
    for flags in ([], ["--remove"]):
        refused = install("cursor", *flags)
        assert refused.exit_code == 1
        assert "Nothing was written" in refused.stderr
        assert path.read_text() == text
    assert install("cursor", "--name", "phone").exit_code == 0
    assert set(json.loads(path.read_text())["mcpServers"]) == {"texml", "phone"}


def test_a_link_is_followed_and_stays_a_link(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.json"
    kept.write_text("{}")
    path = cursor_file(home)
    path.parent.mkdir(parents=True)
    path.symlink_to(kept)
    assert install("cursor").exit_code == 0
    assert path.is_symlink()
    assert "texml" in json.loads(kept.read_text())["mcpServers"]


def test_questions_of_vs_code_are_asked_once_and_taken_back(home: Path) -> None:
    path = Path(".vscode/mcp.json")
    path.parent.mkdir()
    other = {"inputs": [{"type": "promptString", "id": "mine"}], "servers": {"other": {"command": "x"}}}
    path.write_text(json.dumps(other, indent="\t"))
    before = path.read_text()
    for name in ("texml", "second"):
        assert install("vscode", "--scope", "project", "--name", name).exit_code == 0
    ids = [each["id"] for each in json.loads(path.read_text())["inputs"]]
    assert ids == ["mine", "telnyx-api-key", "telnyx-account-sid"]
    install("vscode", "--scope", "project", "--remove", "--name", "second")
    assert len(json.loads(path.read_text())["inputs"]) == 3
    install("vscode", "--scope", "project", "--remove")
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", "\ufeff{}\n", "{}", "{\n}\n", "// nothing yet\n{}\n"])
def test_an_empty_file_becomes_a_whole_one(home: Path, text: str) -> None:
    path = cursor_file(home, text)
    assert install("cursor").exit_code == 0
    after = path.read_bytes().decode()
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    assert list(read(after).root.value["mcpServers"]) == ["texml"]


# --- what cannot be written is refused, and stays as it is


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{\n  "mcpServers": {\n    "a": {"command": "x"}\n    "b": 1\n  }\n}', "line 4"),
        ('{"mcpServers": {', "line 1"),
        ('{"a": "un\nfinished"}', "line 1"),
        ('{\n"a": "\\q"}', "line 2"),
        ('{"a": 01}', "line 1"),
        ('{"a": NaN}', "line 1"),
        ('{"a": tru}', "line 1"),
        ('{"a": 1} x', "line 1"),
        ('{"a": 1,, "b": 2}', "line 1"),
        ('{"a" 1}', "colon"),
        ("{/* open", "comment does not end"),
        ("[" * 100_000, "levels"),
        ('{"mcpServers": []}', "mcpServers is not an object"),
        ('{"mcpServers": null}', "mcpServers is not an object"),
        ('{"mcpServers": {}, "mcpServers": {}}', "twice"),
        ("[]", "the file is not an object"),
        ('"text"', "the file is not an object"),
    ],
    ids=range(17),
)
def test_a_file_that_cannot_be_edited_is_left_alone(home: Path, text: str, told: str) -> None:
    path = cursor_file(home, text)
    refused = install("cursor")
    assert refused.exit_code == 1, refused.output
    assert told in refused.stderr
    assert "Nothing was written" in refused.stderr
    assert path.read_bytes().decode() == text
    assert [each.name for each in path.parent.iterdir()] == ["mcp.json"]


def test_bytes_that_are_no_text_are_left_alone(home: Path) -> None:
    path = cursor_file(home, "")
    path.write_bytes("{}".encode("utf-16"))
    assert install("cursor").exit_code == 1
    assert path.read_bytes() == "{}".encode("utf-16")


def test_a_directory_and_a_link_to_itself_are_refused(home: Path) -> None:
    cursor_file(home).mkdir(parents=True)
    assert "is not a file" in install("cursor").stderr
    cursor_file(home).rmdir()
    cursor_file(home).symlink_to(cursor_file(home))
    refused = install("cursor")
    assert refused.exit_code == 1
    assert "Nothing was written" in refused.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_directory_without_rights_is_refused(home: Path) -> None:
    path = cursor_file(home, "{}")
    path.parent.chmod(0o500)
    try:
        refused = install("cursor")
    finally:
        path.parent.chmod(0o700)
    assert refused.exit_code == 1
    assert path.read_text() == "{}"


def test_two_installs_at_once_lose_nothing(home: Path) -> None:
    path = cursor_file(home, CURSOR)
    command = [sys.executable, "-m", "texml_mcp", "install", "cursor", "--name"]
    running = [
        subprocess.Popen([*command, f"server{each}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for each in range(4)
    ]
    for each in running:
        each.communicate(timeout=60)
    done = {f"server{at}" for at, each in enumerate(running) if each.returncode == 0}
    there = set(read(path.read_text()).root.value["mcpServers"])
    assert done
    assert there >= {"other"}
    for name in {f"server{at}" for at in range(4)} - there:
        assert install("cursor", "--name", name).exit_code == 0
    assert set(read(path.read_text()).root.value["mcpServers"]) >= {"other", *done}


# --- whatever the file holds

_names = st.text(max_size=8) | st.sampled_from(["mcpServers", "servers", "inputs", "texml", "env", "args"])
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=20,
)
_layouts = st.sampled_from(
    [{}, {"indent": 2}, {"indent": "\t"}, {"indent": 0}, {"separators": (",", ":")}, {"ensure_ascii": False}]
)
_comments = st.sampled_from(["", ' // note: "{,}\n', "/* a, } */", "\r\n", "\n\n  "])


def _with_comments(text: str, noise: list[str]) -> str:
    """Comments and blanks after structural characters outside of strings, and a comma before some ends."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    made: list[str] = []
    at = 0
    for number, part in enumerate(parts):
        if number % 2:
            made.append(part)
            continue
        for char in part:
            made.append(char)
            if char in "{[,:]}" and noise:
                made.append(noise[at % len(noise)])
                at += 1
    return "".join(made)


def _others(value: dict[str, Any], host: Host, name: str) -> dict[str, Any]:
    """What must not change: everything but our server, its questions, and the places that held only them."""
    rest = json.loads(json.dumps(value))
    rest.get(host.servers, {}).pop(name, None)
    if isinstance(rest.get("inputs"), list):
        ours = [id for id, _ in host.asks_for]
        rest["inputs"] = [
            each for each in rest["inputs"] if not (isinstance(each, dict) and each.get("id") in ours)
        ]
    for place in (host.servers, "inputs"):
        if not rest.get(place):
            rest.pop(place, None)
    return rest


@given(
    value=st.dictionaries(_names, _values, max_size=5),
    servers=st.none() | st.dictionaries(_names, _values, max_size=4),
    layout=_layouts,
    noise=st.lists(_comments, max_size=4),
    host=st.sampled_from(list(HOSTS.values())),
    sandbox=st.booleans(),
)
@example(value={"a": 1}, servers={}, layout={}, noise=["// x\n"], host=HOSTS["vscode"], sandbox=False)
def test_everything_else_in_any_file_stays(
    value: dict[str, Any],
    servers: dict[str, Any] | None,
    layout: dict[str, Any],
    noise: list[str],
    host: Host,
    sandbox: bool,
) -> None:
    if servers is not None:
        value = {**value, host.servers: servers}
    before = _with_comments(json.dumps(value, **layout), noise)
    entry = host.entry(COMMAND, sandbox=sandbox)
    try:
        after = with_server(before, host, "texml", entry)
    except CannotEdit:
        blocking = value.get(host.servers, {})
        assert not isinstance(blocking, dict) or "texml" in blocking or "inputs" in value
        return
    document = read(after)
    assert document.root.value[host.servers]["texml"] == entry
    assert _others(document.root.value, host, "texml") == _others(value, host, "texml")
    if not noise:
        json.loads(after)  # what was strict JSON still is
    comments = [before[start:end] for start, end in read(before).comments]
    assert [after[start:end] for start, end in document.comments] == comments
    assert with_server(after, host, "texml", entry) == after
    removed = read(without_server(after, host, "texml"))
    assert _others(removed.root.value, host, "texml") == _others(value, host, "texml")
    assert [removed.text[start:end] for start, end in removed.comments] == comments
    assert "texml" not in removed.root.value[host.servers]


@given(st.text(alphabet='{}[],:"\\/*\n\r\t 019-+.eEtrufalsn\ufeffé', max_size=40))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    try:
        found = read(text)
    except BrokenJSON as error:
        line = error.line
    else:
        if found.strict:
            assert json.loads(text.removeprefix("\ufeff")) == found.root.value
        return
    assert 1 <= line <= text.count("\n") + 1
    with pytest.raises(ValueError):
        json.loads(text.removeprefix("\ufeff"))
