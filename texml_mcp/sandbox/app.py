"""The sandbox over HTTP: an ASGI application with the catalogue's routes, one world a bearer token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import TYPE_CHECKING, Literal

from texml_mcp.sandbox import errors
from texml_mcp.sandbox.exchange import UNLIMITED, Reply, exchange, limit
from texml_mcp.sandbox.request import parse_body, parse_query
from texml_mcp.sandbox.routes import route, routes
from texml_mcp.sandbox.turns import Done, Turns
from texml_mcp.sandbox.wire import Receive, Scope, Send, content_of, cut, in_process, respond
from texml_mcp.sandbox.world import World
from texml_mcp.sandbox.worlds import KEY, Worlds

if TYPE_CHECKING:
    from texml_mcp.sandbox.delivery import Courier

CONTROL = "/_sandbox"
TICK_SECONDS = 0.2


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
        routes()
        self.worlds = worlds
        self._real = clock == "real"
        self._speed = speed
        self._control = control
        self._fetch = fetch
        self._turns = Turns()
        self._ticks: dict[str, asyncio.Task[None]] = {}
        self.courier: Courier | None = None
        if deliver:
            from texml_mcp.sandbox.delivery import Courier

            self.courier = Courier()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        names: set[str] = set()
        try:
            reply = await self._answered(scope, await content_of(receive), names)
        except errors.ApiError as error:
            reply = _refused(scope, error)
        try:
            if reply.wait_seconds and not (reply.cut and in_process(send)):
                await asyncio.sleep(reply.wait_seconds)
            if reply.cut:
                await cut(send, reply)
                return
            await respond(send, reply)
        finally:  # a caller that got no answer has caused its callbacks all the same
            self._collect(names)

    # --- one request

    async def _answered(self, scope: Scope, content: bytes, names: set[str]) -> Reply:
        """The answer; `names` is filled with the worlds that the request is about."""
        path: str = scope["path"]
        query = parse_query(scope.get("query_string", b"").decode("latin-1"))
        if path == "/" and scope["method"] == "GET":
            from texml_mcp.sandbox.page import page, shown_world

            names |= shown_world(self.worlds, query)
            return await self._in_turn(names, lambda: page(self.worlds, query))
        if path.startswith(CONTROL + "/") and self._control:
            from texml_mcp.sandbox.control import concerned, control, line, listing

            below, method = path[len(CONTROL) :], scope["method"]
            if listing(method, below):
                # One world after the other, so that a slow one does not hold the rest.
                lines = [
                    await self._in_turn({name}, lambda name=name, world=world: line(name, world))
                    for name, world in self.worlds.all().items()
                ]
                return Reply(200, {"worlds": lines})
            body = parse_body("application/json", content)
            names |= concerned(below, query, body)
            return await self._in_turn(names, lambda: control(self.worlds, method, below, query, body))
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        token = _token(headers.get("authorization", ""))
        self.worlds.of(token)
        names.add(token)
        kind = headers.get("content-type", "application/json")
        return await self._in_turn(names, lambda: self._api(token, scope, query, kind, content))

    def _api(self, token: str, scope: Scope, query: dict[str, str], kind: str, content: bytes) -> Reply:
        world = self.worlds.of(token)
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        try:
            known, path = route(scope["method"], raw.decode("latin-1").partition("?")[0])
            body = parse_body(kind, content)
        except errors.ApiError as error:
            return Reply(error.status, error.body, {**limit(world)[0], **error.headers})
        reply = exchange(world, known.id, path, query, body)
        reply.headers["date"] = formatdate(world.clock.now, usegmt=True)  # whose time the answers are in
        return reply

    # --- turns and time

    async def _in_turn(self, names: Iterable[str], work: Callable[[], Done]) -> Done:
        """Do something to worlds whose time has caught up. Where documents are fetched, which blocks, in a
        thread: not on the event loop, on which the fetched server may be running."""

        def caught_up() -> Done:
            for name in names:
                self._catch_up(name)
            return work()

        if not self._fetch:
            return caught_up()
        async with self._turns.of(names):
            return await self._turns.run(caught_up)

    def _catch_up(self, name: str) -> None:
        """In real time, let pass what has passed since this world was last asked."""
        world = self.worlds.all_by_name().get(name)
        if world is None:
            return
        self._equip(world)
        if not self._real:
            return
        now = time.monotonic()
        last = now if world.followed is None else world.followed
        world.followed = now
        world.tick_seconds = 0.0
        world.advance((now - last) * self._speed)

    def _equip(self, world: World) -> None:
        # Taken away as well: another app that shares these worlds may have been allowed to.
        world.fetcher = None
        if self._fetch:
            from texml_mcp.sandbox.fetching import fetch_document

            world.fetcher = fetch_document

    def _collect(self, names: Iterable[str]) -> None:
        if self.courier is not None:
            known = self.worlds.all_by_name()
            self.courier.collect([known[name] for name in names if name in known])

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Served over a port in real time, a world goes on, and tells of it, with nobody asking."""
        ticking: asyncio.Task[None] | None = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup" and self._real and self.courier is not None:
                ticking = asyncio.create_task(self._tick())
            if message["type"] == "lifespan.shutdown":
                if ticking is not None:
                    ticking.cancel()
                self._turns.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._ticks = {name: task for name, task in self._ticks.items() if not task.done()}
            for name, world in self.worlds.all_by_name().items():
                if world.clock.due and name not in self._ticks:
                    self._ticks[name] = asyncio.create_task(self._tick_one(name))

    async def _tick_one(self, name: str) -> None:
        await self._in_turn({name}, lambda: None)
        self._collect({name})


def _refused(scope: Scope, error: errors.ApiError) -> Reply:
    """An error of the API, or of the control plane in its own plainer form."""
    if str(scope["path"]).startswith(CONTROL + "/") and error.status != 401:
        return Reply(error.status, {"error": str(error)})
    return Reply(error.status, error.body, {**UNLIMITED, **error.headers})


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise errors.unauthenticated()
    if not KEY.fullmatch(token):
        raise errors.unauthenticated(
            "This is a sandbox: its keys are 'sandbox' or begin with 'sandbox-'. Keep live keys away."
        )
    return token


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
