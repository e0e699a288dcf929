"""`texml-mcp tokens`: who may connect over HTTP. A token is shown once, alone on stdout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from texml_mcp.cli import completing
from texml_mcp.cli.output import print_json
from texml_mcp.identity.entries import Entry, TokensError, accounts_of, role_of
from texml_mcp.identity.principals import Principal

OK, FAILED, USAGE = 0, 1, 2
FILE_NAME = "tokens.toml"

_DURATION = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=3660)

tokens = typer.Typer(help="Who may connect over HTTP, by bearer token.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Option("--file", help="Default: TEXML_MCP_TOKENS_FILE, or tokens.toml in the state directory."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For another program.")]
Expires = Annotated[str | None, typer.Option("--expires", help="When it ends, such as 90d, 12h or 30m.")]


@tokens.command("add")
def tokens_add(
    name: Annotated[str, typer.Argument(help="The person or program, as the audit trail says it.")],
    role: Annotated[
        str,
        typer.Option("--role", help="viewer, operator, approver or admin.", autocompletion=completing.roles),
    ] = "operator",
    account: Annotated[
        list[str] | None, typer.Option("--account", help="An account it may use; default: every one.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            help="A shipped policy or a file, which can only narrow.",
            autocompletion=completing.policies,
        ),
    ] = None,
    expires: Expires = None,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for somebody new; it is shown this once."""
    raise typer.Exit(add(_path(file), name, role, account or [], policy, expires, as_json=as_json))


@tokens.command("rotate")
def tokens_rotate(
    name: str,
    expires: Expires = None,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the older tokens still work; 0m ends them now.")
    ] = "1d",
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Make a new token with the same rights, and let the older ones of the name end."""
    raise typer.Exit(rotate(_path(file), name, expires, overlap, as_json=as_json))


@tokens.command("list")
def tokens_list(as_json: AsJson = False, file: File = None) -> None:
    """Whose tokens there are. Never the tokens: those are not kept."""
    raise typer.Exit(listed(_path(file), as_json=as_json))


@tokens.command("revoke")
def tokens_revoke(
    which: Annotated[str, typer.Argument(metavar="ID_OR_NAME", help="One token, or all of a name.")],
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """End tokens. A running server refuses them from its next request on."""
    raise typer.Exit(revoke(_path(file), which, as_json=as_json))


def add(
    path: Path,
    name: str,
    role: str,
    accounts: Sequence[str],
    policy: str | None,
    expires: str | None,
    *,
    as_json: bool = False,
) -> int:
    """Add a principal, print its token."""
    from texml_mcp.gate.policy import PolicyError
    from texml_mcp.identity import editing

    try:
        principal = Principal(name, role_of(role), accounts_of(accounts), _policy(policy))
        lifetime = _duration(expires, "--expires") if expires is not None else None
    except (TokensError, PolicyError) as error:
        return _said(error, USAGE)
    try:
        issued = editing.add(path, principal, lifetime=lifetime)
    except TokensError as error:
        return _said(error, FAILED)
    return _shown(issued, path, as_json=as_json)


def rotate(path: Path, name: str, expires: str | None, overlap: str, *, as_json: bool = False) -> int:
    """Give a principal a new token, print it."""
    from texml_mcp.identity import editing

    try:
        lifetime = _duration(expires, "--expires") if expires is not None else None
        rest = _duration(overlap, "--overlap", least=timedelta(0))
    except TokensError as error:
        return _said(error, USAGE)
    try:
        issued = editing.rotate(path, name, lifetime=lifetime, overlap=rest)
    except TokensError as error:
        return _said(error, FAILED)
    return _shown(issued, path, as_json=as_json)


def listed(path: Path, *, as_json: bool) -> int:
    """Print the entries, one line each."""
    from texml_mcp.identity import editing

    try:
        entries = editing.listed(path)
    except TokensError as error:
        return _said(error, FAILED)
    if as_json:
        print_json([_fields(entry) for entry in entries])
        return OK
    for entry in entries:
        principal = entry.principal
        accounts = ", ".join(principal.accounts) or "every account"
        policy = f"  policy {principal.policy}" if principal.policy else ""
        typer.echo(f"{entry.id}  {principal.name}  {principal.role}  {accounts}{policy}  {_end(entry)}")
    if not entries:
        typer.echo("No tokens.")
    return OK


def revoke(path: Path, which: str, *, as_json: bool = False) -> int:
    """End tokens, say which."""
    from texml_mcp.identity import editing

    try:
        ended = editing.revoke(path, which)
    except TokensError as error:
        return _said(error, FAILED)
    if as_json:
        print_json([_fields(entry) for entry in ended])
        return OK
    for entry in ended:
        typer.echo(f"{entry.id} of {entry.principal.name} is revoked.")
    return OK


def _path(given: Path | None) -> Path:
    from texml_mcp.cli.gate_commands import directory
    from texml_mcp.settings import SettingsError, load

    if given is not None:
        return given
    try:
        return load().tokens_file or directory(None) / FILE_NAME
    except SettingsError as error:
        raise typer.Exit(_said(error, USAGE)) from None


def _policy(name: str | None) -> str | None:
    """A policy that can be used now, under a name that means the same wherever the server is started."""
    from texml_mcp.gate.policy import SHIPPED, load_named
    from texml_mcp.gate.policy.errors import unknown

    if name is None or name in SHIPPED:
        return name
    if not Path(name).exists():
        raise TokensError(f"{unknown('policy', name, SHIPPED)} Or the path of a policy file.")
    load_named(name)
    return str(Path(name).absolute())


def _duration(text: str, option: str, *, least: timedelta = timedelta(minutes=1)) -> timedelta:
    found = _DURATION.fullmatch(text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if length is None or not least <= length <= _LONGEST:
        raise TokensError(f"{option} is a number of minutes, hours, days or weeks, such as 30m, 12h or 90d")
    return length


def _shown(issued: Any, path: Path, *, as_json: bool) -> int:
    entry: Entry = issued.entry
    if as_json:
        print_json({"token": issued.token, **_fields(entry)})
        return OK
    typer.echo(issued.token)
    principal = entry.principal
    typer.echo(
        f"Token {entry.id} of {principal.name} ({principal.role}), {_end(entry)}. "
        f"It is not shown again: {path} keeps only its hash.",
        err=True,
    )
    return OK


def _end(entry: Entry) -> str:
    if entry.expires is None:
        return "never expires"
    word = "expired" if entry.expired(datetime.now(UTC)) else "expires"
    return f"{word} {entry.expires:%Y-%m-%d %H:%M} UTC"


def _fields(entry: Entry) -> dict[str, Any]:
    principal = entry.principal
    return {
        "id": entry.id,
        "name": principal.name,
        "role": principal.role,
        "accounts": list(principal.accounts),
        "policy": principal.policy,
        "created": entry.created.isoformat(),
        "expires": entry.expires.isoformat() if entry.expires else None,
        "expired": entry.expired(datetime.now(UTC)),
    }


def _said(error: Exception, code: int) -> int:
    typer.echo(f"texml-mcp: {error}", err=True)
    return code
