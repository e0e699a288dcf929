"""The compose file's services as processes on loopback, each in a container of ours."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from tests.packaging.container import Image
from tests.packaging.dockerfile import read

ROOT = Path(__file__).resolve().parents[2]
_, FINAL = read(ROOT / "Dockerfile")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVER, REDIS = COMPOSE["services"]["server"], COMPOSE["services"]["redis"]
HOST = "calls.example.com"


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
        environment = {**filled(SERVER["environment"]), "TEXML_MCP_PORT": str(port)}
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

    def said(self) -> str:
        """What the last command printed."""
        return (self.directory / "run.log").read_text(errors="replace")

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


def filled(environment: dict[str, str]) -> dict[str, str]:
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
