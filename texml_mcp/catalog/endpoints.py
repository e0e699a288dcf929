"""The catalogue: every endpoint, in the documented order, and which are offered only to who asks for them."""

from __future__ import annotations

from texml_mcp.catalog import (
    applications,
    call_recordings,
    calls,
    conference_recordings,
    conferences,
    extras,
    participants,
    queues,
    recordings,
    secrets,
    siprec,
    streams,
    transcriptions,
)
from texml_mcp.catalog.model import Endpoint

_RESOURCES = (
    calls,
    call_recordings,
    siprec,
    streams,
    conferences,
    participants,
    conference_recordings,
    queues,
    recordings,
    transcriptions,
    secrets,
    applications,
    extras,
)

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    endpoint for resource in _RESOURCES for endpoint in resource.ENDPOINTS
)

TOOLSETS: tuple[str, ...] = tuple(dict.fromkeys(endpoint.toolset for endpoint in ENDPOINTS))

# Toolsets that a server offers only where they are named.
OPT_IN: tuple[str, ...] = ("extras",)
DEFAULT: tuple[Endpoint, ...] = tuple(endpoint for endpoint in ENDPOINTS if endpoint.toolset not in OPT_IN)

_BY_ID = {endpoint.id: endpoint for endpoint in ENDPOINTS}


def endpoint(id: str) -> Endpoint:
    """The endpoint with this id; `KeyError` when there is none."""
    return _BY_ID[id]


def listing(known: Endpoint) -> Endpoint | None:
    """The read of the collection in which the last thing that a path names would be; None without one.

    For a thing that no endpoint lists it is the collection of what it hangs on.
    """
    if known.listed:
        return endpoint(known.listed)
    steps = _steps(known)
    for position in reversed(range(1, len(steps))):
        if steps[position].startswith("{") and (found := _LISTS.get(steps[:position])):
            return found
    return None


def _steps(known: Endpoint) -> tuple[str, ...]:
    return tuple(known.path.removesuffix(".json").strip("/").split("/"))


# Of two lists on one path, the first one documented.
_LISTS = {_steps(each): each for each in reversed(ENDPOINTS) if each.page is not None}
