"""`texml-mcp schemas export`: the tools as a provider takes them, in disguise when asked."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from texml_mcp.cli import completing
from texml_mcp.cli.output import wrong_use

FormatName = Literal["mcp", "openai", "openai-strict", "anthropic", "gemini", "bfcl", "openapi"]


class Scrambled(StrEnum):
    """What can be put in disguise."""

    NAMES = "names"
    DESCRIPTIONS = "descriptions"
    ARGUMENTS = "arguments"


def export(
    format_: Annotated[FormatName, typer.Option("--format", help="Whose format.")],
    toolset: Annotated[
        list[str] | None,
        typer.Option(
            help="Only the tools of this toolset; more than once for more.",
            autocompletion=completing.toolsets,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    scramble: Annotated[
        list[Scrambled] | None, typer.Option(help="Disguise these; more than once for more.")
    ] = None,
    distractors: Annotated[int, typer.Option(help="Tools to put among them that exist nowhere.")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed is another disguise.")] = 0,
    map_: Annotated[
        Path | None, typer.Option("--map", help="File for the way back; a disguise needs it.")
    ] = None,
) -> None:
    """Write the tools in a provider's format, checked against its rules."""
    from texml_mcp.exports.formats import RefusedExportError
    from texml_mcp.exports.perturb import Perturbation
    from texml_mcp.tools.files import canonical
    from texml_mcp.tools.offer import UnknownNameError

    wanted = set(scramble or ())
    try:
        how = Perturbation(
            seed, "names" in wanted, "descriptions" in wanted, "arguments" in wanted, distractors
        )
        _fits_together(format_, out, map_, disguised=bool(wanted or distractors))
        made, disguise = _made(format_, toolset or [], how)
        if map_ is not None:
            _write(map_, canonical(disguise))
        if out is not None:
            _write(out, canonical(made))
    except (ValueError, UnknownNameError, RefusedExportError) as problem:
        raise typer.Exit(wrong_use(str(problem))) from None
    if out is None:
        typer.echo(canonical(made), nl=False)


def _write(path: Path, text: str) -> None:
    """Raises `ValueError` where that is not possible."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None


def _fits_together(format_: str, out: Path | None, map_: Path | None, *, disguised: bool) -> None:
    """Raises `ValueError` for options that contradict each other, before anything is written."""
    if disguised and format_ == "openapi":
        raise ValueError("openapi describes the API itself: a disguise would describe another. Leave it out.")
    if disguised and map_ is None:
        raise ValueError("A disguise without its map cannot be undone: give --map FILE.")
    if map_ is not None and not disguised:
        raise ValueError("Nothing is disguised, so there is no map: give --scramble or --distractors.")
    if map_ is not None and out is not None and map_.resolve() == out.resolve():
        raise ValueError("--map and --out are one file: give two.")


def _made(format_: str, toolsets: list[str], how: Any) -> tuple[Any, dict[str, Any]]:
    """The export and the map of its disguise. Raises what the options deserve."""
    from texml_mcp.exports.formats import export as exported
    from texml_mcp.exports.perturb import perturb
    from texml_mcp.tools.files import offered_definitions
    from texml_mcp.tools.offer import offered

    names = offered(toolsets=toolsets)
    if format_ == "openapi":
        from texml_mcp.sandbox.openapi import openapi

        return openapi(names), {}
    tools, disguise = perturb(offered_definitions(names), how)
    return exported(format_, tools), disguise


def add_to(schemas: typer.Typer) -> None:
    """Put the command beside `schemas write` and `schemas check`."""
    schemas.command("export")(export)
