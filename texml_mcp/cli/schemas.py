"""`texml-mcp schemas`: the committed definitions, against what the catalogue makes of them now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from texml_mcp.sandbox.openapi import openapi
from texml_mcp.tools.files import INDEX, canonical
from texml_mcp.tools.schema import model_text, token_estimate, tool_definitions

_HERE = Path(__file__).resolve().parent.parent.parent / "tool_schemas"


def expected() -> dict[str, str]:
    """Every file of tool_schemas/ by name, with its canonical text."""
    files: dict[str, str] = {}
    entries: list[dict[str, Any]] = []
    for tool in tool_definitions():
        file = f"{tool['name']}.json"
        files[file] = canonical(tool)
        entries.append({"name": tool["name"], "file": file, "tokens": token_estimate(model_text(tool))})
    files[INDEX] = canonical({"tools": entries})
    files["openapi.json"] = canonical(openapi())
    return files


def write(where: Path = _HERE) -> list[str]:
    """Write every file, remove what no tool owns; the names that changed."""
    where.mkdir(exist_ok=True)
    files = expected()
    changed: list[str] = []
    for old in sorted(where.glob("*.json")):
        if old.name not in files:
            old.unlink()
            changed.append(f"removed {old.name}")
    for name, text in files.items():
        path = where / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(f"wrote {name}")
    return changed


def check(where: Path = _HERE) -> list[str]:
    """What is missing, stale or left over; and whether a real server lists the very same tools."""
    files = expected()
    problems: list[str] = []
    for name, text in files.items():
        path = where / name
        if not path.is_file():
            problems.append(f"{name} is missing: run texml-mcp schemas write")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"{name} is stale: run texml-mcp schemas write")
    problems += [f"{path.name} belongs to no tool" for path in where.glob("*.json") if path.name not in files]
    if not problems:
        problems += _compare_with_a_server()
    return problems


def _compare_with_a_server() -> list[str]:
    """Ask a real server process through the official client, and compare tool by tool."""
    import anyio

    from texml_mcp.cli.client import sandbox_server

    async def ask() -> list[str]:
        async with sandbox_server() as client:
            listed = (await client.list_tools()).tools
        ours = [json.loads(json.dumps(tool)) for tool in tool_definitions()]
        theirs = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
        return [] if theirs == ours else ["tools/list of a real server differs from tool_schemas/"]

    return anyio.run(ask)
