"""The image and the compose file: read by linters, then every command in them run as an engine would."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import yaml

from tests.http.service import connected
from tests.packaging.container import Image, missing
from tests.packaging.dockerfile import context, read

ROOT = Path(__file__).resolve().parents[2]
BUILD, FINAL = read(ROOT / "Dockerfile")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVER, REDIS = COMPOSE["services"]["server"], COMPOSE["services"]["redis"]
HOST = "calls.example.com"
HARDENED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}


def test_the_dockerfile_passes_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run(
        [str(hadolint), str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_only_sources_reach_the_builder() -> None:
    names = context(ROOT)
    assert {"texml_mcp", "tool_schemas", "pyproject.toml", "constraints.txt"} <= set(names)
    for name in names:
        assert "*" in name or (ROOT / name).exists(), name
    assert not {"secrets", "config", ".git", "tests", "."} & set(names)


def test_the_image_names_no_secret_and_no_root() -> None:
    assert FINAL.one("USER").text == "10001:10001"
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", FINAL.base)
    assert FINAL.base == BUILD.base
    written = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"TELNYX_API_KEY|SEAL_KEYS|password|ARG ", written)


def test_a_signal_reaches_the_server() -> None:
    """Lists of words: a shell between would keep SIGTERM to itself."""
    assert FINAL.one("ENTRYPOINT").listed == ["texml-mcp"]
    assert FINAL.one("CMD").listed[0] == "serve"
    assert FINAL.one("HEALTHCHECK").text.split(" CMD ")[1].startswith("[")


def test_the_compose_file_is_one_by_the_specification() -> None:
    compose_spec = pytest.importorskip("compose_spec")
    compose_spec.PyCompose.from_yaml((ROOT / "compose.yaml").read_text()).validate()


@pytest.mark.parametrize("service", [SERVER, REDIS], ids=["server", "redis"])
def test_services_are_hardened_and_find_what_they_name(service: dict[str, Any]) -> None:
    assert {name: service[name] for name in HARDENED} == HARDENED
    assert all(name in COMPOSE["secrets"] for name in service["secrets"])
    named = [each.partition(":")[0] for each in service["volumes"]]
    assert all(name.startswith("./") or name in COMPOSE["volumes"] for name in named)
    assert ":" in service["image"] or "build" in service
    for name, value in service.get("environment", {}).items():
        assert "KEY" not in name, f"{name} would show in every inspection of the container: {value}"


def test_the_stop_gives_calls_the_time_that_the_server_takes() -> None:
    from texml_mcp.server.http.serving import DRAIN_SECONDS

    assert int(SERVER["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_there_is_a_port_for_each_replica_and_only_on_this_machine() -> None:
    (port,) = SERVER["ports"]
    first, _, last = port["published"].partition("-")
    assert int(last) - int(first) + 1 == SERVER["deploy"]["replicas"]
    assert port["host_ip"] == "127.0.0.1"
    assert str(port["target"]) == FINAL.one("EXPOSE").text


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    if reason := missing():
        pytest.skip(reason)
    return Image(ROOT, tmp_path_factory.mktemp("image"))


class Stack:
    """What `docker compose up` starts, as processes on loopback."""

    def __init__(self, image: Image, directory: Path, token: str) -> None:
        self.image, self.directory, self.token = image, directory, token
        self.processes: list[subprocess.Popen[bytes]] = []
        self.redis_port = _free_port()

    def up(self, replicas: int) -> list[str]:
        """Redis, then the replicas; the addresses of the replicas."""
        redis_command = [*REDIS["command"], "--bind", "127.0.0.1", "--port", str(self.redis_port)]
        self._start("redis", redis_command, {}, REDIS, user=REDIS["user"])
        check = REDIS["healthcheck"]["test"]
        assert check[0] == "CMD-SHELL"
        words = check[1].replace("$$", "$").replace("redis-cli ", f"redis-cli -p {self.redis_port} ")
        self.until_healthy("redis", ["sh", "-c", words], {}, REDIS, user=REDIS["user"])
        return [self.replica() for _ in range(replicas)]

    def replica(self, *flags: str) -> str:
        port = _free_port()
        environment = {**_filled(SERVER["environment"]), "TEXML_MCP_PORT": str(port)}
        self._start(
            f"server{port}",
            [*FINAL.one("ENTRYPOINT").listed, *SERVER["command"], *flags],
            environment,
            SERVER,
        )
        self.until_healthy(f"server{port}", self.health_command(), environment, SERVER)
        return f"http://127.0.0.1:{port}"

    @staticmethod
    def health_command() -> list[str]:
        return list(json.loads(FINAL.one("HEALTHCHECK").text.split(" CMD ")[1]))

    def until_healthy(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        service: dict[str, Any],
        user: str | None = None,
    ) -> None:
        until = time.monotonic() + 30
        while self.run(command, environment, service, user=user) != 0:
            log = (self.directory / f"{name}.log").read_text(errors="replace")
            assert self.processes[-1].poll() is None, log
            assert time.monotonic() < until, f"{name} did not become healthy\n{log}"

    def run(
        self,
        command: list[str],
        environment: dict[str, str],
        service: dict[str, Any],
        user: str | None = None,
    ) -> int:
        """A command beside the service, as `docker exec` runs it; its exit status."""
        with (self.directory / "run.log").open("wb") as log:
            process = self.image.start(command, environment, self._mounts(service), log, user)
            return process.wait(20)

    def _start(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        service: dict[str, Any],
        user: str | None = None,
    ) -> None:
        with (self.directory / f"{name}.log").open("wb") as log:
            self.processes.append(self.image.start(command, environment, self._mounts(service), log, user))

    def _mounts(self, service: dict[str, Any]) -> dict[str, Path]:
        mounts = {f"/run/secrets/{name}": self.directory / "secrets" / name for name in service["secrets"]}
        for volume in service["volumes"]:
            host, inside = volume.split(":")[:2]
            folder = self.directory / host.removeprefix("./")
            if not folder.exists():
                folder.mkdir()
                uid, gid = (service.get("user") or FINAL.one("USER").text).split(":")
                os.chown(folder, int(uid), int(gid))
            mounts[inside] = folder
        return mounts

    def down(self) -> None:
        for each in self.processes:
            each.kill()
            each.wait(10)


def _filled(environment: dict[str, str]) -> dict[str, str]:
    """The environment with the variables of the person who starts it."""
    given = {
        "TEXML_MCP_PUBLIC_URL": f"https://{HOST}",
        "TEXML_MCP_ALLOWED_HOSTS": HOST,
    }

    def value(match: re.Match[str]) -> str:
        name, absent, word = match.groups()
        assert name in given or absent == "-", f"{name} must be given"
        return given.get(name, word)

    return {name: re.sub(r"\$\{(\w+):([-?])([^}]*)\}", value, text) for name, text in environment.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    made = Stack(image, tmp_path, told.stdout.strip())
    store = tmp_path / "secrets" / "TEXML_MCP_STORE"
    store.write_text(store.read_text().replace("@redis:6379", f"@127.0.0.1:{made.redis_port}"))
    yield made
    made.down()


def test_the_compose_file_and_its_instructions_name_the_same_secrets(stack: Stack) -> None:
    declared = {name: stack.directory / each["file"] for name, each in COMPOSE["secrets"].items()}
    assert sorted(declared.values()) == sorted((stack.directory / "secrets").iterdir())
    assert (stack.directory / "secrets").stat().st_mode & 0o777 == 0o700


def test_everything_in_the_image_has_a_version_that_was_tested(image: Image) -> None:
    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    tested = {normal(name): version for name, _, version in (line.partition("==") for line in lines)}
    (site,) = image.layer.glob("opt/texml-mcp/lib/python3.*/site-packages")
    found = [each.name.removesuffix(".dist-info").split("-") for each in site.glob("*.dist-info")]
    present = {normal(name): version for name, version in found}
    del present["texml-mcp"]
    assert {"redis", "prometheus-client"} <= set(present)
    assert present == {name: tested.get(name) for name in present}


def test_the_code_is_compiled_in_a_way_that_no_layer_undoes(image: Image) -> None:
    (package,) = image.layer.glob("opt/texml-mcp/lib/python3.*/site-packages/texml_mcp")
    sources = list(package.rglob("*.py"))
    assert sources
    for source in sources:
        (compiled,) = source.parent.glob(f"__pycache__/{source.stem}.*.pyc")
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, f"{source.name} would be compared with its file's time"


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
