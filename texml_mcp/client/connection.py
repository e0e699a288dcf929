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


class Line:
    """The HTTP client of one base URL and key. Requests are made here whole, and sent as they are.

    httpx would merge headers, cookies, queries and an auth flow into each one, which costs a read a tenth
    of its time; nothing of ours comes from any of them.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float,
        max_connections: int,
        max_keepalive: int,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        import httpx

        from texml_mcp.client.cookieless import Cookieless

        base = httpx.URL(base_url)
        self._here = origin(base)
        self._bearer = f"Bearer {key}"
        # Below `timeout`, so that a request that never left is told as such, and not as late.
        patience = httpx.Timeout(
            timeout, connect=min(CONNECT_SECONDS, timeout), pool=min(POOL_SECONDS, timeout / 2)
        )
        self._patience = patience.as_dict()
        # The environment is trusted for proxies and CA files, except towards this machine: a sandbox is not
        # behind the company's proxy. No netrc is read: httpx does so only when given a `NetRCAuth`. The
        # default transport has retries=0; handing one over here would switch the environment's proxies off.
        self._client = Cookieless(
            transport=transport,
            trust_env=not is_loopback(base.host),
            follow_redirects=False,
            timeout=patience,
            limits=httpx.Limits(
                max_connections=max_connections,
                max_keepalive_connections=max_keepalive,
                # Short: the longer a connection idles, the likelier a write meets one that upstream has
                # just closed, and ends in an unknown outcome.
                keepalive_expiry=KEEPALIVE_SECONDS,
            ),
        )

    async def send(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        content: bytes | None,
        flight: Flight,
    ) -> httpx.Response:
        """The answer, its body unread: whoever gets it closes it. Raises what httpx raises."""
        import httpx

        # The only line that puts the key on a request, and it looks where the request goes.
        own = {"Authorization": self._bearer} if origin(url) == self._here else {}
        request = httpx.Request(
            method,
            url,
            headers={**headers, "Connection": "keep-alive", **own},
            content=content,
            extensions={"timeout": self._patience, "trace": flight.trace},
        )
        # `auth=None`: credentials in a URL of ours are refused, and httpx must not look for any.
        return await self._client.send(request, auth=None, stream=True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


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
