"""`server.json`, the server's entry in the MCP registry: `python packaging/server_json.py write|check`.

A publisher proves the name: with a namespace of his own, and with the same name in the README of the package.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from facts import PROJECT, ROOT, SUMMARY, TITLE, VERSION, choices, default, form, is_secret, meaning, variable

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
FILE, README = ROOT / "server.json", ROOT / "README.md"

REQUIRED = ("api_key",)
EVERYWHERE = ("account_sid", "read_only", "toolsets", "policy", "confirm", "state_dir", "log_level")
OVER_HTTP = ("tokens_file", "accounts_file", "public_url", "allowed_hosts", "store", "seal_keys", "stateless")


def server() -> dict[str, Any]:
    """The whole entry."""
    word = {"type": "positional", "value": "serve"}
    http = {"type": "positional", "value": "--http"}
    port = {
        "type": "named",
        "name": "--port",
        "description": meaning("port"),
        "format": form("port"),
        "default": default("port"),
    }
    return {
        "$schema": SCHEMA,
        "name": published_name(),
        "title": TITLE,
        "description": SUMMARY,
        "version": VERSION,
        "packages": [
            _package({"type": "stdio"}, [word], EVERYWHERE),
            _package(
                {"type": "streamable-http", "url": "http://127.0.0.1:{--port}/mcp"},
                [word, http, port],
                EVERYWHERE + OVER_HTTP,
            ),
        ],
    }


def published_name() -> str:
    """The name that the README proves. Raises `SystemExit` when it proves none."""
    found = re.search(r"mcp-name: (\S+)", README.read_text("utf-8"))
    if found is None:
        raise SystemExit("README.md has no line with mcp-name: NAME")
    return found[1]


def _package(
    transport: dict[str, str], arguments: list[dict[str, Any]], settings: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "registryType": "pypi",
        "identifier": PROJECT["name"],
        "version": VERSION,
        "runtimeHint": "uvx",
        "transport": transport,
        "packageArguments": arguments,
        "environmentVariables": [_variable(setting) for setting in REQUIRED + settings],
    }


def _variable(setting: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": variable(setting), "description": meaning(setting)}
    if setting in REQUIRED:
        made["isRequired"] = True
    if is_secret(setting):
        made["isSecret"] = True
    if (kind := form(setting)) != "string":
        made["format"] = kind
    if (usual := default(setting)) is not None:
        made["default"] = usual
    if among := choices(setting):
        made["choices"] = among
    return made


def main(arguments: list[str]) -> int:
    """Write the file, or say whether it is current; the exit status."""
    text = json.dumps(server(), indent=2, ensure_ascii=False) + "\n"
    if arguments == ["write"]:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if arguments != ["check"]:
        sys.stderr.write("usage: server_json.py write|check\n")
        return 2
    if not FILE.is_file() or FILE.read_text("utf-8") != text:
        sys.stderr.write("server.json is not current: make schemas writes it.\n")
        return 1
    sys.stdout.write("server.json is current.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
