"""`texml-mcp tools`: what a model is offered, and what it pays for it."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table

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


def _costs() -> list[dict[str, Any]]:
    """Name, bytes and tokens of each definition."""
    texts = {tool["name"]: model_text(tool) for tool in _offered()}
    return [
        {"name": name, "bytes": len(text.encode()), "tokens": token_estimate(text)}
        for name, text in texts.items()
    ]


def _bill() -> None:
    costs = _costs()
    for each in costs:
        typer.echo(f"{each['name']:<34}{each['bytes']:>7} bytes{each['tokens']:>7} tokens")
    size, tokens = (sum(each[unit] for each in costs) for unit in ("bytes", "tokens"))
    typer.echo(f"{f'{len(costs)} tools':<34}{size:>7} bytes{tokens:>7} tokens (bytes / 4)")
