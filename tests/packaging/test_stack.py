"""The service as the compose file starts it: made ready as documented, in replicas, stopped cleanly."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.http.service import connected
from tests.packaging.container import Image
from tests.packaging.stack import COMPOSE, FINAL, HOST, ROOT, SERVER, Stack, filled

pytestmark = pytest.mark.long


@pytest.fixture
def stack(image: Image, tmp_path: Path) -> Iterator[Stack]:
    """Made ready with the very commands of docs/deploy.md; only Redis has another address here."""
    commands = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)[0]
    told = subprocess.run(
        ["sh", "-euc", commands],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TELNYX_API_KEY": "KEY0000_made_up",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    operators, _approvers = told.stdout.split()
    made = Stack(image, tmp_path, operators)
    store = tmp_path / "secrets" / "TEXML_MCP_STORE"
    store.write_text(store.read_text().replace("@redis:6379", f"@127.0.0.1:{made.redis_port}"))
    yield made
    made.down()


def test_the_compose_file_and_its_instructions_name_the_same_secrets(stack: Stack) -> None:
    declared = {name: stack.directory / each["file"] for name, each in COMPOSE["secrets"].items()}
    assert sorted(declared.values()) == sorted((stack.directory / "secrets").iterdir())
    assert (stack.directory / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_user_writes_into_its_volume_and_nowhere_else(stack: Stack) -> None:
    def write(where: str) -> int:
        return stack.run(["python", "-c", f"open('{where}/probe', 'w').close()"], {}, SERVER)

    state = FINAL.environment["TEXML_MCP_STATE_DIR"]
    assert [write(where) for where in (state, "/tmp")] == [0, 0]
    assert [write(where) for where in ("", "/opt/texml-mcp", "/etc/texml-mcp", "/var/lib")] == [1, 1, 1, 1]
    made = (stack.image.layer / state[1:]).stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (10001, 10001, 0o700)


@pytest.mark.anyio
async def test_the_stack_serves_two_replicas_on_a_read_only_system_and_stops_cleanly(stack: Stack) -> None:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    addresses = stack.up(SERVER["deploy"]["replicas"])
    for address in addresses:
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{address}/readyz")).json() == {"status": "ready"}
            assert (await http.get(f"{address}/mcp")).status_code == 421
            refused = await http.get(f"{address}/mcp", headers={"host": HOST})
            assert refused.status_code == 401
        async with connected(address, token=stack.token, headers={"host": HOST}) as client:
            assert len((await client.list_tools()).tools) == 39
            told = await client.call_tool("validate_texml", {"texml": "<Response><Hangup/></Response>"})
            assert not told.is_error

    redis, *servers = stack.processes
    for process in servers:
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.search(r"Uid:\s+10001\s+10001", status)
        assert re.search(r"CapBnd:\s+0+\n", status)
        assert re.search(r"NoNewPrivs:\s+1", status)
        process.send_signal(signal.SIGTERM)
    assert [process.wait(40) for process in servers] == [0, 0]
    redis.send_signal(signal.SIGTERM)
    assert redis.wait(20) == 0
    for address in addresses:
        port = address.rpartition(":")[2]
        environment = {"TEXML_MCP_PORT": port}
        assert stack.run(stack.health_command(), environment, SERVER) == 1


@pytest.mark.anyio
async def test_a_call_in_flight_is_finished_before_the_container_stops(stack: Stack) -> None:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    stack.up(0)
    address = stack.replica("--sandbox", "--policy", "sandbox")
    async with connected(address, token=stack.token, headers={"host": HOST}) as client:
        applications = (await client.call_tool("list_applications", {})).structured_content
        assert applications is not None
        placed = await client.call_tool(
            "create_call",
            {
                "To": "+13125550142",
                "From": "+13125550100",
                "ApplicationSid": next(each["id"] for each in applications["items"] if each["active"]),
                "Texml": "<Response><Pause length='3'/></Response>",
            },
        )
        story = placed.structured_content
        assert story is not None
        if story["status"] == "confirmation_required":
            (again,) = [each for each in story["next"] if each["tool"] == "create_call"]
            story = (await client.call_tool("create_call", again["arguments"])).structured_content
        assert story is not None
        assert story["status"] == "ok", story
        told: dict[str, Any] = {}

        async def wait() -> None:
            arguments = {"call_sid": story["data"]["sid"], "wait_for": "completed", "max_wait_seconds": 15}
            answer = await client.call_tool("get_call", arguments)
            told.update(answer.structured_content or {})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(0.5)
            assert not told
            stack.processes[-1].send_signal(signal.SIGTERM)
        assert told["status"] == "ok"
    assert stack.processes[-1].wait(40) == 0
    environment = filled(SERVER["environment"])
    trail = stack.directory / "state" / "audit.jsonl"
    assert '"tool":"create_call"' in trail.read_text().replace(": ", ":")
    assert stack.run(["texml-mcp", "audit", "verify"], environment, SERVER) == 0, stack.said()
