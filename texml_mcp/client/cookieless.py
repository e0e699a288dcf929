"""An HTTP client that keeps nothing: what one answer sets must not travel with the next request."""

from __future__ import annotations

import httpx


class _NoCookies(httpx.Cookies):
    """A jar that is never opened. An empty one would still take every answer apart."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave whatever the answer sets where it is."""


_NONE = _NoCookies()


class Cookieless(httpx.AsyncClient):
    """`httpx.AsyncClient` without cookies."""

    @property
    def cookies(self) -> httpx.Cookies:
        return _NONE

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise TypeError("this client has no cookies")
