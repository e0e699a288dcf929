"""`texml-mcp tools`: what a model is offered, and what it pays for it."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from texml_mcp.tools.files import definitions
from texml_mcp.tools.schema import model_text, token_estimate


def show(*, as_json: bool, tokens: bool) -> None:
    """Print the tools: as JSON, as a bill, or as a table."""
    if as_json:
        from texml_mcp.cli.app import print_json

        print_json({"tools": list(definitions().values())})
        return
    if tokens:
        _bill()
        return
    table = Table("tool", "what it does", box=None)
    for name, tool in definitions().items():
        table.add_row(name, tool.get("description") or tool["title"])
    Console().print(table)


def _bill() -> None:
    total_bytes = total_tokens = 0
    for name, tool in definitions().items():
        text = model_text(tool)
        size, cost = len(text.encode()), token_estimate(text)
        total_bytes, total_tokens = total_bytes + size, total_tokens + cost
        typer.echo(f"{name:<34}{size:>7} bytes{cost:>7} tokens")
    typer.echo(
        f"{f'{len(definitions())} tools':<34}{total_bytes:>7} bytes{total_tokens:>7} tokens (bytes / 4)"
    )
