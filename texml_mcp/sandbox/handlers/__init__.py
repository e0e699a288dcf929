"""One handler an endpoint, in one module a resource."""

from __future__ import annotations

from texml_mcp.sandbox.handlers import (
    applications,
    calls,
    conferences,
    extras,
    media,
    participants,
    queues,
    recordings,
)
from texml_mcp.sandbox.handlers.registry import HANDLERS, Reply

__all__ = [
    "HANDLERS",
    "Reply",
    "applications",
    "calls",
    "conferences",
    "extras",
    "media",
    "participants",
    "queues",
    "recordings",
]
