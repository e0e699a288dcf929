"""The sandbox over HTTP: an ASGI application with the catalogue's routes, one world a bearer token."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any, Literal
from urllib.parse import unquote

from texml_mcp.catalog import ENDPOINTS, Endpoint, Kind, endpoint
from texml_mcp.sandbox import errors
from texml_mcp.sandbox.handlers import HANDLERS
from texml_mcp.sandbox.request import Request, checked, parse_body, parse_query
from texml_mcp.sandbox.world import World
from texml_mcp.sandbox.worlds import Worlds

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BASE = "/v2"
MAX_BODY = 1024 * 1024
SANDBOX_KEY = re.compile(r"sandbox(-[A-Za-z0-9_.-]{1,100})?")


@cache
def _routes() -> tuple[tuple[str, re.Pattern[str], Endpoint], ...]:
    """Method, path and endpoint. A path that ends without `.json` answers with it too, as its URIs do."""
    absent = [each.id for each in ENDPOINTS if each.id not in HANDLERS]
    if absent:
        raise RuntimeError(f"endpoints without a sandbox handler: {', '.join(absent)}")
    found: list[tuple[str, re.Pattern[str], Endpoint]] = []
    for each in ENDPOINTS:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(each.path))
        suffix = "" if each.path.endswith(".json") or "Recordings" in each.path else r"(?:\.json)?"
        found.append((each.method, re.compile(pattern + suffix), each))
    return tuple(found)


def route(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """The endpoint of a raw path, and its parameters, decoded segment by segment. Raises `ApiError`."""
    if not path.startswith(BASE + "/"):
        raise errors.not_found()
    for known, pattern, each in _routes():
        if known == method and (match := pattern.fullmatch(path[len(BASE) :])):
            return each, {name: unquote(value) for name, value in match.groupdict().items()}
    raise errors.not_found()


def request(
    world: World, endpoint_id: str, path: dict[str, str], query: dict[str, str], body: dict[str, Any]
) -> tuple[int, dict[str, Any] | None]:
    """One request without HTTP: the status and the answer. Raises `ApiError`."""
    known = endpoint(endpoint_id)
    url = f"{BASE}{known.path.format(**path)}"
    return _answer(world, known, url, path, query, body)


def _answer(
    world: World, known: Endpoint, url: str, path: dict[str, str], query: dict[str, str], body: dict[str, Any]
) -> tuple[int, dict[str, Any] | None]:
    if path.get("account_sid", world.account_sid) != world.account_sid:
        raise errors.wrong_account() if known.id == "create_call" else errors.not_found()
    typed = checked(known, body)
    if known.id != "create_secret":
        world.note("request", known.id, path=path, body=_without_secrets(known, typed))
    return HANDLERS[known.id](world, Request(known, url, path, query, typed))


def _without_secrets(known: Endpoint, typed: dict[str, Any]) -> dict[str, Any]:
    secret = {param.name for param in known.body_params if param.kind is Kind.SECRET}
    return {name: "***" if name in secret else value for name, value in typed.items()}


class Sandbox:
    """The ASGI application. In the `real` clock time passes by itself, `speed` seconds a second."""

    def __init__(
        self, worlds: Worlds, *, clock: Literal["virtual", "real"] = "virtual", speed: float = 1.0
    ) -> None:
        _routes()
        self.worlds = worlds
        self._real = clock == "real"
        self._speed = speed
        self._seen: dict[int, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            content = await _content(receive)
            status, body = self._handle(scope, content)
            headers: dict[str, str] = {}
        except errors.ApiError as error:
            status, body, headers = error.status, error.body, error.headers
        await _respond(send, status, body, headers)

    def _handle(self, scope: Scope, content: bytes) -> tuple[int, dict[str, Any] | None]:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        world = self.worlds.of(_token(headers.get("authorization", "")))
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        known, path = route(scope["method"], raw.decode("latin-1").partition("?")[0])
        query = parse_query(scope.get("query_string", b"").decode("latin-1"))
        body = parse_body(headers.get("content-type", "application/json"), content)
        self._catch_up(world)
        return _answer(world, known, f"{BASE}{known.path.format(**path)}", path, query, body)

    def _catch_up(self, world: World) -> None:
        """In real time, let pass what has passed since this world was last asked."""
        if not self._real:
            return
        now = time.monotonic()
        last = self._seen.setdefault(id(world), now)
        self._seen[id(world)] = now
        world.advance((now - last) * self._speed)


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise errors.unauthenticated()
    if not SANDBOX_KEY.fullmatch(token):
        raise errors.unauthenticated(
            "This is a sandbox: its keys are 'sandbox' or begin with 'sandbox-'. A live key has no place here."
        )
    return token


async def _content(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise errors.bad_request("The body is larger than 1 MB.")
        parts.append(part)
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _respond(send: Send, status: int, body: dict[str, Any] | None, headers: dict[str, str]) -> None:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    if body is not None:
        sent += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": content})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app(
    worlds: Worlds | None = None, *, clock: Literal["virtual", "real"] = "virtual", speed: float = 1.0
) -> Sandbox:
    """A sandbox ready to serve; without `worlds` each token gets the default world of its own."""
    return Sandbox(worlds or Worlds(), clock=clock, speed=speed)
