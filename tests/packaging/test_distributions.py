"""The wheel and the source distribution: nothing is left out, and what was installed starts."""

from __future__ import annotations

import base64
import os
import re
import select
import signal
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from tests.http.service import connected
from tests.packaging.conftest import ROOT, Distributions, run

pytestmark = pytest.mark.long

PACKAGE = ROOT / "texml_mcp"


def sources(folder: Path) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_package(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    committed = {f"texml_mcp/{name}" for name in sources(ROOT / "tool_schemas")}
    assert inside == sources(PACKAGE) | committed
    assert {".py", ".json", ".toml", ".html", ".css", ".js"} <= {Path(name).suffix for name in inside}


def test_the_source_distribution_holds_what_the_commands_of_a_checkout_need(
    distributions: Distributions,
) -> None:
    with tarfile.open(distributions.sdist) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert sources(PACKAGE) | sources(ROOT / "tool_schemas") <= inside
    assert {"Makefile", "constraints.txt", "Dockerfile", "compose.yaml", "server.json", "LICENSE"} <= inside
    assert "packaging/build_mcpb.py" in inside


def test_both_say_the_version_and_the_extras(distributions: Distributions) -> None:
    from texml_mcp import __version__

    with zipfile.ZipFile(distributions.wheel) as wheel:
        (name,) = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
        metadata = wheel.read(name).decode()
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nProvides-Extra: redis\n" in metadata
    assert __version__ in distributions.sdist.name


@pytest.mark.anyio
async def test_the_installed_command_serves_on_stdio(installed: Path) -> None:
    server = StdioServerParameters(command=str(installed / "texml-mcp"), args=["serve", "--sandbox"])
    async with Client(server) as client:
        assert len((await client.list_tools()).tools) == 39
        told = await client.call_tool("list_applications", {})
        assert not told.is_error


@pytest.mark.anyio
async def test_the_installed_command_serves_over_http(installed: Path) -> None:
    process = subprocess.Popen(
        [str(installed / "texml-mcp"), "serve", "--http", "--port", "0", "--sandbox"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        async with connected(_address(process)) as client:
            assert len((await client.list_tools()).tools) == 39
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_store_that_needs_an_extra_says_which(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(installed / "texml-mcp"), "serve", "--http", "--port", "0", "--store", "redis://127.0.0.1:1/0"],
        env={
            **os.environ,
            "TELNYX_API_KEY": "KEY0000_made_up",
            "TEXML_MCP_SEAL_KEYS": base64.b64encode(bytes(range(32))).decode(),
            "TEXML_MCP_STATE_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "texml-mcp[redis]" in done.stderr


def test_the_other_commands_find_their_data_files(installed: Path) -> None:
    assert "create_call" in run(installed / "texml-mcp", "tools")
    assert run(installed / "texml-mcp", "policy", "show")
    assert run(installed / "texml-mcp", "call", "create_call", "--help")


def _address(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    said, until = b"", time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        if select.select([process.stderr], [], [], 0.2)[0]:
            said += os.read(process.stderr.fileno(), 65536)
        if found := re.search(rb"serving on (http://\S+)/mcp", said):
            return found[1].decode()
    raise AssertionError(said.decode())
