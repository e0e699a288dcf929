"""The `sandbox` commands: serve the telephone network, look into its worlds, let their time pass."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from texml_mcp.cli import sandbox_levers
from texml_mcp.cli.sandbox import (
    DEFAULT_URL,
    WORLD,
    AsJson,
    Name,
    Url,
    asked,
    line,
    moment,
    print_json,
    tell,
    value,
    world_path,
)

sandbox = typer.Typer(help="The built-in telephone network.", no_args_is_help=True)


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
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Post callbacks, signed, to addresses on this machine.")
    ] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Get TeXML from addresses on this machine.")] = False,
) -> None:
    """Serve the sandbox over HTTP on loopback, for an SDK or another server."""
    from texml_mcp.cli.sandbox import run

    code = run(
        port=port, speed=speed, control=control, fixture=fixture, clock=clock, deliver=deliver, fetch=fetch
    )
    raise typer.Exit(code)


@sandbox.command("worlds")
def worlds(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """The worlds there are, their clocks and hashes."""
    found = asked(url, "GET", "/worlds")
    if as_json:
        print_json(found)
        return
    for each in found["worlds"]:
        typer.echo(line(each))


@sandbox.command("state")
def state(url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """What a world holds: a count by kind and status, or everything with --json."""
    found = asked(url, "GET", world_path(world, "state"))
    if as_json:
        print_json(found)
        return
    typer.echo(f"account {found['account_sid']}, {moment(found['now'])}")
    for kind, records in found.items():
        if isinstance(records, dict) and records and kind != "hears":
            typer.echo(f"{kind}: {_counted(cast('dict[str, Any]', records))}")


@sandbox.command("advance", context_settings={"ignore_unknown_options": True})
def advance(
    seconds: Annotated[float, typer.Argument(help="Seconds of sandbox time, 0 or more.")],
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """Let time pass in a world, and everything that falls due happen."""
    if not (math.isfinite(seconds) and seconds >= 0):
        typer.echo("texml-mcp: time only goes forward: SECONDS must be 0 or more", err=True)
        raise typer.Exit(2)
    tell(asked(url, "POST", world_path(world, "advance"), {"seconds": seconds}), as_json)


@sandbox.command("hash")
def hash_(url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """The hash of a world's state: equal worlds have equal ones."""
    found = asked(url, "GET", world_path(world, "hash"))
    print_json(found) if as_json else typer.echo(found["hash"])


@sandbox.command("snapshot")
def snapshot(url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """Keep a world as it is now; prints the id that `sandbox restore` takes."""
    found = asked(url, "POST", world_path(world, "snapshot"))
    print_json(found) if as_json else typer.echo(found["snapshot"])


@sandbox.command("restore")
def restore(snapshot: str, url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """Make a world what it was at a snapshot."""
    tell(asked(url, "POST", world_path(world, "restore"), {"snapshot": snapshot}), as_json)


@sandbox.command("fork")
def fork(
    other: Annotated[str, typer.Argument(metavar="NAME", help="The copy's name: its API key.")],
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """Copy a world under another name."""
    tell(asked(url, "POST", world_path(world, "fork"), {"as": other}), as_json)


@sandbox.command("diff")
def diff(
    other: Annotated[str, typer.Argument(metavar="NAME", help="The world to compare with.")],
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """What differs in another world; exit 0 with or without differences."""
    found = asked(url, "GET", world_path(world, "diff"), query={"with": other})
    if as_json:
        print_json(found)
        return
    for each in found["differences"]:
        typer.echo(f"{each['path']}: {value(each['here'])} -> {value(each['there'])}")


def _counted(records: dict[str, Any]) -> str:
    """`48 (busy 7, completed 40, ringing 1)`, or the number alone where records have no status."""
    by_status = Counter(str(each["status"]) for each in records.values() if "status" in each)
    parts = ", ".join(f"{status} {number}" for status, number in sorted(by_status.items()))
    return f"{len(records)} ({parts})" if parts else str(len(records))


for _command in sandbox_levers.COMMANDS:
    sandbox.command(_command.__name__)(_command)
