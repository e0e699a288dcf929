"""The HTTP clients themselves, and how far a request on one has come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from texml_mcp.client.errors import ErrorCode, UpstreamError
from texml_mcp.client.sides import is_loopback

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_SECONDS = 5.0
POOL_SECONDS = 5.0
KEEPALIVE_SECONDS = 5.0
CONNECTIONS_A_POOL = 16
_NO_AUTHORITIES = (
    "The trusted certificates cannot be read: an operator checks SSL_CERT_FILE and SSL_CERT_DIR. "
    "Nothing was sent."
)
_NO_PROXY = (
    "The environment names a proxy that cannot be used: an operator sets HTTPS_PROXY or ALL_PROXY to an "
    "address like http://proxy.example:3128. Nothing was sent."
)


class Line:
    """The HTTP clients of one base URL and key. Requests are made here whole, and sent as they are.

    httpx would merge headers, cookies, queries and an auth flow into each one, which costs a read a tenth
    of its time; nothing of ours comes from any of them. Connections are kept in pools of a few: at every
    request a pool looks through all that it has, and one of a hundred spends more time on that than on the
    requests. The first pool with room is taken, so that what is warm stays warm.
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

        base = httpx.URL(base_url)
        self._here = origin(base)
        self._bearer = f"Bearer {key}"
        # Below `timeout`, so that a request that never left is told as such, and not as late.
        self._timeout = httpx.Timeout(
            timeout, connect=min(CONNECT_SECONDS, timeout), pool=min(POOL_SECONDS, timeout / 2)
        )
        self._patience = self._timeout.as_dict()
        # The environment is trusted for proxies and CA files, except towards this machine: a sandbox is not
        # behind the company's proxy. No netrc is read: httpx does so only when given a `NetRCAuth`.
        self._trust_env = not is_loopback(base.host)
        self._transport = transport
        self._tls: ssl.SSLContext | bool = True
        self._room = max_connections
        self._keepalive = max_keepalive
        self._pools = [self._pool()]

    @asynccontextmanager
    async def send(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        content: bytes | None,
        flight: Flight,
    ) -> AsyncGenerator[httpx.Response]:
        """The answer, its body unread, open as long as the context. Raises what httpx raises."""
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
        pool = self._free()
        pool.busy += 1
        try:
            # `auth=None`: credentials in a URL of ours are refused, and httpx must not look for any.
            response = await pool.client.send(request, auth=None, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            pool.busy -= 1

    async def aclose(self) -> None:
        """Close the connections."""
        for pool in self._pools:
            await pool.client.aclose()

    def _free(self) -> _Pool:
        """The first pool with room, a new one, or the one where the wait is shortest."""
        for pool in self._pools:
            if pool.busy < pool.size:
                return pool
        if self._room > 0:
            self._pools.append(self._pool())
            return self._pools[-1]
        return min(self._pools, key=lambda pool: pool.busy / pool.size)

    def _pool(self) -> _Pool:
        import httpx

        from texml_mcp.client.cookieless import Cookieless

        if self._transport is not None:
            size = self._room
        else:
            size = min(self._room, CONNECTIONS_A_POOL)
        self._room -= size
        try:
            if self._room and self._tls is True:
                # Read from the disk once; the pools to come share it.
                self._tls = httpx.create_ssl_context(trust_env=self._trust_env)
            client = Cookieless(
                # The default has retries=0; handing one over would switch the environment's proxies off.
                transport=self._transport,
                verify=self._tls,
                trust_env=self._trust_env,
                follow_redirects=False,
                timeout=self._timeout,
                limits=httpx.Limits(
                    max_connections=size,
                    max_keepalive_connections=min(size, self._keepalive),
                    # Short: the longer a connection idles, the likelier a write meets one that upstream has
                    # just closed, and ends in an unknown outcome.
                    keepalive_expiry=KEEPALIVE_SECONDS,
                ),
            )
        except OSError:
            raise UpstreamError(ErrorCode.TLS_FAILED, _NO_AUTHORITIES, "not_sent") from None
        except (ImportError, ValueError, httpx.InvalidURL):  # SOCKS needs a package that is not there
            raise UpstreamError(ErrorCode.PROXY_FAILED, _NO_PROXY, "not_sent") from None
        return _Pool(client, size)


@dataclass(slots=True)
class _Pool:
    """A client with connections of its own, and how many requests are on it."""

    client: httpx.AsyncClient
    size: int
    busy: int = 0


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
