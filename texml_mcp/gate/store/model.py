"""What the gate keeps between calls, and what any place that keeps it must promise.

Two shapes only, so that SQLite and Redis can both hold them: items under (space, key), which are
JSON objects that may expire, and series of amounts in time. Times are seconds since 1970.

The operations that decide anything (`take`, `claim`, `replace`) have exactly one winner among all
threads, processes and replicas that share the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


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


class Store(Protocol):
    """Local state of the gate. Every method raises `StoreError` when it cannot keep its word.

    An expired item is not there: it is not read, taken, listed or in the way of a claim.
    """

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

    def delete(self, space: str, key: str) -> bool:
        """Remove an item; whether it was there."""
        ...

    def add(self, series: str, at: float, amount: float = 1.0) -> None:
        """Note an amount at a point in time."""
        ...

    def total(self, series: str, since: float) -> Total:
        """The amounts at `since` or later."""
        ...

    def latest(self, series: str) -> float | None:
        """When the newest amount was noted."""
        ...

    def purge(self, now: float) -> int:
        """Drop what has expired, and amounts too old for any budget; how many rows went."""
        ...

    def close(self) -> None: ...
