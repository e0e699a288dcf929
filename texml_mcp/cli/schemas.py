"""`texml-mcp schemas`: the committed definitions, against what the catalogue makes of them now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texml_mcp.cli import committed, generated
from texml_mcp.evals import schema as tasks
from texml_mcp.exports.formats import FORMATS
from texml_mcp.sandbox.openapi import openapi
from texml_mcp.tools.files import INDEX, canonical
from texml_mcp.tools.offer import ALL_TOOLS
from texml_mcp.tools.schema import definitions_by_set, model_text, token_estimate, tool_definitions

_HERE = Path(__file__).resolve().parent.parent.parent / "tool_schemas"


def expected() -> dict[str, str]:
    """Every file of tool_schemas/ by name, with its canonical text; opt-in toolsets have a folder each."""
    files = {tasks.FILE: canonical(tasks.task_schema())}
    for toolset, tools in definitions_by_set().items():
        folder = f"{toolset}/" if toolset else ""
        files |= {f"{folder}{name}": text for name, text in _of_set(tools).items()}
    return files


def _of_set(tools: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The definitions with their index, the API's document of them, and each provider's format."""
    files = {f"{tool['name']}.json": canonical(tool) for tool in tools}
    entries = [
        {
            "name": tool["name"],
            "file": f"{tool['name']}.json",
            "tokens": token_estimate(model_text(tool)),
        }
        for tool in tools
    ]
    files[INDEX] = canonical({"tools": entries})
    files["openapi.json"] = canonical(openapi([tool["name"] for tool in tools]))
    return files | {f"exports/{name}.json": canonical(made.convert(tools)) for name, made in FORMATS.items()}


def write(where: Path = _HERE) -> list[str]:
    """Write every file, remove what no tool owns; the names that changed."""
    return committed.write(where, expected(), present(where))


def present(where: Path) -> list[str]:
    """The JSON files there are, by their path from there."""
    return sorted(path.relative_to(where).as_posix() for path in where.rglob("*.json"))


def check(where: Path = _HERE) -> list[str]:
    """What is missing, stale, left over or against a provider's rules, and what a real server lists.

    The README's tables and the pages of docs/ that are made from the code too.
    """
    problems = committed.problems(where, expected(), present(where))
    for name, made in FORMATS.items():
        problems += [f"{name}: {found}" for found in made.problems(made.convert(tool_definitions()))]
    problems += generated.check()
    if not problems:
        problems += _compare_with_a_server()
    return problems


def _compare_with_a_server() -> list[str]:
    """Ask a real server process through the official client, and compare tool by tool."""
    import anyio

    from texml_mcp.cli.client import sandbox_server

    async def ask() -> list[str]:
        async with sandbox_server("--tools", ",".join(ALL_TOOLS)) as client:
            listed = (await client.list_tools()).tools
        ours = [json.loads(json.dumps(tool)) for tool in tool_definitions()]
        theirs = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
        return [] if theirs == ours else ["tools/list of a real server differs from tool_schemas/"]

    return anyio.run(ask)
