"""How many calls run at this moment, and whether new ones are taken: not any more once a stop has begun."""

from __future__ import annotations

import anyio

BUSY_SECONDS = 1.0
"""After how long a call that found the server full may be tried again."""


class RefusedError(Exception):
    """A call was not begun. `code` is stable, the text says why."""

    def __init__(self, code: str, why: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class Traffic:
    """Counts calls in and out; at most `limit` run at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self.stopping = False
        self._quiet: anyio.Event | None = None

    def begin(self) -> None:
        """Count a call in; `end` counts it out. Raises `RefusedError` when it must not begin."""
        if self.stopping:
            raise RefusedError("shutting_down", "The server is stopping. Nothing was sent.")
        if self.running >= self.limit:
            raise RefusedError(
                "busy", f"{self.limit} calls are running, the most at once. Nothing was sent.", BUSY_SECONDS
            )
        self.running += 1

    def end(self) -> None:
        self.running -= 1
        if self._quiet is not None and not self.running:
            self._quiet.set()

    async def drain(self, seconds: float) -> bool:
        """Take no new call and wait for those that run; whether all were done in time."""
        self.stopping = True
        if self.running:
            self._quiet = anyio.Event()
            with anyio.move_on_after(seconds):
                await self._quiet.wait()
        return not self.running
