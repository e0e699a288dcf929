"""The journal: every write is noted before it leaves, and settled when its answer is there.

What is noted and not settled may have happened: the process was killed, or the answer was lost.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from texml_mcp.catalog import Effect, endpoint
from texml_mcp.gate.journal.entries import HAPPENED, NOT_HAPPENED, Entry, Outcome, entry_from
from texml_mcp.gate.store import Item, Store, StoreError

DEDUPE_SECONDS = 120.0
KEEP_SECONDS = 30 * 86_400.0  # as long as the API shows a call that is over
LONGEST_WINDOW = 86_400.0
# A call lasts four hours at most (TimeLimit); a day covers one that rang and was queued before.
CALL_SECONDS = 86_400.0

_OPEN, _DONE, _TWINS, _CALLS = "journal/open", "journal/done", "journal/twins", "journal/calls"


class DuplicateError(Exception):
    """An identical create is in the journal, so this one was not noted. `earlier` is the other."""

    def __init__(self, earlier: Entry) -> None:
        super().__init__(f"an identical {earlier.tool} was sent before, as {earlier.id}")
        self.earlier = earlier


@dataclass(frozen=True, slots=True)
class StartedCall:
    """A call that this server started. `sid` is empty when the API did not answer one."""

    sid: str
    entry: Entry


class Journal:
    """The journal in a store. `clock` answers seconds since 1970. Every method may raise `StoreError`."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def begin(self, entry: Entry, *, unless_within: float = 0.0) -> str:
        """Note a write that is about to leave, and answer its id. When it returns the note is durable.

        With `unless_within` (seconds) an identical create within that time is a `DuplicateError`, and of
        several that begin at the same moment one goes on. Without it the entry is noted in any case: a
        person has said yes to a second one.
        """
        now = self._clock()
        noted = replace(entry, id=secrets.token_hex(8), at=now, outcome="open")
        with self._store.together():
            if _creates(entry):
                # Before the entry: a process killed in between must not leave a write without its twin mark.
                self._mark(noted, unless_within)
            self._store.put(_OPEN, noted.id, noted.as_json())
        return noted.id

    def settle(self, id: str, outcome: Outcome, status: int | None = None, sid: str = "") -> None:
        """Note what became of a write. `unknown` stays unsettled; the first final word stands.

        Not waited for until it is on the disk: a power cut may take the newest outcomes along, and then
        their entries are open again, as if their answers had been lost.
        """
        with self._store.together(durable=False):
            self._settle(id, outcome, status, sid)

    def _settle(self, id: str, outcome: Outcome, status: int | None, sid: str) -> None:
        item = self._store.get(_OPEN, id)
        if item is None:
            return
        now = self._clock()
        entry = replace(_entry(item), outcome=outcome, status=status, sid=sid, settled_at=now)
        if outcome == "unknown":
            self._store.replace(_OPEN, id, item.version, entry.as_json())
            return
        if self._store.claim(_DONE, id, now + KEEP_SECONDS, entry.as_json()):
            if outcome in HAPPENED and endpoint(entry.tool).starts_call:
                self._store.put(_CALLS, sid or f"?{id}", {"entry": id}, now + CALL_SECONDS)
            if outcome in NOT_HAPPENED and _creates(entry):
                self._unmark(entry)
        # Last: killed before this, the entry is in both places, and `unsettled` looks at both.
        self._store.delete(_OPEN, id)

    def entry(self, id: str) -> Entry | None:
        """An entry by its id, as it is known now."""
        item = self._store.get(_DONE, id) or self._store.get(_OPEN, id)
        return None if item is None else _entry(item)

    def unsettled(self, older_than: float = 0.0, limit: int = 1000) -> list[Entry]:
        """Writes that may have happened, the oldest first, begun at least `older_than` seconds ago."""
        latest = self._clock() - older_than
        entries = (_entry(item) for item in self._store.list(_OPEN, limit))
        return [each for each in entries if each.at <= latest and self._store.get(_DONE, each.id) is None]

    def settled(self, limit: int = 50) -> list[Entry]:
        """The newest writes whose outcome is known, the newest first."""
        return [_entry(item) for item in self._store.list(_DONE, limit, newest_first=True)]

    def similar(self, tool: str, digest: str, window_seconds: float = DEDUPE_SECONDS) -> Entry | None:
        """The newest identical create in the window, unless it is known not to have happened."""
        item = self._store.get(_TWINS, f"{tool}:{digest}")
        return None if item is None else self._twin(item, window_seconds)

    def started_calls(self, limit: int = 1000) -> list[StartedCall]:
        """Calls that this server started and that are not known to be over, the oldest first."""
        found: list[StartedCall] = []
        for item in self._store.list(_CALLS, limit):
            entry = self.entry(str(item.value.get("entry")))
            if entry is not None:
                found.append(StartedCall("" if item.key.startswith("?") else item.key, entry))
        return found

    def call_over(self, sid: str) -> None:
        """A call has ended: there is nothing to hang up."""
        self._store.delete(_CALLS, sid)

    def _mark(self, entry: Entry, unless_within: float) -> None:
        key = f"{entry.tool}:{entry.digest}"
        mark, until = {"entry": entry.id, "at": entry.at}, entry.at + LONGEST_WINDOW
        if unless_within <= 0:
            self._store.put(_TWINS, key, mark, until)
            return
        for _ in range(3):
            if self._store.claim(_TWINS, key, until, mark):
                return
            item = self._store.get(_TWINS, key)
            if item is None:
                continue  # it has just expired
            at, earlier = float(item.value["at"]), self.entry(str(item.value["entry"]))
            if at < entry.at - unless_within or (earlier is not None and earlier.outcome in NOT_HAPPENED):
                # Compared and swapped, so that of two that find the same old mark one goes on.
                if self._store.replace(_TWINS, key, item.version, mark):
                    return
                continue
            # Marked and not noted yet: the other one is on its way between the two.
            raise DuplicateError(earlier or replace(entry, id=str(item.value["entry"]), at=at))
        raise StoreError("the dedupe mark kept changing")

    def _unmark(self, entry: Entry) -> None:
        key = f"{entry.tool}:{entry.digest}"
        item = self._store.get(_TWINS, key)
        if item is not None and item.value.get("entry") == entry.id:
            # Not deleted: someone else may mark it in between. Too old to count, compared and swapped.
            self._store.replace(_TWINS, key, item.version, {"entry": entry.id, "at": 0.0})

    def _twin(self, item: Item, window_seconds: float) -> Entry | None:
        if float(item.value["at"]) < self._clock() - window_seconds:
            return None
        entry = self.entry(str(item.value["entry"]))
        return None if entry is None or entry.outcome in NOT_HAPPENED else entry


def _creates(entry: Entry) -> bool:
    return endpoint(entry.tool).effect is Effect.CREATE


def _entry(item: Item) -> Entry:
    try:
        return entry_from(item.value)
    except TypeError as error:
        raise StoreError(f"the journal entry {item.key} cannot be read") from error
