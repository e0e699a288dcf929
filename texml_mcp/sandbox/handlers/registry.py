"""Which function answers which endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from texml_mcp.sandbox.errors import not_found
from texml_mcp.sandbox.request import Request
from texml_mcp.sandbox.world import Record, World

Reply = tuple[int, dict[str, Any] | None]
Handler = Callable[[World, Request], Reply]

HANDLERS: dict[str, Handler] = {}


def handles(endpoint_id: str) -> Callable[[Handler], Handler]:
    """Register a handler; two for one endpoint are a mistake."""

    def register(handler: Handler) -> Handler:
        if endpoint_id in HANDLERS:
            raise RuntimeError(f"{endpoint_id} has two handlers")
        HANDLERS[endpoint_id] = handler
        return handler

    return register


def find(world: World, table: str, sid: str) -> Record:
    """A record by its identifier, or 404."""
    record = world.table(table).get(sid)
    if record is None:
        raise not_found()
    return record
