"""The store in Redis, shared by replicas on several machines.

Everything that decides is one script, so it happens at once or not at all. Time is the server's: see
`scripts`. Redis must keep what it was told: append-only file on, `maxmemory-policy noeviction`, and no
reading from followers. A cluster is not supported, as one decision touches several keys.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from texml_mcp.gate.store import scripts
from texml_mcp.gate.store.model import KEEP_AMOUNTS_SECONDS, Amount, Item, Limit, StoreError, Total
from texml_mcp.gate.store.redis_link import COMMAND_SECONDS, CONNECT_SECONDS, Link
from texml_mcp.gate.store.values import from_json, to_json

log = logging.getLogger(__name__)

PREFIX = "texml-mcp:"
_DIFFERS_SECONDS = 5.0
_SERIES_IN_A_STEP = 200


class RedisStore:
    """A `Store` at a URL. Opened at once: raises `StoreError` when it cannot be reached.

    With a `clock` (seconds since 1970) that one counts, for tests; otherwise the server's. No command is
    repeated: a lost answer is a `StoreError`, and works again by itself when the server is back.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = PREFIX,
        clock: Callable[[], float] | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        command_seconds: float = COMMAND_SECONDS,
    ) -> None:
        self._link = Link(url, connect_seconds=connect_seconds, command_seconds=command_seconds)
        self._prefix = prefix
        self._clock = clock or time.time
        self._whose = "caller" if clock else "server"
        self._greet()

    def __repr__(self) -> str:
        return f"RedisStore({self._link.label!r})"

    def together(self, *, durable: bool = True) -> AbstractContextManager[None]:
        # Each script stands by itself, and what is on the disk when is the server's to say.
        return nullcontext()

    def put(self, space: str, key: str, value: Mapping[str, Any], expires_at: float | None = None) -> None:
        self._items(scripts.PUT, space, key, _moment(expires_at), self._json(value))

    def get(self, space: str, key: str) -> Item | None:
        found = self._items(scripts.GET, space, key)
        return None if found is None else _item(found)

    def take(self, space: str, key: str) -> dict[str, Any] | None:
        found = self._items(scripts.TAKE, space, key)
        return None if found is None else _read(found)

    def claim(
        self, space: str, key: str, expires_at: float | None, value: Mapping[str, Any] | None = None
    ) -> bool:
        return bool(self._items(scripts.CLAIM, space, key, _moment(expires_at), self._json(value or {})))

    def replace(self, space: str, key: str, old_version: int, value: Mapping[str, Any]) -> bool:
        return bool(self._items(scripts.REPLACE, space, key, str(old_version), self._json(value)))

    def list(self, space: str, limit: int, *, newest_first: bool = False) -> tuple[Item, ...]:
        found = self._items(scripts.LIST, space, str(max(0, limit)), "1" if newest_first else "0")
        return tuple(_item(each) for each in found)

    def delete(self, space: str, key: str, holding: Mapping[str, Any] | None = None) -> bool:
        value = () if holding is None else (self._json(holding),)
        return bool(self._items(scripts.DELETE, space, key, *value))

    def total(self, series: str, since: float) -> Total:
        entries, amount = self._run(scripts.TOTAL, [self._series(series)], repr(float(since)))
        return Total(int(entries), float(amount))

    def reserve(self, limits: Sequence[Limit], amounts: Sequence[Amount]) -> tuple[int, float] | None:
        words: list[str] = [str(len(limits)), str(KEEP_AMOUNTS_SECONDS)]
        for limit in limits:
            numbers = (limit.since, limit.most, limit.adding)
            words += [*(repr(float(number)) for number in numbers), limit.of]
        for each in amounts:
            words += [repr(float(each.at)), _member(each)]
        keys = [self._prefix + "series", *(self._series(each.series) for each in (*limits, *amounts))]
        refused = self._run(scripts.RESERVE, keys, *words)
        return None if refused is None else (int(refused[0]), float(refused[1]))

    def release(self, amounts: Sequence[Amount]) -> None:
        keys = [self._series(each.series) for each in amounts]
        self._link.run(scripts.RELEASE, keys, [_member(each) for each in amounts])

    def draw(self, bucket: str, capacity: float, per_second: float) -> float:
        key = f"{self._prefix}bucket:{bucket}"
        return float(self._run(scripts.DRAW, [key], repr(float(capacity)), repr(1.0 / per_second)))

    def purge(self, now: float) -> int:
        gone = self._trim(now - KEEP_AMOUNTS_SECONDS)
        for space in self._link.command("SMEMBERS", self._prefix + "spaces"):
            while swept := self._items(scripts.PURGE, space.decode(), repr(now)):
                gone += int(swept)
        return gone

    def close(self) -> None:
        """Give the connections back. Everything afterwards is a `StoreError`."""
        self._link.close()

    def _trim(self, oldest: float) -> int:
        """Drop older amounts, a few series in a step, so that nobody waits long; how many went."""
        gone = place = 0
        while True:
            words = (repr(oldest), str(place), str(_SERIES_IN_A_STEP))
            seen, went, left = self._run(scripts.TRIM, [self._prefix + "series"], *words)
            gone, place = gone + int(went), place + int(left)
            if seen < _SERIES_IN_A_STEP:
                return gone

    def _items(self, script: str, space: str, *words: str) -> Any:
        parts = ("items", "order", "expiry")
        keys = [*(f"{self._prefix}{part}:{space}" for part in parts), self._prefix + "sequence"]
        return self._run(script, [*keys, self._prefix + "spaces"], space, *words)

    def _run(self, script: str, keys: Sequence[str], *words: str) -> Any:
        return self._link.run(script, keys, [repr(self._clock()), self._whose, *words])

    def _series(self, series: str) -> str:
        return f"{self._prefix}series:{series}"

    def _json(self, value: Mapping[str, Any]) -> str:
        try:
            return to_json(value)
        except (ValueError, TypeError) as error:
            raise StoreError(f"the value cannot be kept: {error}") from error

    def _greet(self) -> None:
        """Reach the server, and say what an operator should know about it."""
        seconds, micros = self._link.command("TIME")
        apart = abs(int(seconds) + int(micros) / 1e6 - time.time())
        if self._whose == "server" and apart > _DIFFERS_SECONDS:
            log.warning(
                "the clock of %s and this machine's are %.0f s apart: deadlines that people are told are "
                "wrong by as much; set the clocks",
                self._link.label,
                apart,
            )
        try:
            memory = _fields(self._link.command("INFO", "memory"))
            keeps = _fields(self._link.command("INFO", "persistence"))
        except StoreError:
            log.warning("%s does not let its settings be read: see docs/replicas.md", self._link.label)
            return
        policy = memory.get("maxmemory_policy", "noeviction")
        if policy.startswith("allkeys") and memory.get("maxmemory", "0") != "0":
            log.warning(
                "%s may evict what the gate must not forget (maxmemory-policy %s): set it to noeviction",
                self._link.label,
                policy,
            )
        if keeps.get("aof_enabled") == "0":
            log.warning(
                "%s forgets the newest approvals, counts and journal entries when it restarts: set "
                "appendonly yes",
                self._link.label,
            )


def _moment(at: float | None) -> str:
    return "-" if at is None else repr(float(at))


def _member(each: Amount) -> str:
    return f"{float(each.amount)!r} {each.id}"


def _item(found: Sequence[bytes]) -> Item:
    key, version, expires, value = found
    return Item(key.decode(), _read(value), int(version), None if expires == b"-" else float(expires))


def _read(value: bytes) -> dict[str, Any]:
    try:
        return from_json(value)
    except ValueError as error:
        raise StoreError("an item in the store cannot be read") from error


def _fields(info: Any) -> dict[str, str]:
    """What INFO answers, whether the client has read it already or not."""
    if isinstance(info, dict):
        return {str(name): str(value) for name, value in info.items()}  # pyright: ignore
    text = info.decode(errors="replace") if isinstance(info, bytes) else str(info)
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
