"""Something that is grown to a size, and asked to do its work at that size."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LEAST_SECONDS = 0.004  # a round shorter than this repeats the work: clocks and interrupts would be measured


def nothing_to_close() -> None:
    """What is only memory goes by itself."""


@dataclass(frozen=True, slots=True)
class Subject:
    """`grow` brings it to a size, in rising order; `work` is what is timed.

    Work that adds to the size is not repeated within a round (`adds`), or the smallest sizes would be none.
    """

    name: str
    unit: str
    sizes: tuple[int, ...]
    grow: Callable[[int], None]
    work: Callable[[], object]
    close: Callable[[], None] = nothing_to_close
    adds: bool = False

    def cost(self, size: int, rounds: int) -> float:
        """Seconds of processor time of the work at a size: the best of several rounds, as noise only adds.

        Waiting is not counted: neither for a disk, nor for whatever else the machine does.
        """
        self.grow(size)
        times, best = 1, self._round(1)
        while not self.adds and best * times < LEAST_SECONDS and times < 1000:
            times *= 4
            best = self._round(times)
        return min(best, *(self._round(times) for _ in range(rounds - 1)))

    def _round(self, times: int) -> float:
        started = time.process_time()
        for _ in range(times):
            self.work()
        return (time.process_time() - started) / times
