"""The command as a host starts it: a process, its pipes, its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from mcp.shared.exceptions import MCPError

from tests.e2e.conftest import YES, answering, story
from tests.lengths import few
from texml_mcp import __version__
from texml_mcp.cli.client import sandbox_server

COMMAND = [sys.executable, "-m", "texml_mcp"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


@pytest.mark.anyio
async def test_a_story_over_real_pipes(era: str) -> None:
    async with sandbox_server("--sandbox-speed", "20", mode=era, **answering(YES, YES)) as client:
        assert client.server_info.name == "texml-mcp"
        assert client.server_info.version == __version__
        assert "confirmation_required" in (client.instructions or "")
        apps = story(await client.call_tool("list_applications", {}))["items"]
        call = story(
            await client.call_tool(
                "create_call",
                {
                    "To": "+13125550142",
                    "From": "+13125550100",
                    "ApplicationSid": next(app["id"] for app in apps if app["active"]),
                    "Texml": "<Response><Pause length='180'/></Response>",
                },
            )
        )
        sid = call["data"]["sid"]
        answered = story(await client.call_tool("get_call", {"call_sid": sid, "wait_for": "in-progress"}))
        assert answered["data"]["status"] == "in-progress"
        hung_up = story(await client.call_tool("update_call", {"call_sid": sid, "Status": "completed"}))
        assert hung_up["data"]["status"] == "completed"
        with pytest.raises(MCPError):
            await client.call_tool("nothing", {})


def test_serve_without_a_key_names_both_ways_out() -> None:
    done = run("serve")
    assert done.returncode == 2
    assert "TELNYX_API_KEY" in done.stderr
    assert "--sandbox" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("flags", "says"),
    few(
        [
            (["--toolsets", "cals"], "Did you mean calls?"),
            (["--tools", "create_cal"], "Did you mean create_call?"),
            (["--exclude-tools", "nope"], "Unknown tool 'nope'"),
            (["--timeout-seconds", "soon"], "--timeout-seconds (TEXML_MCP_TIMEOUT_SECONDS) must be a number"),
            (["--confirm", "never"], "confirm"),
        ],
        1,
    ),
)
def test_a_wrong_setting_stops_the_start(flags: list[str], says: str) -> None:
    done = run("serve", "--sandbox", *flags)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_live_key_does_not_start_against_a_sandbox_and_never_shows() -> None:
    done = run("serve", TELNYX_API_KEY="KEY_secret_value", TEXML_MCP_BASE_URL="http://127.0.0.1:1/v2")
    assert done.returncode == 2
    assert "sandbox" in done.stderr
    assert "secret_value" not in done.stderr


def test_interrupt_ends_the_server() -> None:
    with subprocess.Popen(
        [*COMMAND, "serve", "--sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() is not None
        process.stdin.close()


def test_version_and_tools() -> None:
    assert run("--version").stdout.strip() == __version__
    bill = run("tools", "--tokens").stdout
    assert "39 tools" in bill
    assert "create_call" in bill


def test_one_call_from_the_shell() -> None:
    done = run("call", "get_queue", "--sandbox", "queue_sid=support")
    assert done.returncode == 0, done.stderr
    assert "3 of 10 waiting" in done.stdout


@pytest.mark.long
def test_a_risky_call_from_the_shell_needs_a_terminal_or_yes() -> None:
    recording = ("call", "create_queue", "--sandbox", "FriendlyName=q")
    assert run(*recording).returncode == 0
    placing = (
        "call",
        "create_call",
        "--sandbox",
        "To=+13125550142",
        "From=+13125550100",
        "ApplicationSid=1293384261075731499",
    )
    refused = run(*placing)
    assert refused.returncode == 1
    assert "NOT EXECUTED" in refused.stdout
    assert run(*placing, "--yes").returncode == 0


@pytest.mark.parametrize("wrong", few(["noequals", "=x", 'a={"b":'], 1))
def test_a_malformed_argument_on_the_command_line(wrong: str) -> None:
    done = run("call", "list_queues", "--sandbox", wrong)
    assert done.returncode == 2
    assert "texml-mcp:" in done.stderr


@pytest.mark.long
def test_the_demo_tells_its_story() -> None:
    done = run("demo")
    assert done.returncode == 0, done.stdout[-2000:]
    for part in ("Approval needed", "The user said no", "stale", "Emergency and crisis", "Hung up"):
        assert part in done.stdout


@pytest.mark.long
def test_the_committed_schemas_are_checked_against_a_real_server() -> None:
    done = run("schemas", "check")
    assert done.returncode == 0, done.stderr
