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
        if scope["path"] not in self._open and (refused := self._refusal(scope)):
            await _answer(send, *refused)
            return
        await _timed(self._app, scope, receive, send)

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


async def _timed(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the application; a body that trickles in ends the request, whoever is waiting for it."""
    until = asyncio.get_running_loop().time() + BODY_SECONDS
    complete = started = slow = False

    async def timely() -> Message:
        nonlocal complete, slow
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            slow = True
            raise _TooSlow from None
        complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def watched(message: Message) -> None:
        nonlocal started
        if slow and not started:
            return  # whatever the application makes of it: the answer is ours
        started = True
        await send(message)

    with suppress(_TooSlow):
        await app(scope, timely, watched)
    if slow and not started:
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
