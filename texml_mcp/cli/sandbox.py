"""The sandbox from the shell: serve it, and work the control plane of one that is served."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast
from urllib.parse import quote

import typer

if TYPE_CHECKING:
    import socket

DEFAULT_URL = "http://127.0.0.1:8765"
WORLD = "sandbox"
_TIMEOUT_SECONDS = 30.0

Url = Annotated[str, typer.Option("--url", help="Where `sandbox serve --control` runs.")]
Name = Annotated[str, typer.Option("--world", help="The API key whose world it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="For another program.")]


class ControlError(Exception):
    """What a person must hear when the control plane did not do what was asked."""


def run(
    *,
    port: int,
    speed: float,
    control: bool,
    fixture: Path | None,
    clock: Literal["real", "virtual"],
    deliver: bool,
    fetch: bool,
) -> int:
    """Serve on loopback until interrupted; the exit code. 1 for a fixture or a port that cannot be used."""
    from texml_mcp.sandbox import Worlds
    from texml_mcp.sandbox.fixture import FixtureError, world_from
    from texml_mcp.sandbox.fixture_file import load_fixture, world_from_file

    worlds = Worlds()
    if fixture is not None:
        try:
            content = load_fixture(fixture)
            world_from_file(fixture)
        except FixtureError as error:
            typer.echo(f"texml-mcp: {error}", err=True)
            return 1
        worlds = Worlds(lambda: world_from(content))
    # There from the start, so that its state can be read before the first request.
    account = worlds.of(WORLD).account_sid
    from texml_mcp.sandbox import create_app

    app = create_app(worlds, clock=clock, speed=speed, control=control, deliver=deliver, fetch=fetch)
    try:
        bound = listening(port)
    except OSError as error:
        typer.echo(
            f"texml-mcp: cannot listen on 127.0.0.1:{port}: {os.strerror(error.errno or 0)}. Choose another "
            "--port, or 0 for a free one.",
            err=True,
        )
        return 1
    _serve(app, bound, account, control=control, deliver=deliver, fetch=fetch)
    return 0


def _serve(
    app: Any, bound: socket.socket, account: str, *, control: bool, deliver: bool, fetch: bool
) -> None:
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", date_header=False)
    config.load()  # before the address is shown: a Ctrl-C amid the imports would show a traceback
    at = f"http://127.0.0.1:{bound.getsockname()[1]}"
    typer.echo(f"Sandbox on {at}/v2 with API key 'sandbox' (any 'sandbox-...' is its own world).")
    if control:
        typer.echo(f"Control plane on {at}/_sandbox, without a key.")
    if deliver:
        typer.echo("Callbacks are delivered to addresses on this machine, and to no others.")
    if fetch:
        typer.echo("Documents are fetched from addresses on this machine, and from no others.")
    typer.echo(f"A look at it: {at}/. Commands in another terminal reach it after")
    reached = f"TELNYX_API_KEY=sandbox TELNYX_ACCOUNT_SID={shlex.quote(account)} TEXML_MCP_BASE_URL={at}/v2"
    typer.echo(f"  export {reached}")
    uvicorn.Server(config).run(sockets=[bound])


def listening(port: int) -> socket.socket:
    """The socket to serve on. It takes connections from now on: whoever reads the address may use it.

    Connections send at once: held back, the second of two small packets waits 40 ms for the client to
    acknowledge the first, with every answer. Raises `OSError` for a port that cannot be had.
    """
    from socket import IPPROTO_TCP, TCP_NODELAY, create_server

    bound = create_server(("127.0.0.1", port), backlog=2048)
    bound.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return bound


def ask(
    url: str, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, str] | None = None
) -> dict[str, Any]:
    """One control request; `path` is below `/_sandbox`. Raises `ControlError`."""
    import httpx

    try:
        # Without the environment's proxies: what is asked for runs on this machine.
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_SECONDS) as client:
            reply = client.request(method, f"{url.rstrip('/')}/_sandbox{path}", json=body, params=query)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ControlError(f"{url}: not a URL that can be asked: {error}") from None
    except (httpx.ConnectError, httpx.ConnectTimeout):
        raise ControlError(
            f"nothing listens at {url}; start it with `texml-mcp sandbox serve --control`"
        ) from None
    except UnicodeError:
        raise ControlError("every text must be UTF-8") from None
    except ValueError:  # from JSON, which has no word for it
        raise ControlError("every number must be finite: nan and inf are none") from None
    except httpx.HTTPError as error:
        raise ControlError(f"{url} gave no answer: {error or type(error).__name__}") from None
    return _answer(url, reply)


def _answer(url: str, reply: Any) -> dict[str, Any]:
    try:
        content: Any = reply.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ControlError(f"{url} answers {reply.status_code}, but not as a sandbox does")
    answer = cast("dict[str, Any]", content)
    if reply.is_success:
        return answer
    if isinstance(answer.get("error"), str):
        raise ControlError(answer["error"])
    if reply.status_code == 401 and "errors" in answer:
        raise ControlError(f"the control plane of {url} is off; serve it with --control")
    raise ControlError(f"{url} answers {reply.status_code}, but not as a sandbox does")


def asked(
    url: str, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, str] | None = None
) -> dict[str, Any]:
    """As `ask`, for a command: what went wrong is said, and the command ends with 1."""
    try:
        return ask(url, method, path, body, query)
    except ControlError as error:
        typer.echo(f"texml-mcp: {error}", err=True)
        raise typer.Exit(1) from None


def world_path(name: str, part: str = "") -> str:
    """The path of a world, or of one lever of it."""
    # What is no UTF-8 goes out byte by byte, and is answered as any other name that is no key.
    return f"/worlds/{quote(name, safe='', errors='surrogateescape')}" + (f"/{part}" if part else "")


def line(world: dict[str, Any]) -> str:
    """A world on one line."""
    return f"{world['name']}  {moment(world['now'])}  {world['due']} due  {world['hash']}"


def tell(world: dict[str, Any], as_json: bool) -> None:
    """Print a world as it is now."""
    print_json(world) if as_json else typer.echo(line(world))


def value(inner: Any) -> str:
    """A value as JSON in ASCII: what callers said must not reach the terminal as control characters."""
    return json.dumps(inner)


def print_json(inner: Any) -> None:
    typer.echo(json.dumps(inner, indent=2))


def moment(seconds: float) -> str:
    """A world's time for a person to read."""
    from texml_mcp.sandbox.clock import iso

    return iso(seconds) or ""
