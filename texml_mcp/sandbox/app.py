"""The sandbox over HTTP: an ASGI application with the catalogue's routes, one world a bearer token."""

from __future__ import annotations

import json
import re
import time
from asyncio import sleep, to_thread
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from texml_mcp.catalog import ENDPOINTS, Endpoint
from texml_mcp.sandbox import errors
from texml_mcp.sandbox.exchange import BASE, Reply, exchange
from texml_mcp.sandbox.handlers import HANDLERS
from texml_mcp.sandbox.request import parse_body, parse_query
from texml_mcp.sandbox.world import World
from texml_mcp.sandbox.worlds import Worlds

if TYPE_CHECKING:
    from texml_mcp.sandbox.delivery import Courier

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONTROL = "/_sandbox"
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
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(each.path))
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


class Sandbox:
    """The ASGI application. In the `real` clock time passes by itself, `speed` seconds a second.

    `control` opens the control plane under `/_sandbox`, which needs no key. `deliver` posts callbacks to
    loopback addresses once the request that caused them is answered; `fetch` gets documents from them.
    """

    def __init__(
        self,
        worlds: Worlds,
        *,
        clock: Literal["virtual", "real"] = "virtual",
        speed: float = 1.0,
        control: bool = False,
        deliver: bool = False,
        fetch: bool = False,
    ) -> None:
        _routes()
        self.worlds = worlds
        self._real = clock == "real"
        self._speed = speed
        self._control = control
        self._fetch = fetch
        self._turn = Lock()
        self.courier: Courier | None = None
        if deliver:
            from texml_mcp.sandbox.delivery import Courier

            self.courier = Courier()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            content = await _content(receive)
            # A fetch blocks: not the event loop, on which the fetched server may be running.
            reply = (
                await to_thread(self._in_turn, scope, content)
                if self._fetch
                else self._handle(scope, content)
            )
        except errors.ApiError as error:
            reply = Reply(error.status, error.body, error.headers)
        try:
            if reply.wait_seconds and not (reply.cut and _in_process(send)):
                await sleep(reply.wait_seconds)
            if reply.cut:
                await _cut(send, reply)
                return
            await _respond(send, reply)
        finally:  # a caller that got no answer has caused its callbacks all the same
            if self.courier is not None:
                self.courier.collect(self.worlds.all().values())

    def _in_turn(self, scope: Scope, content: bytes) -> Reply:
        """One request at a time, in a thread: worlds are not made for two."""
        from texml_mcp.sandbox.fetching import fetch_document

        with self._turn:
            for world in self.worlds.all().values():
                world.fetcher = fetch_document
            return self._handle(scope, content)

    def _handle(self, scope: Scope, content: bytes) -> Reply:
        path: str = scope["path"]
        if path == "/" and scope["method"] == "GET":
            from texml_mcp.sandbox.page import page

            for world in self.worlds.all().values():
                self._catch_up(world)
            return page(self.worlds, parse_query(scope.get("query_string", b"").decode("latin-1")))
        if path.startswith(CONTROL + "/") and self._control:
            from texml_mcp.sandbox.control import control

            for world in self.worlds.all().values():
                self._catch_up(world)
            body = parse_body("application/json", content)
            query = parse_query(scope.get("query_string", b"").decode("latin-1"))
            return control(self.worlds, scope["method"], path[len(CONTROL) :], query, body)
        return self._api(scope, content)

    def _api(self, scope: Scope, content: bytes) -> Reply:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        world = self.worlds.of(_token(headers.get("authorization", "")))
        if self._fetch:
            from texml_mcp.sandbox.fetching import fetch_document

            world.fetcher = fetch_document
        else:
            world.fetcher = None  # another app that shares these worlds may have been allowed to
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        known, path = route(scope["method"], raw.decode("latin-1").partition("?")[0])
        query = parse_query(scope.get("query_string", b"").decode("latin-1"))
        body = parse_body(headers.get("content-type", "application/json"), content)
        self._catch_up(world)
        return exchange(world, known.id, path, query, body)

    def _catch_up(self, world: World) -> None:
        """In real time, let pass what has passed since this world was last asked."""
        if not self._real:
            return
        now = time.monotonic()
        last = now if world.followed is None else world.followed
        world.followed = now
        world.tick_seconds = 0.0
        world.advance((now - last) * self._speed)


def _in_process(send: Send) -> bool:
    return _transport(send) is None


def _transport(send: Send) -> Any:
    """The socket's transport below uvicorn's `send`; `None` when no socket is in play."""
    return getattr(getattr(send, "__self__", None), "transport", None)


async def _cut(send: Send, reply: Reply) -> None:
    """Give no answer: close the socket hard, or raise what httpx raises when there is none."""
    transport = _transport(send)
    if transport is not None:
        transport.abort()
        await sleep(0)  # so that the server notices before it finds that nothing was answered
        await sleep(0)
        return
    import httpx

    if reply.cut == "timeout":
        raise httpx.ReadTimeout("The sandbox gave no answer, as a fault asked.")
    raise httpx.ReadError("The sandbox cut the connection, as a fault asked.")


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise errors.unauthenticated()
    if not SANDBOX_KEY.fullmatch(token):
        raise errors.unauthenticated(
            "This is a sandbox: its keys are 'sandbox' or begin with 'sandbox-'. Keep live keys away."
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


async def _respond(send: Send, reply: Reply) -> None:
    kind, content = _rendered(reply)
    sent = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if content or reply.body is not None:
        sent += [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": sent})
    await send({"type": "http.response.body", "body": content})


def _rendered(reply: Reply) -> tuple[bytes, bytes]:
    """Content type and bytes, spoiled where a fault asked for it."""
    if isinstance(reply.body, str):
        return b"text/html; charset=utf-8", reply.body.encode()
    if reply.spoiled == "html":
        return b"text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    if reply.body is None:
        return b"", b""
    content = json.dumps(reply.body, ensure_ascii=False).encode("utf-8", "replace")
    if reply.spoiled == "truncated":
        content = content[: len(content) // 2]
    elif reply.spoiled == "malformed":
        content = content.replace(b":", b"=", 1)
    return b"application/json", content


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app(
    worlds: Worlds | None = None,
    *,
    clock: Literal["virtual", "real"] = "virtual",
    speed: float = 1.0,
    control: bool = False,
    deliver: bool = False,
    fetch: bool = False,
) -> Sandbox:
    """A sandbox ready to serve; without `worlds` each token gets the default world of its own."""
    return Sandbox(
        worlds or Worlds(), clock=clock, speed=speed, control=control, deliver=deliver, fetch=fetch
    )
