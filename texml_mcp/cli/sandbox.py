"""The sandbox from the shell: serve it, and work the control plane of one that is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

import typer

DEFAULT_URL = "http://127.0.0.1:8765"
WORLD = "sandbox"
_TIMEOUT_SECONDS = 30.0


class ControlError(Exception):
    """What a person must hear when the control plane did not do what was asked."""


def run(
    *, port: int, speed: float, control: bool, fixture: Path | None, clock: Literal["real", "virtual"]
) -> int:
    """Serve on loopback until interrupted; the exit code. 1 for a fixture that cannot be used."""
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
    worlds.of(WORLD)
    _serve(worlds, port=port, speed=speed, control=control, clock=clock)
    return 0


def _serve(worlds: Any, *, port: int, speed: float, control: bool, clock: Literal["real", "virtual"]) -> None:
    import uvicorn

    from texml_mcp.sandbox import create_app

    app = create_app(worlds, clock=clock, speed=speed, control=control)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning")
    bound = config.bind_socket()
    at = f"http://127.0.0.1:{bound.getsockname()[1]}"
    typer.echo(f"Sandbox on {at}/v2 with API key 'sandbox' (any 'sandbox-...' is its own world).")
    if control:
        typer.echo(f"Control plane on {at}/_sandbox, without a key.")
    uvicorn.Server(config).run(sockets=[bound])


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


def world_path(name: str, part: str) -> str:
    """The path of one lever of one world."""
    return f"/worlds/{quote(name, safe='')}/{part}"


def moment(seconds: float) -> str:
    """A world's time for a person to read."""
    from texml_mcp.sandbox.clock import iso

    return iso(seconds) or ""
