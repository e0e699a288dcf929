"""How many approvals wait: read from the store when metrics are collected, since anybody may settle them."""

from __future__ import annotations

import logging

from texml_mcp.gate.external import Queue
from texml_mcp.gate.state import State
from texml_mcp.gate.store import StoreError
from texml_mcp.server.telemetry.instruments import Waiting

log = logging.getLogger(__name__)


def waiting(state: State) -> Waiting:
    """Counts in this state, without opening what nothing has used yet."""
    queue = Queue(state)

    def count() -> int | None:
        if "store" not in vars(state):
            return None
        try:
            return len(queue.listed())
        except StoreError as error:
            log.warning("the approvals that wait could not be counted: %s", error)
            return None

    return count
