"""Whether the process lives (`/healthz`), and whether it should be given work (`/readyz`).

Neither needs a token, and neither says more than an orchestrator has to know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from texml_mcp.server.http.traffic import Traffic

HEALTHZ, READYZ = "/healthz", "/readyz"

Probe = Callable[[], Awaitable[None]]


def health_routes(traffic: Traffic, probe: Probe) -> list[Route]:
    """The two routes. `probe` raises when the gate's own records cannot be used."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        if traffic.stopping:
            return JSONResponse({"status": "stopping"}, 503)
        try:
            await probe()
        except Exception:
            return JSONResponse({"status": "state_unavailable"}, 503)
        return JSONResponse({"status": "ready"})

    return [Route(HEALTHZ, healthz), Route(READYZ, readyz)]
