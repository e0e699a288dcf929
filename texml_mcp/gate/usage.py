"""What has been sent lately, kept in the store: the counts that budgets and the loop breaker look at.

A call that is open stands in its series at the moment at which it is over at the latest, so that it stops
counting by itself also when nobody ever reads it again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from texml_mcp.gate.state import State
from texml_mcp.gate.store.model import Amount, Limit, Total

OPEN_CALLS = "open_calls@"
MOST_NOTICED = 10_000
_SPACE = "open_calls"


@dataclass(frozen=True, slots=True)
class Refused:
    """The limit, by its place among those that were given, that has no room, and what it counted."""

    limit: int
    counted: float


class StoreUsage:
    """Usage that restarts, processes and replicas share. Methods may raise `StoreError`."""

    def __init__(self, state: State) -> None:
        self._state = state
        # Calls that reads have shown to be over: noticed for nothing, and taken up by the next write.
        self._noticed: OrderedDict[str, bool] = OrderedDict()
        self._kept = lru_cache(maxsize=256)(self._named)  # each is asked for when ruling, and when it leaves

    def count(self, series: str, since: float) -> int:
        """How many entries since that point in time (seconds since 1970)."""
        return self._total(series, since).entries

    def total(self, series: str, since: float) -> float:
        """The sum of the entries since that point in time."""
        return self._total(series, since).amount

    def reserve(self, limits: Sequence[Limit], amounts: Sequence[Amount]) -> tuple[Amount, ...] | Refused:
        """Count what is about to leave, unless a limit has no room; what stands for it in the store."""
        kept = tuple(each._replace(series=self._kept(each.series)) for each in amounts)
        refused = self._state.store.reserve(
            [replace(each, series=self._kept(each.series)) for each in limits], kept
        )
        return kept if refused is None else Refused(*refused)

    def give_back(self, amounts: Sequence[Amount]) -> None:
        """It has not left after all."""
        self._state.store.release(amounts)

    def opened(self, sid: str, amounts: Sequence[Amount]) -> None:
        """Remember which of its amounts stands for an open call, under the name that reads show it by."""
        for each in amounts:
            if each.series.startswith(OPEN_CALLS):
                value = {"series": each.series, "id": each.id, "at": each.at}
                # Lost with the power, it counts as open until its time: no reason to wait for the disk.
                with self._state.store.together(durable=False):
                    self._state.store.put(_SPACE, sid, value, each.at)
                return

    def ended(self, sid: str) -> None:
        """A read has shown that a call is over. Costs nothing and asks nobody."""
        self._noticed.setdefault(sid, True)
        while len(self._noticed) > MOST_NOTICED:
            self._noticed.popitem(last=False)

    def take_up_ended(self) -> None:
        """Count the calls that reads have shown to be over as over, whichever replica placed them."""
        if self._state.untouched:
            return
        store = self._state.store
        for sid in [sid for sid, due in list(self._noticed.items()) if due]:
            # Looked at before it is taken: most are calls that nobody placed from here.
            if store.get(_SPACE, sid) is not None:
                # As one, so that nobody who is stopped in between leaves an amount that is never taken back.
                with store.together(durable=False):
                    if (found := store.take(_SPACE, sid)) is not None:
                        store.release([Amount(str(found["series"]), str(found["id"]), float(found["at"]))])
            if sid in self._noticed:
                self._noticed[sid] = False

    def _total(self, series: str, since: float) -> Total:
        if self._state.untouched:
            return Total(0, 0.0)
        return self._state.store.total(self._kept(series), since)

    def _named(self, series: str) -> str:
        """The name of a series in the store. A number or arguments in it are told by a keyed digest only."""
        name, named, rest = series.partition(":")
        return f"{name}:{self._state.digester.of(name, rest)}" if named else series
