"""The bundle: the same bytes each time, valid for the format's own tool, and started as its manifest says."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.packaging.conftest import ROOT, run
from texml_mcp import __version__
from texml_mcp.tools.offer import offered

pytestmark = pytest.mark.long

SCRIPT = ROOT / "packaging" / "build_mcpb.py"
FORMAT_TOOL = "@anthropic-ai/mcpb@2.1.2"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("bundle")
    told = run(sys.executable, SCRIPT, where)
    (made,) = where.iterdir()
    assert told.startswith(f"{made}: ")
    return made


@pytest.fixture(scope="module")
def unpacked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("extension") / "a folder with spaces"
    with zipfile.ZipFile(bundle) as opened:
        opened.extractall(where)
    return where


@pytest.fixture(scope="module")
def manifest(unpacked: Path) -> dict[str, Any]:
    return json.loads((unpacked / "manifest.json").read_text())


def as_a_host(
    manifest: dict[str, Any], folder: Path, answers: Mapping[str, str | bool]
) -> StdioServerParameters:
    """The command, with the values that the format's rules put in for its placeholders."""
    asked: dict[str, dict[str, Any]] = manifest["user_config"]
    values = {name: question["default"] for name, question in asked.items() if "default" in question}
    values |= answers
    known = {"__dirname": str(folder)} | {
        f"user_config.{name}": str(value).lower() if isinstance(value, bool) else value
        for name, value in values.items()
    }

    def filled(text: str) -> str:
        return re.sub(r"\$\{([^}]+)\}", lambda match: known.get(match[1], match[0]), text)

    config = manifest["server"]["mcp_config"]
    beside = Path(sys.executable).with_name(config["command"])
    return StdioServerParameters(
        command=str(beside) if beside.exists() else config["command"],
        args=[filled(word) for word in config["args"]],
        env={
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("VIRTUAL", "PYTHON"))
            },
            **{name: filled(value) for name, value in config["env"].items()},
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
        },
    )


def needs_uv() -> None:
    if not Path(sys.executable).with_name("uv").exists() and not shutil.which("uv"):
        pytest.skip("uv is not installed")


def test_the_same_sources_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    run(sys.executable, SCRIPT, tmp_path)
    (again,) = tmp_path.iterdir()
    assert again.name == bundle.name == f"texml-mcp-{__version__}.mcpb"
    assert again.read_bytes() == bundle.read_bytes()
    assert len(bundle.read_bytes()) < 1_000_000


def test_it_holds_plain_files_and_every_file_of_the_package(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        entries = opened.infolist()
    names = {each.filename for each in entries}
    assert len(names) == len(entries)
    assert all(stat.S_IMODE(each.external_attr >> 16) == 0o644 for each in entries)
    assert not [name for name in names if name.startswith("/") or ".." in name or "__pycache__" in name]
    data = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "texml_mcp").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {f"src/{name}" for name in data} <= names
    assert "src/texml_mcp/tool_schemas/index.json" in names


def test_the_manifest_says_what_the_server_offers(manifest: dict[str, Any]) -> None:
    assert manifest["version"] == __version__
    assert [each["name"] for each in manifest["tools"]] == list(offered())
    assert all(each["description"] for each in manifest["tools"])
    asked = manifest["user_config"]
    assert [name for name, question in asked.items() if question.get("sensitive")] == ["api_key"]
    used = set(re.findall(r"\$\{user_config\.(\w+)\}", json.dumps(manifest["server"])))
    assert used == set(asked)
    assert "api_key" not in json.dumps(manifest["server"]["mcp_config"]["args"])


def test_the_tool_of_the_format_accepts_it(bundle: Path, tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    got = subprocess.run(
        [*install, FORMAT_TOOL], cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False
    )
    if got.returncode:
        pytest.skip(f"npm could not install {FORMAT_TOOL}: {got.stderr[-200:]}")
    tool = tmp_path / "node_modules" / ".bin" / "mcpb"
    run(tool, "unpack", bundle, tmp_path / "unpacked")
    assert "passes" in run(tool, "validate", tmp_path / "unpacked" / "manifest.json")


@pytest.mark.anyio
async def test_a_host_starts_it_on_the_sandbox(manifest: dict[str, Any], unpacked: Path) -> None:
    needs_uv()
    async with Client(as_a_host(manifest, unpacked, {"sandbox": True})) as client:
        tools = [each.name for each in (await client.list_tools()).tools]
        assert tools == [each["name"] for each in manifest["tools"]]
        assert len(tools) == 39
        told = await client.call_tool("list_applications", {})
        assert not told.is_error


@pytest.mark.anyio
async def test_a_host_starts_it_read_only(manifest: dict[str, Any], unpacked: Path) -> None:
    needs_uv()
    async with Client(as_a_host(manifest, unpacked, {"sandbox": True, "read_only": True})) as client:
        tools = {each.name for each in (await client.list_tools()).tools}
        assert "list_calls" in tools
        assert "create_call" not in tools


def test_without_a_key_it_says_what_is_missing(manifest: dict[str, Any], unpacked: Path) -> None:
    """And does not take a placeholder that nobody filled for a key."""
    needs_uv()
    server = as_a_host(manifest, unpacked, {})
    done = subprocess.run(
        [server.command, *server.args],
        env=server.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert "No API key." in done.stderr
    assert done.stdout == ""
