"""The `sandbox` commands that change what a world holds, and show what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from texml_mcp.cli.output import why_unread
from texml_mcp.cli.sandbox import (
    DEFAULT_URL,
    WORLD,
    AsJson,
    Name,
    Url,
    asked,
    moment,
    print_json,
    tell,
    value,
    world_path,
)

Since = Annotated[int, typer.Option("--since", min=0, help="Only those numbered above this.")]


def reset(url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """Take a world back to its fixture: clock, faults and callees included."""
    tell(asked(url, "POST", world_path(world, "reset")), as_json)


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The API key: sandbox-...")],
    fixture: Annotated[
        Path | None, typer.Option("--fixture", help="A file of JSON or YAML; otherwise the default world.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Make a world anew, under a new name or one that is there."""
    body: dict[str, Any] | None = None
    if fixture is not None:
        from texml_mcp.sandbox.fixture import FixtureError
        from texml_mcp.sandbox.fixture_file import load_fixture

        try:
            body = load_fixture(fixture)
        except FixtureError as error:
            typer.echo(f"texml-mcp: {error}", err=True)
            raise typer.Exit(1) from None
    tell(asked(url, "PUT", world_path(name), body), as_json)


def drop(
    name: Annotated[str, typer.Argument(metavar="NAME")], url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """Forget a world; the next request with its key begins anew."""
    found = asked(url, "DELETE", world_path(name))
    print_json(found) if as_json else typer.echo(f"dropped {found['dropped']}")


def faults(
    operation: Annotated[
        str | None, typer.Argument(help="Which operation fails, such as create_call; * is any.")
    ] = None,
    kind: Annotated[str | None, typer.Argument(help="How: status, timeout, lost_response, ...")] = None,
    first: Annotated[int | None, typer.Option(help="At which of its requests from now on.")] = None,
    times: Annotated[int | None, typer.Option(help="How many requests it strikes.")] = None,
    status: Annotated[int | None, typer.Option(help="The HTTP status of kind `status`.")] = None,
    code: Annotated[str | None, typer.Option(help="The error code of kind `status`.")] = None,
    seconds: Annotated[float | None, typer.Option(help="How slow, how stale, how long a timeout.")] = None,
    retry_after: Annotated[float | None, typer.Option(help="Seconds in retry-after.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Disarm every fault.")] = False,
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """List the armed faults; with OPERATION and KIND, arm one; with --clear, disarm all."""
    path = world_path(world, "faults")
    if clear:
        if operation is not None:
            _usage("--clear disarms every fault: leave OPERATION and KIND out")
        asked(url, "DELETE", path)
    elif operation is not None:
        if kind is None:
            _usage("KIND is missing: faults OPERATION KIND")
        given = {"operation": operation, "kind": kind, "first": first, "times": times, "status": status}
        given |= {"code": code, "seconds": seconds, "retry_after_seconds": retry_after}
        asked(url, "POST", path, _given(given))
    found = asked(url, "GET", path)
    if as_json:
        print_json(found)
        return
    for each in found["faults"]:
        struck = f"requests {each['first']} to {each['first'] + each['times'] - 1} since armed"
        typer.echo(f"{each['operation']}: {each['kind']}, {struck}")


def callees(
    match: Annotated[str | None, typer.Argument(help="A number or SIP URI; * stands for anything.")] = None,
    does: Annotated[str | None, typer.Option(help="answers, voicemail, busy, no-answer, ...")] = None,
    rings: Annotated[float | None, typer.Option(help="Seconds before anything happens.")] = None,
    hangs_up_after: Annotated[float | None, typer.Option(help="Seconds of talk.")] = None,
    says: Annotated[str | None, typer.Option(help="What they say, for recordings and Gather.")] = None,
    presses: Annotated[str | None, typer.Option(help="Digits; w waits half a second.")] = None,
    greeting: Annotated[float | None, typer.Option(help="Seconds of a voicemail's greeting.")] = None,
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """List the scripted callees; with MATCH, say what one does from now on."""
    path = world_path(world, "callees")
    given = {"does": does, "rings_seconds": rings, "hangs_up_after_seconds": hangs_up_after, "says": says}
    given = _given(given | {"presses": presses, "greeting_seconds": greeting})
    if match is not None:
        asked(url, "POST", path, {"match": match, **given})
    elif given:
        _usage("MATCH is missing: callees MATCH --does ...")
    found = asked(url, "GET", path)
    if as_json:
        print_json(found)
        return
    for each in found["callees"]:
        typer.echo(f"{value(each['match'])}: {each['does']} after {each['rings_seconds']:g} s")


def inbound(
    from_: Annotated[str, typer.Argument(metavar="FROM", help="Who calls.")],
    application: Annotated[str, typer.Argument(help="The id of the application that is called.")],
    to: Annotated[str | None, typer.Option(help="The number that is called.")] = None,
    says: Annotated[str | None, typer.Option(help="What the caller says.")] = None,
    presses: Annotated[str | None, typer.Option(help="Digits the caller presses.")] = None,
    hangs_up_after: Annotated[float | None, typer.Option(help="Seconds until the caller hangs up.")] = None,
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """Have somebody call an application; prints the call's SID."""
    given = {"to": to, "says": says, "presses": presses, "hangs_up_after_seconds": hangs_up_after}
    body = {"from": from_, "application": application, **_given(given)}
    found = asked(url, "POST", world_path(world, "inbound"), body)
    print_json(found) if as_json else typer.echo(found["call_sid"])


def events(since: Since = 0, url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """What has happened in a world, oldest first."""
    found = asked(url, "GET", world_path(world, "events"), query={"since": str(since)})
    if as_json:
        print_json(found)
        return
    for each in found["entries"]:
        known = ("number", "at", "event", "sid")
        more = {name: inner for name, inner in each.items() if name not in known}
        told = f" {value(more)}" if more else ""
        typer.echo(f"{each['number']}  {moment(each['at'])}  {each['event']}  {value(each['sid'])}{told}")


def outbox(since: Since = 0, url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """The callbacks of a world, oldest first, and what became of each where they are delivered."""
    found = asked(url, "GET", world_path(world, "outbox"), query={"since": str(since)})
    if as_json:
        print_json(found)
        return
    for each in found["entries"]:
        became = each.get("delivery", {}).get("status", "kept")
        typer.echo(
            f"{each['number']}  {moment(each['at'])}  {each['event']}  {each['method']} "
            f"{value(each['url'])}  {became}"
        )


def hears(url: Url = DEFAULT_URL, world: Name = WORLD, as_json: AsJson = False) -> None:
    """Which legs hear which: mute, hold, coaching and supervision counted in."""
    found = asked(url, "GET", world_path(world, "hears"))
    if as_json:
        print_json(found)
        return
    for listener, speakers in found["hears"].items():
        typer.echo(f"{listener} hears {', '.join(speakers)}")


def documents(
    address: Annotated[str | None, typer.Argument(metavar="URL", help="* is any other URL.")] = None,
    file: Annotated[Path | None, typer.Argument(help="The TeXML that is found there.")] = None,
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """List the scripted documents; with URL and FILE, put one there."""
    path = world_path(world, "documents")
    if address is not None:
        if file is None:
            _usage("FILE is missing: documents URL FILE")
        try:
            texml = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            typer.echo(f"texml-mcp: {file} cannot be read: {why_unread(error)}", err=True)
            raise typer.Exit(1) from None
        asked(url, "POST", path, {"url": address, "texml": texml})
    found = asked(url, "GET", path)
    if as_json:
        print_json(found)
        return
    for each, texml in found["documents"].items():
        typer.echo(f"{value(each)}: {len(texml)} characters")


def settings(
    pairs: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Such as lag_seconds=2.")
    ] = None,
    url: Url = DEFAULT_URL,
    world: Name = WORLD,
    as_json: AsJson = False,
) -> None:
    """Show how a world behaves: lag, time a write takes, rate limit; with NAME=VALUE, change it."""
    path = world_path(world, "settings")
    given: dict[str, Any] = {}
    for pair in pairs or ():
        name, sign, text = pair.partition("=")
        if not sign:
            _usage(f"{pair}: write NAME=VALUE")
        try:
            given[name] = json.loads(text)
        except (ValueError, RecursionError):
            _usage(f"{name}: {text!r} is neither a number nor true or false")
    found = asked(url, "POST", path, given) if given else asked(url, "GET", path)
    if as_json:
        print_json(found)
        return
    for name, inner in found.items():
        typer.echo(f"{name}={value(inner)}")


COMMANDS = (
    *(reset, create, drop, faults, callees, inbound, events, outbox),
    *(hears, documents, settings),
)


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in fields.items() if each is not None}


def _usage(why: str) -> NoReturn:
    typer.echo(f"texml-mcp: {why}", err=True)
    raise typer.Exit(2)
