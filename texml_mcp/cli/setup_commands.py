"""The commands around an installation: is it right, and into which host does it go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from texml_mcp.cli import completing


def doctor(context: typer.Context) -> None:
    """Check key, account, limits, clock, policy, store and hosts (doctor --help lists every option)."""
    from texml_mcp.cli.doctor import run

    raise typer.Exit(run(context.args))


def install(
    host: Annotated[
        str,
        typer.Argument(
            help="claude-desktop, claude-code, cursor or vscode.", autocompletion=completing.hosts
        ),
    ],
    serve: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- FLAG", help="More flags of texml-mcp serve, after --."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--print", help="Print the configuration, and write nothing.")
    ] = False,
    take_out: Annotated[bool, typer.Option("--remove", "--uninstall", help="Take the server out.")] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Serve the built-in telephone network.")] = False,
    name: Annotated[str, typer.Option(help="What the host calls the server.")] = "texml",
    scope: Annotated[
        Literal["user", "project"], typer.Option(help="For all of your work, or in this directory.")
    ] = "user",
    key_from_env: Annotated[
        bool, typer.Option("--key-from-env", help="Copy TELNYX_API_KEY into the file, for its owner alone.")
    ] = False,
    command: Annotated[
        str | None, typer.Option(help="What the host runs; default: the whole path of this installation.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Another file than the host's usual one.")] = None,
) -> None:
    """Put the server into a host's configuration, keeping what is there."""
    from texml_mcp.cli.install import Wanted, run

    wanted = Wanted(name, scope, sandbox, key_from_env, command, file, serve or [])
    raise typer.Exit(run(host, wanted, show=show, take_out=take_out))


def add_to(app: typer.Typer) -> None:
    """Put these commands into the command line."""
    app.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
    )(doctor)
    app.command()(install)
