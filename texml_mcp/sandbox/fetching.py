"""Documents fetched for real, from this machine and nowhere else, where the scripted table has none."""

from __future__ import annotations

import time
from collections.abc import Mapping

from texml_mcp.sandbox.delivery import why_not_loopback

SECONDS = 2.0  # one fetch, from connecting to the last byte
MOST_BYTES = 64 * 1024


class FetchError(Exception):
    """Why there is no document."""


def fetch_document(url: str, method: str, fields: Mapping[str, str]) -> str:
    """The document at a loopback address; `fields` go as a form, or in the query of a GET.

    Blocks for at most about `SECONDS` (twice that when a server trickles). Raises `FetchError`.
    """
    import httpx

    if why := why_not_loopback(url):
        raise FetchError(why)
    reads = method.upper() == "GET"
    until = time.monotonic() + SECONDS
    content = bytearray()
    try:
        # No proxy from the environment and no redirect: either would leave the machine.
        with httpx.Client(trust_env=False, follow_redirects=False, timeout=SECONDS) as client:
            target = httpx.URL(url).copy_merge_params(dict(fields)) if reads else httpx.URL(url)
            data = None if reads else dict(fields)
            with client.stream("GET" if reads else "POST", target, data=data) as answer:
                if not 200 <= answer.status_code < 300:
                    raise FetchError(f"answered {answer.status_code}")
                for part in answer.iter_bytes(4096):
                    content += part
                    if len(content) > MOST_BYTES:
                        raise FetchError("larger than 64 KB")
                    if time.monotonic() > until:
                        raise FetchError("too slow")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise FetchError(type(error).__name__) from error
    return content.decode("utf-8", "replace")
