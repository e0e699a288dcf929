"""The `sandbox` commands: serve the telephone network, look into its worlds, let their time pass."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from texml_mcp.cli.sandbox import DEFAULT_URL, WORLD, ControlError, ask, moment, world_path

sandbox = typer.Typer(help="The built-in telephone network.", no_args_is_help=True)

Url = Annotated[str, typer.Option("--url", help="Where `sandbox serve --control` runs.")]
Name = Annotated[str, typer.Option("--world", help="The API key whose world it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="For another program.")]


@sandbox.command("serve")
def serve(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 takes a free one.", min=0, max=65535)] = 8765,
    speed: Annotated[
        float, typer.Option(help="Seconds of sandbox time in one real second.", min=0, max=1e6)
    ] = 1.0,
    control: Annotated[
        bool, typer.Option("--control", help="Also serve the control plane under /_sandbox.")
    ] = False,
    fixture: Annotated[
        Path | None, typer.Option("--fixture", help="A file of JSON or YAML that every world begins with.")
    ] = None,
    clock: Annotated[
        Literal["real", "virtual"],
        typer.Option(help="real: time passes by itself; virtual: only `sandbox advance` moves it."),
    ] = "real",
) -> None:
    """Serve the sandbox over HTTP on loopback, for an SDK or another server."""
    from texml_mcp.cli.sandbox import run

    raise typer.Exit(run(port=port, speed=speed, control=control, fixture=fixture, clock=clock))


@sandbox.command("worlds")
def worlds(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """The worlds there are, their clocks and hashes."""
    found = _asked(url, "GET", "/worlds")
    if as_json:
        _print_json(found)
        return
    for each in found["worlds"]:
        typer.echo(_line(each))


@sandbox.command("state")
def state(url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """What a world holds: a count by kind and status, or everything with --json."""
    found = _asked(url, "GET", world_path(world, "state"))
    if as_json:
        _print_json(found)
        return
    typer.echo(f"account {found['account_sid']}, {moment(found['now'])}")
    for kind, records in found.items():
        if isinstance(records, dict) and records:
            typer.echo(f"{kind}: {_counted(cast('dict[str, Any]', records))}")


@sandbox.command("advance", context_settings={"ignore_unknown_options": True})
def advance(
    seconds: Annotated[float, typer.Argument(help="Seconds of sandbox time, 0 or more.")],
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
) -> None:
    """Let time pass in a world, and everything that falls due happen."""
    if not (math.isfinite(seconds) and seconds >= 0):
        typer.echo("texml-mcp: time only goes forward: SECONDS must be 0 or more", err=True)
        raise typer.Exit(2)
    typer.echo(_line(_asked(url, "POST", world_path(world, "advance"), {"seconds": seconds})))


@sandbox.command("hash")
def hash_(url: Url = DEFAULT_URL, world: Name = WORLD) -> None:
    """The hash of a world's state: equal worlds have equal ones."""
    typer.echo(_asked(url, "GET", world_path(world, "hash"))["hash"])


@sandbox.command("snapshot")
def snapshot(url: Url = DEFAULT_URL, world: Name = WORLD) -> None:
    """Keep a world as it is now; prints the id that `sandbox restore` takes."""
    typer.echo(_asked(url, "POST", world_path(world, "snapshot"))["snapshot"])


@sandbox.command("restore")
def restore(snapshot: str, url: Url = DEFAULT_URL, world: Name = WORLD) -> None:
    """Make a world what it was at a snapshot."""
    typer.echo(_line(_asked(url, "POST", world_path(world, "restore"), {"snapshot": snapshot})))


@sandbox.command("fork")
def fork(
    other: Annotated[str, typer.Argument(metavar="NAME", help="The copy's name: its API key.")],
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
) -> None:
    """Copy a world under another name."""
    typer.echo(_line(_asked(url, "POST", world_path(world, "fork"), {"as": other})))


@sandbox.command("diff")
def diff(
    other: Annotated[str, typer.Argument(metavar="NAME", help="The world to compare with.")],
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """What differs in another world; exit 0 with or without differences."""
    found = _asked(url, "GET", world_path(world, "diff"), query={"with": other})
    if as_json:
        _print_json(found)
        return
    for each in found["differences"]:
        typer.echo(f"{each['path']}: {_value(each['here'])} -> {_value(each['there'])}")


def _asked(
    url: str, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, str] | None = None
) -> dict[str, Any]:
    try:
        return ask(url, method, path, body, query)
    except ControlError as error:
        typer.echo(f"texml-mcp: {error}", err=True)
        raise typer.Exit(1) from None


def _line(world: dict[str, Any]) -> str:
    return f"{world['name']}  {moment(world['now'])}  {world['due']} due  {world['hash']}"


def _counted(records: dict[str, Any]) -> str:
    """`48 (busy 7, completed 40, ringing 1)`, or the number alone where records have no status."""
    by_status = Counter(str(each["status"]) for each in records.values() if "status" in each)
    parts = ", ".join(f"{status} {number}" for status, number in sorted(by_status.items()))
    return f"{len(records)} ({parts})" if parts else str(len(records))


def _value(value: Any) -> str:
    # As JSON in ASCII: what callers said must not reach the terminal as control characters.
    return json.dumps(value)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2))
