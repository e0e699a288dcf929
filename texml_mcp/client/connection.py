"""The HTTP client itself, and how far a request on it has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from texml_mcp.client.sides import is_loopback

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
POOL_SECONDS = 5.0
KEEPALIVE_SECONDS = 5.0


def connect(
    base_url: str,
    key: str,
    *,
    timeout: float,
    max_connections: int,
    max_keepalive: int,
    transport: httpx.AsyncBaseTransport | None,
) -> httpx.AsyncClient:
    """A client that puts the key on requests to the base URL's origin, and on no other.

    The environment is trusted for proxies and CA files, except towards this machine: a sandbox is not
    behind the company's proxy. No netrc is read: httpx does so only when given a `NetRCAuth`, and an
    `auth` of our own leaves no room for another. The default transport has retries=0; handing one over
    here would switch the environment's proxies off.
    """
    import httpx

    from texml_mcp.client.cookieless import Cookieless

    base = httpx.URL(base_url)
    here = origin(base)

    def bearer(request: httpx.Request) -> httpx.Request:
        # The only line that puts the key on a request, and it looks where the request goes.
        if origin(request.url) == here:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    return Cookieless(
        auth=bearer,
        transport=transport,
        trust_env=not is_loopback(base.host),
        follow_redirects=False,
        # Below `timeout`, so that a request that never left is told as such, and not as late.
        timeout=httpx.Timeout(
            timeout, connect=min(CONNECT_SECONDS, timeout), pool=min(POOL_SECONDS, timeout / 2)
        ),
        limits=httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_keepalive,
            # Short: the longer a connection idles, the likelier a write meets one that upstream has
            # just closed, and ends in an unknown outcome.
            keepalive_expiry=KEEPALIVE_SECONDS,
        ),
    )


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what must be equal for two addresses to be the same party."""
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


class Flight:
    """How far one attempt has come, as httpcore's trace tells it."""

    def __init__(self, on_departure: Callable[[], None] | None) -> None:
        self.left = False
        self.status: int | None = None
        self._on_departure = on_departure

    def depart(self) -> None:
        if not self.left:
            self.left = True
            if self._on_departure is not None:
                self._on_departure()

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        # The CONNECT to a proxy goes through the same events; the request itself is not in it.
        if event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            self.depart()
