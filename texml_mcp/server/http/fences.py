"""What every HTTP request passes before anything of ours sees it: whose page sent it, and how slowly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from texml_mcp.server.http.addresses import Addresses

BODY_SECONDS = 15.0
"""From the head of a request to the last byte of its body."""
DRAIN_SECONDS, DRAIN_BYTES = 2.0, 8 << 20


class Fences:
    """Middleware around the whole application. `open_paths` are answered for whatever Host, as probes ask."""

    def __init__(self, app: ASGIApp, allowed: Addresses, open_paths: Iterable[str] = ()) -> None:
        self._app = app
        self._allowed = allowed
        self._open = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        body = _Body(receive)
        if scope["path"] not in self._open and (refused := self._refusal(scope)):
            await body.drained()
            await _answer(send, *refused)
            return
        await _timed(self._app, scope, body, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        hosts = _all(scope, b"host")
        if len(hosts) != 1 or not self._allowed.answers_host(hosts[0]):
            return 421, "This server does not answer to that Host. An operator names it in --allowed-hosts."
        origins = _all(scope, b"origin")
        if len(origins) > 1 or (origins and not self._allowed.answers_origin(origins[0])):
            return 403, "Requests from that Origin are refused. An operator names it in --allowed-origins."
        return None


def _all(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


class _TooSlow(Exception):
    """A body did not arrive in time."""


class _Body:
    """What a request still has to say, within `BODY_SECONDS` altogether."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._until = asyncio.get_running_loop().time() + BODY_SECONDS
        self.complete = self.slow = False

    async def __call__(self) -> Message:
        if self.complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.slow = True
            raise _TooSlow from None
        self.complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drained(self) -> None:
        """Read what is left of the body, within bounds, and forget it.

        A connection that is closed with something unread is reset, and takes the answer with it.
        """
        read = 0
        with suppress(_TooSlow, TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.complete and read < DRAIN_BYTES:
                    read += len((await self()).get("body", b""))


async def _timed(app: ASGIApp, scope: Scope, body: _Body, send: Send) -> None:
    """Run the application; a body that trickles in ends the request, whoever is waiting for it."""
    started = False

    async def watched(message: Message) -> None:
        nonlocal started
        if not started and not body.complete:
            if body.slow:
                return  # whatever the application makes of it: the answer is ours
            await body.drained()
        started = True
        await send(message)

    with suppress(_TooSlow):
        await app(scope, body, watched)
    if body.slow and not started:
        await _answer(send, 408, f"The body did not arrive within {BODY_SECONDS:g} s. Nothing was done.")


async def _answer(send: Send, status: int, why: str) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
