"""Where a read goes on when the API redirects it: on the same host, as the key goes to no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texml_mcp.catalog.model import Endpoint
from texml_mcp.client.answers import ending, outcome_of
from texml_mcp.client.connection import origin
from texml_mcp.client.errors import ErrorCode, UpstreamError

if TYPE_CHECKING:
    import httpx

MOST = 3


def following(endpoint: Endpoint, status: int, url: httpx.URL, location: str | None) -> httpx.URL:
    """The next address, on the same scheme, host and port; `UpstreamError` for everything else."""
    import httpx

    if not endpoint.reads:
        raise refusal(endpoint, status, "only reads follow redirects")
    if not location or status not in (301, 302, 303, 307, 308):
        raise refusal(endpoint, status, "it names no address")
    try:
        target = url.join(location)
    except httpx.InvalidURL:
        target = None
    if target is None:
        raise refusal(endpoint, status, "its address is not valid")
    if origin(target) != origin(url) or target.userinfo:
        raise refusal(endpoint, status, "it leads to another host, and the key stays here")
    return target


def refusal(endpoint: Endpoint, status: int, why: str) -> UpstreamError:
    """The error of a redirect that is not followed."""
    outcome = outcome_of(endpoint, status)
    what_now = "Check the base URL." if endpoint.reads else ending(endpoint, outcome)
    return UpstreamError(
        ErrorCode.REDIRECTED,
        f"Upstream redirected ({status}) and it was not followed: {why}. {what_now}",
        outcome,
        upstream={"status": status},
    )
