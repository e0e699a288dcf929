"""`texml-mcp tools`: what a model is offered, and what it pays for it."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from texml_mcp.cli.mistakes import typed, unknown_word
from texml_mcp.cli.output import print_json
from texml_mcp.tools.files import definitions
from texml_mcp.tools.offer import offered
from texml_mcp.tools.schema import model_text, token_estimate


def show(*, as_json: bool, tokens: bool) -> None:
    """Print the tools: as JSON, as a bill, or as a table."""
    if as_json:
        print_json({"tools": _costs() if tokens else _offered()})
        return
    if tokens:
        _bill()
        return
    table = Table("tool", "what it does", box=None)
    for tool in _offered():
        table.add_row(tool["name"], tool.get("description") or tool["title"])
    Console().print(table)


def _offered() -> list[dict[str, Any]]:
    """What a server offers that is told nothing else."""
    return [definitions()[name] for name in offered()]


def show_one(name: str, *, as_json: bool, tokens: bool) -> int:
    """Print one tool: what it does, then its arguments; 2 for a name that no tool has."""
    known = definitions()
    if name not in known:
        typer.echo(unknown_word("tool", name, known, typed(), lists="texml-mcp tools"), err=True)
        return 2
    tool = known[name]
    if as_json:
        print_json(_cost(tool) if tokens else tool)
        return 0
    if tokens:
        typer.echo("{bytes} bytes, {tokens} tokens (bytes / 4)".format(**_cost(tool)))
        return 0
    console = Console(highlight=False)
    console.print(tool.get("description") or tool["title"], markup=False)
    table = Table(Column("argument", no_wrap=True), "what it takes", box=None)
    needed: list[str] = tool["inputSchema"].get("required", [])
    properties: dict[str, dict[str, Any]] = tool["inputSchema"]["properties"]
    for argument in sorted(properties, key=lambda each: each not in needed):
        told = ["required"] if argument in needed else []
        table.add_row(argument, Text("; ".join([*told, *_takes(properties[argument])])))
    console.print(table)
    return 0


def _takes(schema: dict[str, Any]) -> list[str]:
    """What may stand for an argument, in the words of its schema."""
    told: list[str] = [str(schema["description"])] if schema.get("description") else []
    if choices := schema.get("enum"):
        told.append(" | ".join(str(each) for each in choices))
    elif not told or schema.get("type") not in (None, "string"):
        told.append(str(schema.get("type", "JSON")))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        told.append(f"{'' if low is None else low}..{'' if high is None else high}")
    if "default" in schema:
        told.append(f"default {json.dumps(schema['default']).strip(chr(34))}")
    return told


def _costs() -> list[dict[str, Any]]:
    return [_cost(tool) for tool in _offered()]


def _cost(tool: dict[str, Any]) -> dict[str, Any]:
    """Name, bytes and tokens of a definition."""
    text = model_text(tool)
    return {"name": tool["name"], "bytes": len(text.encode()), "tokens": token_estimate(text)}


def _bill() -> None:
    costs = _costs()
    for each in costs:
        typer.echo(f"{each['name']:<34}{each['bytes']:>7} bytes{each['tokens']:>7} tokens")
    size, tokens = (sum(each[unit] for each in costs) for unit in ("bytes", "tokens"))
    typer.echo(f"{f'{len(costs)} tools':<34}{size:>7} bytes{tokens:>7} tokens (bytes / 4)")
