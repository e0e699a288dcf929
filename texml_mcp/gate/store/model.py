"""What the gate keeps between calls, and what any place that keeps it must promise.

Three shapes, so that SQLite and Redis can both hold them: items under (space, key), which are JSON
objects that may expire; series of amounts in time; and buckets of tokens. Times are seconds since 1970.

The operations that decide anything (`take`, `claim`, `replace`, `reserve`, `draw`) decide once for all
threads, processes and replicas that share the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

# The longest budget looks back a day; as much again for clocks that are put back.
KEEP_AMOUNTS_SECONDS = 2 * 86_400


class StoreError(Exception):
    """The store could not do it, or nobody knows whether it did. The caller sends nothing."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it is now; `version` goes up with every change and is what `replace` compares."""

    key: str
    value: dict[str, Any]
    version: int
    expires_at: float | None = None


class Total(NamedTuple):
    """How many amounts a series holds since some moment, and their sum."""

    entries: int
    amount: float


class Amount(NamedTuple):
    """An amount in a series at a point in time, which may lie ahead. `id` is unique in its series."""

    series: str
    id: str
    at: float
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in a series since a moment, with what is about to be added.

    `of` says what is counted: the amounts (`entries`) or their sum (`amount`).
    """

    series: str
    since: float
    most: float
    adding: float
    of: str = "entries"

    def allows(self, total: Total) -> bool:
        return self.counted(total) + self.adding <= self.most

    def counted(self, total: Total) -> float:
        return total.entries if self.of == "entries" else total.amount


class Store(Protocol):
    """Local state of the gate. Every method raises `StoreError` when it cannot keep its word.

    An expired item is not there: it is not read, taken, listed or in the way of a claim.
    """

    def together(self, *, durable: bool = True) -> AbstractContextManager[None]:
        """Changes that this thread makes inside are one step, where the store can do that: SQLite can.

        Then an error, or a process that is killed, leaves none of them. Elsewhere each stands by itself, so
        they must be in an order that may break off anywhere. What is not `durable` does not wait for the
        disk: a power cut may take it along, as long as nothing durable has been done after it. Something
        durable cannot begin inside of something that is not.
        """
        ...

    def put(self, space: str, key: str, value: Mapping[str, Any], expires_at: float | None = None) -> None:
        """Keep a value, over whatever stood there."""
        ...

    def get(self, space: str, key: str) -> Item | None: ...

    def take(self, space: str, key: str) -> dict[str, Any] | None:
        """Remove an item and answer its value. Of all that try, one gets it."""
        ...

    def claim(
        self, space: str, key: str, expires_at: float | None, value: Mapping[str, Any] | None = None
    ) -> bool:
        """Put a value where none stands. True for the first, once, until it expires."""
        ...

    def replace(self, space: str, key: str, old_version: int, value: Mapping[str, Any]) -> bool:
        """Put a value over the version that was read; false when it has changed or gone. Expiry stays."""
        ...

    def list(self, space: str, limit: int, *, newest_first: bool = False) -> tuple[Item, ...]:
        """At most `limit` items, in the order in which their keys were first put."""
        ...

    def delete(self, space: str, key: str, holding: Mapping[str, Any] | None = None) -> bool:
        """Remove an item, if `holding` is given only one of exactly that value; whether it was there."""
        ...

    def total(self, series: str, since: float) -> Total:
        """The amounts at `since` or later, those that lie ahead included."""
        ...

    def reserve(self, limits: Sequence[Limit], amounts: Sequence[Amount]) -> tuple[int, float] | None:
        """Note all amounts, unless a limit would be passed: then none, and which limit, and its count.

        Counting and noting are one step: of two that race for the last place one gets it.
        """
        ...

    def release(self, amounts: Sequence[Amount]) -> None:
        """Take back amounts that were noted; those that are gone already stay gone."""
        ...

    def draw(self, bucket: str, capacity: float, per_second: float) -> float:
        """Take a token: 0.0 when there was one, otherwise the seconds until there is.

        A bucket holds `capacity` tokens (1 or more), is full at first, and gains `per_second`.
        """
        ...

    def purge(self, now: float) -> int:
        """Drop what has expired, and amounts too old for any budget; how many rows went."""
        ...

    def close(self) -> None: ...
