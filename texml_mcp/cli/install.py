"""`texml-mcp install`: put the server into a host's configuration, print it, or take it out again."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from texml_mcp.cli.mistakes import typed, unknown_word
from texml_mcp.cli.output import wrong_use
from texml_mcp.hosts.configure import with_server, without_server
from texml_mcp.hosts.edit import CannotEdit
from texml_mcp.hosts.files import HostFileError, keep_private, load, save
from texml_mcp.hosts.jsonc import BrokenJSON
from texml_mcp.hosts.known import (
    ACCOUNT,
    HOSTS,
    KEY,
    Host,
    Machine,
    NowhereError,
    Scope,
    own_command,
)
from texml_mcp.placeholders import ACCOUNT_PLACEHOLDER, KEY_PLACEHOLDER
from texml_mcp.settings import SettingsError, check

OK, REFUSED = 0, 1
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


class UsageError(Exception):
    """The command line asks for something that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for. `serve` are more flags of `texml-mcp serve`."""

    name: str = "texml"
    scope: Scope = "user"
    sandbox: bool = False
    key_from_env: bool = False
    command: str | None = None
    file: Path | None = None
    serve: list[str] = field(default_factory=list[str])


def run(host_id: str, wanted: Wanted, *, show: bool, take_out: bool) -> int:
    """Do it: 0 when the configuration is as asked, 1 when a file stands in the way, 2 for a usage error."""
    try:
        machine = Machine.this()
        host = _host(host_id, wanted, show=show)
        entry = _entry(host, wanted, machine)
        if show:
            from texml_mcp.tools.files import canonical

            typer.echo(canonical(host.block(wanted.name, entry)), nl=False)
            return OK
        if host.writes_itself and wanted.scope == "user" and wanted.file is None:
            typer.echo(f"{host.title} keeps its user configuration itself; nothing was written. Run:")
            typer.echo(_own_words(entry, wanted, machine, take_out=take_out))
            return OK
        path = wanted.file or host.file(wanted.scope, machine)
        if path is None:
            raise UsageError(f"{host.title} has no configuration of a {wanted.scope}")
    except (UsageError, NowhereError) as error:
        return wrong_use(str(error))
    try:
        return _take_out(host, path, wanted) if take_out else _put_in(host, path, entry, wanted)
    except BrokenJSON as error:
        why = f"{path} is not valid JSON, {error}. Mend it first; --print shows what to put in by hand."
    except CannotEdit as error:
        why = f"{path}: {error}."
    except HostFileError as error:
        why = f"{error}."
    except RecursionError:
        why = f"{path} nests too deeply."
    typer.echo(f"texml-mcp: {why} Nothing was written.", err=True)
    return REFUSED


def _host(host_id: str, wanted: Wanted, *, show: bool) -> Host:
    host = HOSTS.get(host_id)
    if host is None:
        told = unknown_word("host", host_id, HOSTS, typed(), lists="texml-mcp install --help")
        raise UsageError(told.removeprefix("texml-mcp: "))
    if not _NAME.fullmatch(wanted.name):
        raise UsageError("--name takes up to 40 letters, digits, _ and -")
    if wanted.key_from_env:
        if show:
            raise UsageError("--key-from-env would print the key: leave out --print")
        if wanted.sandbox:
            raise UsageError("--key-from-env is for the live API: the sandbox needs no key")
        if wanted.scope == "project":
            raise UsageError("--key-from-env is for the user's own file: others read a project's")
        if host.writes_itself:
            raise UsageError(f"--key-from-env is not for {host.title}: it reads {KEY} by itself")
        if not os.environ.get(KEY, "").strip():
            raise UsageError(f"--key-from-env: the environment variable {KEY} is not set")
    return host


def _entry(host: Host, wanted: Wanted, machine: Machine) -> dict[str, Any]:
    if wanted.serve:
        from texml_mcp.cli.serve import parser

        given = parser().parse_args(wanted.serve)  # ends the program with status 2 and the reason
        try:
            check(**vars(given))
        except SettingsError as error:
            raise UsageError(str(error)) from None
    return host.entry(
        [wanted.command] if wanted.command else own_command(),
        wanted.serve,
        sandbox=wanted.sandbox,
        account=machine.environ.get(ACCOUNT) or None,
        key=os.environ[KEY].strip() if wanted.key_from_env else None,
    )


def _put_in(host: Host, path: Path, entry: dict[str, Any], wanted: Wanted) -> int:
    before = load(path)
    after = with_server(before or "", host, wanted.name, entry, new_key=wanted.key_from_env)
    if after == before:
        if wanted.key_from_env:
            keep_private(path)
        typer.echo(f"{path} has the server {wanted.name} already; nothing was written.")
    else:
        backup = save(path, after, before, private=wanted.key_from_env)
        typer.echo(f"The server {wanted.name} is in {path}.")
        if backup is not None:
            typer.echo(f"The file as it was: {backup}")
    for line in _next(host, after, wanted):
        typer.echo(line)
    return OK


def _take_out(host: Host, path: Path, wanted: Wanted) -> int:
    before = load(path)
    after = without_server(before, host, wanted.name) if before and before.strip("\ufeff \t\r\n") else before
    if before is None or after is None or after == before:
        typer.echo(f"{path} has no server {wanted.name}; nothing was written.")
        return OK
    backup = save(path, after, before)
    typer.echo(f"The server {wanted.name} is out of {path}.\nThe file as it was: {backup}")
    return OK


def _next(host: Host, text: str, wanted: Wanted) -> list[str]:
    """What is left to do."""
    lines: list[str] = []
    if wanted.key_from_env:
        lines.append("The key is in the file now, and only you can read the file.")
    elif not wanted.sandbox and f'"{KEY_PLACEHOLDER}"' in text:
        lines.append(
            f"Put your API key in place of {KEY_PLACEHOLDER}, or run this again with --key-from-env to copy "
            f"{KEY} from the environment into the file."
        )
    elif not wanted.sandbox and host.asks_for:
        lines.append(f"{host.title} asks for the key when it first starts the server, and keeps it.")
    elif not wanted.sandbox and host.key != KEY_PLACEHOLDER:
        lines.append(f"{host.title} reads {KEY} and {ACCOUNT} from the environment that it is started in.")
    if not wanted.sandbox and f'"{ACCOUNT_PLACEHOLDER}"' in text:
        lines.append(f'Put your account SID in place of "{ACCOUNT_PLACEHOLDER}": texml-mcp doctor tells it.')
    if wanted.scope == "project" and wanted.command is None:
        lines.append(
            "The command is a path of this machine; --command texml-mcp suits a file that others share."
        )
    lines.append(f"Start {host.title} again. texml-mcp doctor checks the rest.")
    return lines


def _own_words(entry: dict[str, Any], wanted: Wanted, machine: Machine, *, take_out: bool) -> str:
    """The command line of a host that has one. The shell puts the key in: it is not printed."""
    if take_out:
        return f"  claude mcp remove {wanted.name} --scope user"
    windows = machine.system == "win32"
    command = [entry["command"], *entry["args"]]
    quoted = subprocess.list2cmdline(command) if windows else shlex.join(command)
    given = ""
    if not wanted.sandbox:
        refer = "%{0}%" if windows else '"${0}"'
        given = "".join(f" --env {name}={refer.format(name)}" for name in (KEY, ACCOUNT))
    return f"  claude mcp add {wanted.name} --scope user{given} -- {quoted}"
