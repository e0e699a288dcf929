"""How fast one principal may call: a token bucket in the store, so that it holds across replicas."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texml_mcp.gate.state import State

log = logging.getLogger(__name__)

BURST_SECONDS = 10.0
"""A bucket holds what flows in during this time: a client may begin quickly, and not go on like that."""
LEAST_BURST = 5.0
MOST_BUCKETS = 10_000
AWAY_SECONDS = 5.0
"""How long a store that failed is left alone: one that hangs would make every read wait for its limit."""


class RateLimit:
    """At most `per_minute` tool calls a minute for each principal."""

    def __init__(self, state: State, per_minute: int) -> None:
        self._state = state
        self._per_second = per_minute / 60
        self._capacity = max(LEAST_BURST, self._per_second * BURST_SECONDS)
        self._own: dict[str, tuple[float, float]] = {}
        self._away_until = 0.0

    async def wait(self, principal: str) -> float:
        """0 when a call may begin; otherwise in how many seconds it may, and then nothing was taken."""
        from texml_mcp.gate.store import StoreError

        bucket = f"calls:{principal}"
        if time.monotonic() < self._away_until:
            return self._draw_here(bucket)
        try:
            return await self._state.run(
                lambda: self._state.store.draw(bucket, self._capacity, self._per_second)
            )
        except StoreError as error:
            # Reads go on while the store is away, within this process's own count. A write needs the store
            # for its journal, and is refused there.
            log.warning("the rate of calls is counted in this process alone: %s", error)
            self._away_until = time.monotonic() + AWAY_SECONDS
            return self._draw_here(bucket)

    def _draw_here(self, bucket: str) -> float:
        now = time.monotonic()
        level, at = self._own.pop(bucket, (self._capacity, now))
        level = min(self._capacity, level + (now - at) * self._per_second)
        wait = 0.0 if level >= 1 else (1 - level) / self._per_second
        self._own[bucket] = (level if wait else level - 1, now)
        while len(self._own) > MOST_BUCKETS:
            self._own.pop(next(iter(self._own)))
        return wait
