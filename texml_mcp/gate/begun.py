"""A write that is about to leave: counted against every budget, written down, and later settled.

All of it asks the store, so async code calls it through `State.run`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from texml_mcp.gate.records import Case, Records
from texml_mcp.gate.ruling import Judge, Ruling

if TYPE_CHECKING:
    from texml_mcp.gate.journal import Outcome
    from texml_mcp.gate.store import Amount

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """One write between its record and its outcome."""

    judge: Judge
    records: Records
    case: Case
    id: str
    reserved: tuple[Amount, ...]

    def settle(self, outcome: Outcome, status: int | None = None, sid: str = "") -> str | None:
        """Note what became of it; a sentence when that failed. Never raises: it has left by now."""
        if outcome == "not_sent":
            _give_back(self.judge, self.reserved)
        unnoticed = None
        if outcome != "not_sent" and sid and self.case.known.starts_call:
            unnoticed = self._opened(sid)
        return self.records.settle(self.id, self.case, outcome, status=status, sid=sid) or unnoticed

    def _opened(self, sid: str) -> str | None:
        from texml_mcp.gate.store import StoreError

        try:
            self.judge.opened(sid, self.reserved)
        except StoreError as error:
            log.error("a call counts as open until its time limit, as its end cannot be noticed: %s", error)
            return "The store failed, so this call counts as open until its time limit."
        return None


def begin(judge: Judge, records: Records, case: Case) -> Begun | Ruling | None:
    """Count and write down a write, or say why it must not leave: a denial, or None for a twin.

    None means that nobody was asked about this call and an identical one has begun in the meantime.
    Raises `StoreError` and `RecordError`: then it must not leave either, and nothing is counted.
    """
    reserved: tuple[Amount, ...] | Ruling = ()
    try:
        with records.state.store.together():  # it waits for the disk once
            reserved = judge.reserve(case.known, case.wire)
            if isinstance(reserved, Ruling):
                return reserved
            id = records.begin(case)
            if id is None:
                _give_back(judge, reserved)
                return None
        records.leaving(id, case)
    except BaseException:
        if not isinstance(reserved, Ruling):
            _give_back(judge, reserved)
        raise
    return Begun(judge, records, case, id, reserved)


def _give_back(judge: Judge, reserved: tuple[Amount, ...]) -> None:
    from texml_mcp.gate.store import StoreError

    try:
        judge.give_back(reserved)
    except StoreError as error:
        log.error("a write that was not sent still counts in its budgets: %s", error)
