"""The image and the compose file: read by linters, then every command in them run as an engine would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.packaging.container import Image
from tests.packaging.dockerfile import context, read
from tests.packaging.stack import COMPOSE, REDIS, SERVER

ROOT = Path(__file__).resolve().parents[2]
BUILD, FINAL = read(ROOT / "Dockerfile")
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


def test_what_compose_mounts_stays_out_of_the_repository() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/secrets/", "/config/"} <= set(ignored)


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


@pytest.mark.long
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


@pytest.mark.long
def test_the_code_is_compiled_in_a_way_that_no_layer_undoes(image: Image) -> None:
    (package,) = image.layer.glob("opt/texml-mcp/lib/python3.*/site-packages/texml_mcp")
    sources = list(package.rglob("*.py"))
    assert sources
    for source in sources:
        (compiled,) = source.parent.glob(f"__pycache__/{source.stem}.*.pyc")
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, f"{source.name} would be compared with its file's time"


@pytest.mark.long
@pytest.mark.anyio
async def test_the_image_also_serves_on_stdio(image: Image, tmp_path: Path) -> None:
    os.chown(tmp_path, 10001, 10001)
    command = [*FINAL.one("ENTRYPOINT").listed, "serve"]
    environment = {"TELNYX_API_KEY": "KEY0000_made_up"}
    first, *rest = image.words(command, environment, {"/var/lib/texml-mcp": tmp_path})
    async with Client(StdioServerParameters(command=first, args=rest)) as client:
        assert len((await client.list_tools()).tools) == 39
