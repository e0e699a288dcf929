"""The sandbox inside the server's own process: requests reach it without a socket."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)


class InProcess:
    """An httpx transport that builds the sandbox at the first request, so that start-up does not wait.

    It takes the place of `httpx.ASGITransport` without importing httpx to be defined.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._inner: httpx.ASGITransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._inner is None:
            import httpx

            from texml_mcp.sandbox import create_app

            app: Any = create_app(clock="real", speed=self._speed)
            self._inner = httpx.ASGITransport(app=app)
        try:
            return await self._inner.handle_async_request(request)
        except Exception:
            # Over a socket the other side would log it; here nobody else does.
            log.exception("the sandbox failed")
            raise

    async def aclose(self) -> None:
        if self._inner is not None:
            await self._inner.aclose()

    async def __aenter__(self) -> InProcess:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
