"""The registry's entry: current, complete by the registry's rules, and true when it is followed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from texml_mcp import __version__
from texml_mcp.cli.options import table
from texml_mcp.cli.serve import parser

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging" / "server_json.py"
SERVER: dict[str, Any] = json.loads((ROOT / "server.json").read_text())
PACKAGES: list[dict[str, Any]] = SERVER["packages"]
WIRES = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["transport"]["type"])

# What the registry's schema of 2025-12-11 asks of the fields that this entry uses.
TEXT = {"type": "string", "minLength": 1}
INPUT = {
    "description": TEXT,
    "isRequired": {"type": "boolean"},
    "isSecret": {"type": "boolean"},
    "format": {"enum": ["string", "number", "boolean", "filepath"]},
    "default": {"type": "string"},
    "value": {"type": "string"},
    "choices": {"type": "array", "items": TEXT, "minItems": 1},
}


def only(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


SCHEMA = only(
    {
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {"type": "string", "pattern": r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "maxLength": 200},
        "title": {**TEXT, "maxLength": 100},
        "description": {**TEXT, "maxLength": 100},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "packages": {
            "type": "array",
            "minItems": 1,
            "items": only(
                {
                    "registryType": {"enum": ["pypi"]},
                    "identifier": TEXT,
                    "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
                    "runtimeHint": {"const": "uvx"},
                    "transport": {
                        "anyOf": [
                            only({"type": {"const": "stdio"}}, "type"),
                            only(
                                {
                                    "type": {"const": "streamable-http"},
                                    "url": {"type": "string", "pattern": r"^https?://[^\s]+$"},
                                },
                                *("type", "url"),
                            ),
                        ]
                    },
                    "packageArguments": {
                        "type": "array",
                        "items": {
                            "anyOf": [
                                only({"type": {"const": "positional"}, **INPUT}, "type", "value"),
                                only({"type": {"const": "named"}, "name": TEXT, **INPUT}, "type", "name"),
                            ]
                        },
                    },
                    "environmentVariables": {"type": "array", "items": only({"name": TEXT, **INPUT}, "name")},
                },
                *("registryType", "identifier", "transport"),
            ),
        },
    },
    *("$schema", "name", "description", "version", "packages"),
)


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_it_is_what_the_settings_and_the_version_make_of_it() -> None:
    done = check("check")
    assert done.returncode == 0, done.stderr
    assert check("chekc").returncode == 2


def test_it_fits_the_registry() -> None:
    import jsonschema

    jsonschema.Draft202012Validator(SCHEMA).validate(SERVER)


def test_it_leaves_the_place_of_packages_to_the_registry() -> None:
    """Which index a package comes from is the host's affair; an address here would go stale."""
    addresses = set(re.findall(r"https?://[^/\"]+", json.dumps(SERVER)))
    assert addresses == {"https://static.modelcontextprotocol.io", "http://127.0.0.1:{--port}"}


def test_the_readme_proves_the_name() -> None:
    assert f"mcp-name: {SERVER['name']} " in (ROOT / "README.md").read_text()
    assert SERVER["version"] == __version__
    assert {package["version"] for package in PACKAGES} == {__version__}


@WIRES
def test_every_variable_is_one_that_the_server_reads(package: dict[str, Any]) -> None:
    known = {variable: meaning for _, variable, _, meaning in table()}
    named = package["environmentVariables"]
    assert len({each["name"] for each in named}) == len(named)
    for each in named:
        assert each["description"] == known[each["name"]]
    secret = {each["name"] for each in named if each.get("isSecret")}
    mighty = {"TELNYX_API_KEY", "TEXML_MCP_SEAL_KEYS", "TEXML_MCP_STORE"}
    assert secret == mighty & {each["name"] for each in named}
    assert [each["name"] for each in named if each.get("isRequired")] == ["TELNYX_API_KEY"]


@WIRES
def test_the_arguments_are_ones_that_the_command_takes(package: dict[str, Any]) -> None:
    words = words_of(package)
    assert words[0] == "serve"
    given = vars(parser().parse_args(words[1:]))
    assert bool(given["http"]) == (package["transport"]["type"] == "streamable-http")


@pytest.mark.anyio
async def test_a_host_that_follows_it_gets_a_server(tmp_path: Path) -> None:
    """On stdio, with the values that a person would give; nothing is called."""
    (package,) = [each for each in PACKAGES if each["transport"]["type"] == "stdio"]
    given = {"TELNYX_API_KEY": "KEY0000_made_up", "TEXML_MCP_STATE_DIR": str(tmp_path)}
    usual = {each["name"]: each["default"] for each in package["environmentVariables"] if "default" in each}
    server = StdioServerParameters(
        command=str(Path(sys.executable).with_name(package["identifier"])),
        args=words_of(package),
        env={**usual, **given},
    )
    async with Client(server) as client:
        assert len((await client.list_tools()).tools) == 39


def words_of(package: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for each in package["packageArguments"]:
        words += [each["value"]] if each["type"] == "positional" else [each["name"], each["default"]]
    return words
