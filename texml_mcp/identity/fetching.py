"""Reading a JSON object from an issuer: over https, from the address that was named, small and soon."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

MOST_BYTES = 256 * 1024


class FetchError(Exception):
    """An answer that could not be had or must not be used."""


def check_address(url: str) -> None:
    """Raises `ValueError` for what is no plain https address; http is for this machine only."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("is not a plain address")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not an address") from None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("is not an https address")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://: keys from plain http could be anybody's")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("must not hold a user, a password or a fragment")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def get_object(url: str, *, seconds: float) -> dict[str, Any]:
    """The JSON object at an address. Raises `FetchError`. The caller bounds the time of the whole."""
    import httpx

    try:
        check_address(url)
        host = urlsplit(url).hostname or ""
        async with (
            httpx.AsyncClient(
                # Followed nowhere: where the keys are is the operator's or the metadata's word.
                follow_redirects=False,
                timeout=seconds,
                trust_env=not is_loopback(host),
                # Nothing is unpacked, so that a small answer cannot become a large one.
                headers={"accept": "application/json", "accept-encoding": "identity"},
            ) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.is_redirect:
                raise FetchError(f"{url} redirects, and redirects are not followed")
            if answer.status_code != 200:
                raise FetchError(f"{url} answered {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise FetchError(f"{url} answered packed data")
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise FetchError(f"{url} answered more than {MOST_BYTES // 1024} KB")
        value = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(f"{url}: {type(error).__name__}") from None
    except RecursionError:
        raise FetchError(f"{url} answered something nested too deeply") from None
    except ValueError as error:
        raise FetchError(f"{url}: {error if not isinstance(error, UnicodeError) else 'no text'}") from None
    if not isinstance(value, dict):
        raise FetchError(f"{url} answered no JSON object")
    return cast("dict[str, Any]", value)
