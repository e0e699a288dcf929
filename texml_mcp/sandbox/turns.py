"""Whose turn it is: one request at a time in a world, while other worlds go on.

Without fetching, a request is over before another one is looked at. A fetch blocks, so that requests then run
in threads of their own, and what must not overlap is kept apart here.
"""

from __future__ import annotations

import asyncio
from asyncio import Lock
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

Done = TypeVar("Done")

# More worlds than this that fetch at the same moment wait for each other.
THREADS = 64


class Turns:
    """Locks by world, taken on the event loop: who waits for a slow world holds no thread."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[Lock, int]] = {}
        self._threads: ThreadPoolExecutor | None = None

    @asynccontextmanager
    async def of(self, names: Iterable[str]) -> AsyncGenerator[None]:
        """The turn in all of these worlds; taken in one order, so that nobody waits in a circle."""
        async with AsyncExitStack() as stack:
            for name in sorted(set(names)):
                await stack.enter_async_context(self._one(name))
            yield

    @asynccontextmanager
    async def _one(self, name: str) -> AsyncGenerator[None]:
        lock, waiting = self._locks.get(name, (Lock(), 0))
        self._locks[name] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(name)
            if waiting > 1:
                self._locks[name] = lock, waiting - 1

    async def run(self, work: Callable[[], Done]) -> Done:
        """Do blocking work in a thread. Who is cancelled keeps the turn until the thread is done."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "sandbox")
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def close(self) -> None:
        """Let the threads go; work that is under way still ends."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None
