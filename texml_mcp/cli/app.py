"""The commands a person types."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from typer.models import CommandInfo, TyperInfo

from texml_mcp import __version__
from texml_mcp.cli import completing, eval_commands, export_commands, gate_commands, setup_commands
from texml_mcp.cli.sandbox_commands import sandbox
from texml_mcp.cli.tokens import tokens

app = typer.Typer(
    name="texml-mcp",
    help="Phone calls for AI through the Telnyx TeXML API, with a gate in front.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
schemas = typer.Typer(help="The committed tool definitions.", no_args_is_help=True)
app.add_typer(schemas, name="schemas")
app.add_typer(sandbox, name="sandbox")
app.add_typer(tokens, name="tokens")
export_commands.add_to(schemas)
gate_commands.add_to(app)
setup_commands.add_to(app)
eval_commands.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Phone calls for AI through the Telnyx TeXML API, with a gate in front."""
    if context.invoked_subcommand is None:
        from texml_mcp.cli.front import lines

        for line in lines():
            typer.echo(line)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
)
def serve(context: typer.Context) -> None:
    """Serve the tools over stdio, or over HTTP with --http (serve --help lists every option)."""
    from texml_mcp.cli.serve import run

    raise typer.Exit(run(context.args))


@app.command()
def demo(
    pause: Annotated[float, typer.Option(help="Seconds to rest between steps.")] = 0.0,
) -> None:
    """Work a small story on the sandbox through a real server and a real client."""
    from texml_mcp.cli.demo import run

    raise typer.Exit(run(pause=pause))


@app.command()
def tools(
    tool: Annotated[
        str | None, typer.Argument(help="Only this one, with its arguments.", autocompletion=completing.tools)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The definitions as tools/list answers them.")
    ] = False,
    tokens: Annotated[bool, typer.Option("--tokens", help="What each definition costs a model.")] = False,
) -> None:
    """List the tools, or the arguments of one."""
    from texml_mcp.cli import tools as listing

    if tool is not None:
        raise typer.Exit(listing.show_one(tool, as_json=as_json, tokens=tokens))
    listing.show(as_json=as_json, tokens=tokens)


@app.command()
def call(
    tool: Annotated[
        str,
        typer.Argument(help="A tool, as `texml-mcp tools` lists them.", autocompletion=completing.tools),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="K=V",
            help="Its arguments, as `texml-mcp tools TOOL` lists them; values may be JSON.",
            autocompletion=completing.arguments,
        ),
    ] = None,
    on_sandbox: Annotated[bool, typer.Option("--sandbox", help="Call the built-in sandbox.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Approve what asks for approval.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The structured result.")] = False,
) -> None:
    """Call one tool."""
    from texml_mcp.cli.call import run

    raise typer.Exit(run(tool, arguments or [], on_sandbox=on_sandbox, yes=yes, as_json=as_json))


@schemas.command("write")
def schemas_write() -> None:
    """Write tool_schemas/, the README's tables and the made parts of docs/ anew from the code."""
    from texml_mcp.cli import generated
    from texml_mcp.cli.schemas import write

    for path in [*write(), *generated.write()]:
        typer.echo(path)


@schemas.command("check")
def schemas_check() -> None:
    """Compare all of that with what the code makes of it, and with tools/list; exit 1 on any difference."""
    from texml_mcp.cli.schemas import check

    problems = check()
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo("tool_schemas/ is what tools/list answers, and the made parts of the pages are current.")


_PANELS = {
    "To begin": ("demo", "call", "tools", "install", "doctor"),
    "To serve": ("serve", "tokens", "sandbox"),
    "To keep it in hand": ("policy", "approvals", "journal", "audit", "panic"),
    "To build on it": ("schemas", "lint", "eval"),
}


def _arrange() -> None:
    """Commands in the order in which somebody comes to need them, under a heading each."""
    places = {name: (heading, at) for heading, names in _PANELS.items() for at, name in enumerate(names)}
    headings = list(_PANELS)
    for each in (*app.registered_commands, *app.registered_groups):
        each.rich_help_panel = places[_called(each)][0]
    for held in (app.registered_commands, app.registered_groups):
        held.sort(key=lambda each: (headings.index(places[_called(each)][0]), places[_called(each)][1]))


def _called(each: CommandInfo | TyperInfo) -> str:
    return each.name or getattr(each.callback, "__name__", "")


_arrange()


def _describe_flags() -> None:
    """Where a shell asks how a line of `serve` or `doctor` may go on, let it see their flags."""
    from texml_mcp.cli.completing_settings import asked_for, described

    for each in app.registered_commands:
        name = _called(each)
        if name in ("serve", "doctor") and asked_for(name):
            each.name = name
            each.callback = described(*(["--json", "--strict"] if name == "doctor" else []))


if "_TEXML_MCP_COMPLETE" in os.environ:
    _describe_flags()
