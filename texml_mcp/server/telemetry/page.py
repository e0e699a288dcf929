"""`/metrics`, as Prometheus reads it.

It tells how busy the server is and how policy rules: nothing secret, and nothing for passers-by. It
passes the same fences as every page, and where callers must say who they are it wants a bearer token,
of any role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from texml_mcp.server.http.auth import NotProvedError, proved_principal

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

METRICS = "/metrics"


def metrics_routes(registry: CollectorRegistry | None, *, identified: bool) -> list[Route]:
    """The route, where there are metrics to serve. `identified`: only for those who proved who they are."""
    if registry is None:
        return []
    from prometheus_client.exposition import choose_encoder

    # Not async: counting what waits for approval asks the store.
    def metrics(request: Request) -> Response:
        if identified:
            try:
                proved_principal(request)
            except NotProvedError:
                return PlainTextResponse(
                    "A bearer token is needed.\n", 401, {"WWW-Authenticate": 'Bearer realm="texml-mcp"'}
                )
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return [Route(METRICS, metrics)]
