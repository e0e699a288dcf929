"""Approvals by somebody else: a queue that a person settles from another place than the conversation.

The requester cannot approve, an approval works once, and a call that has changed since is asked anew.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from texml_mcp.gate.state import State
from texml_mcp.gate.store import StoreError

_REQUESTS, _BY_CALL = "external/requests", "external/by_call"
WAIT_SECONDS = 3600.0
MOST_LISTED = 200
_TRIES = 5

Standing = Literal["waiting", "approved", "denied"]


class NotAllowedError(Exception):
    """This person may not settle this request; the text says why."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request for approval. `words` is the question, with the facts as they were read."""

    id: str
    tool: str
    principal: str
    bound_to: str
    observed: str
    words: str
    risks: Sequence[str]
    asked_at: float
    until: float
    standing: Standing = "waiting"
    by: str = ""
    reason: str = ""


class Queue:
    """Requests for approval in the store of the gate. Methods may raise `StoreError`."""

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def of_call(self, bound_to: str) -> Waiting | None:
        """The open request of exactly this call, if there is one."""
        item = self._state.store.get(_BY_CALL, bound_to)
        return None if item is None else self.get(str(item.value["id"]))

    def ask(
        self, tool: str, principal: str, bound_to: str, observed: str, words: str, risks: Sequence[str]
    ) -> Waiting:
        """Put a call into the queue; one that waits already is returned, so that asking twice asks once."""
        now = self._clock()
        until = now + WAIT_SECONDS
        id = secrets.token_hex(4)
        waiting = Waiting(id, tool, principal, bound_to, observed, words, list(risks), now, until)
        self._state.store.put(_REQUESTS, id, asdict(waiting), until)
        for _ in range(_TRIES):
            if self._state.store.claim(_BY_CALL, bound_to, until, {"id": id}):
                return waiting
            if (other := self.of_call(bound_to)) is not None:
                self._state.store.delete(_REQUESTS, id)
                return other
            # Used, and its mark left behind by a process that was killed: nobody could be asked for an hour.
            mark = self._state.store.get(_BY_CALL, bound_to)
            if mark is not None and self._state.store.replace(_BY_CALL, bound_to, mark.version, {"id": id}):
                return waiting
        raise StoreError("the queue kept changing")

    def get(self, id: str) -> Waiting | None:
        item = self._state.store.get(_REQUESTS, id)
        return None if item is None else Waiting(**item.value)

    def listed(self) -> list[Waiting]:
        """What waits, the oldest first."""
        found = [Waiting(**item.value) for item in self._state.store.list(_REQUESTS, MOST_LISTED)]
        return [each for each in found if each.standing == "waiting"]

    def settle(self, id: str, by: str, *, approve: bool, reason: str = "") -> Waiting:
        """Approve or deny a request, once. Raises `NotAllowedError`."""
        item = self._state.store.get(_REQUESTS, id)
        if item is None:
            raise NotAllowedError(f"No request {id} waits: it was never made, has expired, or was used.")
        waiting = Waiting(**item.value)
        if waiting.standing != "waiting":
            raise NotAllowedError(f"Request {id} was {waiting.standing} by {waiting.by} before.")
        if not by or by == waiting.principal:
            raise NotAllowedError("Whoever asked cannot settle it: somebody else must.")
        value: dict[str, Any] = asdict(waiting) | {
            "standing": "approved" if approve else "denied",
            "by": by,
            "reason": reason[:200],
        }
        if not self._state.store.replace(_REQUESTS, id, item.version, value):
            raise NotAllowedError(f"Request {id} has just been settled by somebody else.")
        return Waiting(**value)

    def use(self, waiting: Waiting) -> bool:
        """Take a settled request out; true for one caller only."""
        if self._state.store.take(_REQUESTS, waiting.id) is None:
            return False
        # By its taker alone: a loser would remove the request that has been made in the meantime.
        self._state.store.delete(_BY_CALL, waiting.bound_to)
        return True
