"""Listening: with time limits on heads as well as bodies, and a stop that first lets calls finish."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import cast

import uvicorn
from sse_starlette.sse import AppStatus
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from texml_mcp.server.http.traffic import Traffic

HEAD_SECONDS = 10.0
"""From the first byte of a request, or the opening of a connection, to the end of its head."""
DRAIN_SECONDS = 25.0
"""How long calls may go on after a stop was asked for: orchestrators kill after 30."""
_CLOSE_SECONDS = 1  # for streams that would stay open for ever
_READ_SECONDS = 0.05
_CONNECTIONS = 2000


class _Head(H11Protocol):
    """uvicorn's protocol, which by itself would wait for ever for the rest of a head."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    @property
    def answering(self) -> bool:
        """Whether a request is being answered, not counting streams that end only when somebody goes."""
        return self._serving() and self.scope["method"] == "POST"

    def _watch(self) -> None:
        if self._serving():
            self._unwatch()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self._serving() and not self.transport.is_closing():
            self.transport.close()


class Service(uvicorn.Server):
    """A uvicorn server that drains its calls before it closes anything."""

    def __init__(self, config: uvicorn.Config, traffic: Traffic, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._traffic = traffic
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Ready is said when it is so: whoever hears it may connect, and may ask to stop."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Still listening while calls finish: a person's answer to a question comes as a new request."""
        draining = asyncio.ensure_future(self._traffic.drain(DRAIN_SECONDS))
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        for each in (*self.servers, *(sockets or [])):
            each.close()
        await self._answered()
        AppStatus.should_exit = True  # ends the streams
        await super().shutdown(sockets)

    async def _answered(self) -> None:
        """Until what has been asked is answered: a call is done a moment before its client knows."""
        until = asyncio.get_running_loop().time() + _CLOSE_SECONDS
        while not self.force_exit and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_READ_SECONDS)  # what a connection has brought already is read meanwhile
            connections = cast("set[object]", self.server_state.connections)
            if not any(isinstance(each, _Head) and each.answering for each in connections):
                return

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn does, but a stop that was asked for and went well is no death by signal."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named in full: asyncio switches Nagle's algorithm off only for sockets that say they are TCP, and with
    # it on every answer waits 40 ms for an acknowledgement.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host.strip("[]"), port))
        sock.listen(512)
        sock.set_inheritable(False)
    except (TypeError, UnicodeError):  # a name that cannot be put into the form that resolvers take
        sock.close()
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    except OSError:
        sock.close()
        raise
    return sock


def run(app: ASGIApp, sock: socket.socket, traffic: Traffic, ready: Callable[[], None]) -> None:
    """Serve until a signal asks to stop; `ready` is called when the first request can come."""
    # By itself it would end every stream at the signal, the one with the answer of a running call as well.
    AppStatus.disable_automatic_graceful_drain()
    # What is there by now stays: the collector need not look at all of it again and again between calls.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app,
        http=_Head,
        ws="none",
        access_log=False,  # paths of resources hold call SIDs
        log_config=None,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
        proxy_headers=False,
    )
    Service(config, traffic, ready).run(sockets=[sock])
