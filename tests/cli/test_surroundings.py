"""What a command finds around it that is not as it should be: full disks, closed streams, no home."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lengths import few
from texml_mcp.settings import SettingsError, load

COMMAND = [sys.executable, "-m", "texml_mcp"]
FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the streams of a POSIX shell")


def shell(script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A line of shell, in which `texml-mcp` is the command."""
    named = f'texml_mcp() {{ {" ".join(COMMAND)} "$@"; }}\n'
    return subprocess.run(
        ["bash", "-c", named + script.replace("texml-mcp", "texml_mcp")],
        env=os.environ | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "command",
    few(
        [
            "policy show",
            "tools --json",
            "tools list_calls",
            "--version",
            "schemas export --format mcp",
            "install vscode --print",
        ],
        2,
    ),
)
def test_what_a_full_disk_does_not_take_is_told_in_one_line(command: str) -> None:
    done = shell(f"texml-mcp {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("texml-mcp: not everything could be printed: No space left on device")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["policy show", "--version", "tools --json"])
def test_a_reader_that_has_seen_enough_hears_no_more(command: str) -> None:
    done = shell(f"{{ texml-mcp {command}; echo $? >&2; }} | true")
    assert done.stderr in ("0\n", "1\n"), "one that was slow enough to be read to the end is no failure"


def test_a_closed_stream_is_an_empty_one() -> None:
    silent = shell("texml-mcp tools --json >&-")
    assert (silent.returncode, silent.stderr) == (0, "")
    nothing = shell("texml-mcp lint - <&-")
    assert (nothing.returncode, nothing.stderr) == (1, "")
    assert "the document is empty" in nothing.stdout


def test_a_value_that_is_nested_without_end_is_refused_in_a_line() -> None:
    done = shell("texml-mcp call create_call --sandbox \"Texml=$(printf '[%.0s' $(seq 20000))\"")
    assert (done.returncode, done.stderr) == (2, "texml-mcp: the value of Texml is nested too deeply\n")


def homeless(command: str) -> subprocess.CompletedProcess[str]:
    """A command of a user whom the system has no home for, as in a container with a number for a user."""
    return shell(
        "unset HOME XDG_STATE_HOME XDG_CONFIG_HOME\n"
        f"{sys.executable} -c 'import pwd, sys\n"
        "def unknown(_): raise KeyError\n"
        "pwd.getpwuid = unknown\n"
        "from texml_mcp.cli import main\n"
        f"main()' {command.removeprefix('texml-mcp ')}",
        TELNYX_API_KEY="KEY_made_up",
    )


@pytest.mark.parametrize(
    "command", few(["serve", "approvals list", "tokens list", "doctor --log-level error"], 1)
)
def test_a_user_without_a_home_is_told_what_to_name(command: str) -> None:
    done = homeless(f"texml-mcp {command}")
    assert "Traceback" not in done.stderr
    assert "This user has no home directory to keep records in. Name a directory" in done.stdout + done.stderr


def test_hosts_are_not_looked_for_where_there_is_no_home() -> None:
    done = homeless("texml-mcp doctor --sandbox")
    assert done.returncode == 0
    assert "The files of hosts were not looked for: this user has no home directory: set HOME" in done.stdout
    done = homeless("texml-mcp install vscode")
    assert (done.returncode, done.stderr) == (2, "texml-mcp: this user has no home directory: set HOME\n")


def test_a_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    leave = f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; "
    told = "the current directory cannot be used: No such file or directory"
    done = shell(f"{leave} texml-mcp install vscode --scope project")
    assert (done.returncode, done.stderr) == (2, f"texml-mcp: {told}\n")
    done = shell(f"{leave} texml-mcp doctor --sandbox")
    assert (done.returncode, done.stderr) == (0, "")
    assert told in done.stdout


def test_a_secret_that_cannot_be_read_is_named_and_nothing_of_it_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "TELNYX_API_KEY"
    secret.write_bytes(b"KEY\xff")
    done = shell(f"texml-mcp serve --secrets-dir {tmp_path}")
    told = f"texml-mcp: A file in the directory of secrets {tmp_path} is not UTF-8 text.\n"
    assert (done.returncode, done.stderr) == (2, told)

    def refused(path: Path, *_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    # Whoever runs the tests may read every file.
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(SettingsError, match=f"The secret {secret} cannot be read: Permission denied"):
        load(secrets_dir=tmp_path)


@pytest.mark.parametrize(
    ("into", "said"),
    [
        pytest.param(
            "> /dev/full",
            "what stdout leads to takes nothing",
            marks=pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full"),
        ),
        ("| true", ""),
    ],
)
def test_a_server_whose_answers_nobody_takes_ends_without_a_traceback(
    tmp_path: Path, into: str, said: str
) -> None:
    asked = tmp_path / "asked.jsonl"
    asked.write_text("".join(f'{{"jsonrpc":"2.0","id":{at},"method":"ping"}}\n' for at in range(200)))
    done = shell(f"texml-mcp serve --sandbox < {asked} {into}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "called", "examined"),
    few(
        [
            (
                "ALL_PROXY",
                "socks5://127.0.0.1:1",
                "names a proxy that cannot be used",
                "names a proxy that cannot",
            ),
            ("HTTPS_PROXY", "http://[::1", "names a proxy that cannot be used", "names a proxy that cannot"),
            (
                "HTTPS_PROXY",
                "nonsense://127.0.0.1",
                "names a proxy that cannot be used",
                "names a proxy that cannot",
            ),
            ("SSL_CERT_FILE", "/nowhere.pem", "checks SSL_CERT_FILE", "Check SSL_CERT_FILE"),
        ],
        1,
    ),
)
def test_an_environment_that_keeps_requests_from_leaving_is_named(
    variable: str, value: str, called: str, examined: str
) -> None:
    # The host is a reserved name: were the proxy passed over, nobody would be reached.
    around = {
        variable: value,
        "TELNYX_API_KEY": "KEY_made_up",
        "TEXML_MCP_BASE_URL": "https://api.invalid/v2",
    }
    done = shell("texml-mcp call list_calls account_sid=a --json", **around)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert called in told["summary"]
    assert told["outcome"] == "not_sent"
    done = shell("texml-mcp doctor", **around)
    assert done.stderr == ""
    assert examined in done.stdout


def test_a_store_whose_address_is_none_stops_the_start_in_a_line() -> None:
    done = shell("texml-mcp serve --sandbox", TEXML_MCP_STORE="redis://[", TEXML_MCP_SEAL_KEYS="A" * 43 + "=")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "texml-mcp: TEXML_MCP_STORE must be a redis://, rediss:// or unix:// address"
    )


@pytest.mark.parametrize(
    ("place", "why"), [("file", "is not a directory"), ("file/below", "cannot be made: ")]
)
def test_a_server_does_not_start_where_it_could_keep_no_record(place: str, why: str, tmp_path: Path) -> None:
    """It would refuse every write, one by one, and say only then that nothing can be written down."""
    (tmp_path / "file").touch()
    done = shell(f"texml-mcp serve --sandbox --state-dir {tmp_path / place}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"texml-mcp: The state directory {tmp_path / place} {why}")
    assert done.stderr.count("\n") == 1
