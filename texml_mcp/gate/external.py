"""Approvals by somebody else: a queue that a person settles from another place than the conversation.

The requester cannot approve, an approval works once, and a call that has changed since is asked anew.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from texml_mcp.gate.state import State
from texml_mcp.gate.store import StoreError
from texml_mcp.identity.names import key_of, problem_of

_REQUESTS, _BY_CALL, _HISTORY = "external/requests", "external/by_call", "external/history"
WAIT_SECONDS = 3600.0
REASON_CHARACTERS = 200
KEPT_SECONDS = 86_400.0
"""How long a request can be looked up after its time is up."""
MOST_LISTED = 200
_MOST_HELD = 1000  # settled requests lie among those that wait, until their calls are repeated
_TRIES = 5

Standing = Literal["waiting", "approved", "denied"]

log = logging.getLogger(__name__)


class NotAllowedError(Exception):
    """This person may not settle this request; the text says why."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request for approval. `words` is the question, with the facts as they were read.

    `warnings` speak against it. `request` is what would be sent, secrets masked; `account` is the account
    it acts on and `account_label` what people call it. Times are seconds since 1970.
    """

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
    warnings: Sequence[str] = ()
    request: Mapping[str, Any] | None = None
    account: str = ""
    account_label: str = ""
    settled_at: float = 0.0


_FIELDS = frozenset(field.name for field in fields(Waiting))


def _loaded(value: Mapping[str, Any]) -> Waiting:
    """A request as it was kept; what a newer server has added is left out."""
    return Waiting(**{name: held for name, held in value.items() if name in _FIELDS})


class Queue:
    """Requests for approval in the store of the gate. Methods may raise `StoreError`."""

    def __init__(self, state: State, clock: Callable[[], float] | None = None) -> None:
        self._state = state
        self._clock = clock or state.clock

    @property
    def state(self) -> State:
        """Where the requests are kept; the pages keep their sessions there too."""
        return self._state

    def of_call(self, bound_to: str) -> Waiting | None:
        """The open request of exactly this call, if there is one."""
        item = self._state.store.get(_BY_CALL, bound_to)
        return None if item is None else self.get(str(item.value["id"]))

    def ask(
        self,
        tool: str,
        principal: str,
        bound_to: str,
        observed: str,
        words: str,
        risks: Sequence[str],
        *,
        warnings: Sequence[str] = (),
        request: Mapping[str, Any] | None = None,
        account: str = "",
        account_label: str = "",
    ) -> Waiting:
        """Put a call into the queue; one that waits already is returned, so that asking twice asks once."""
        now = self._clock()
        until = now + WAIT_SECONDS
        id = secrets.token_hex(4)
        waiting = Waiting(
            id,
            tool,
            principal,
            bound_to,
            observed,
            words,
            list(risks),
            now,
            until,
            warnings=list(warnings),
            request=request,
            account=account,
            account_label=account_label,
        )
        self._state.store.put(_REQUESTS, id, asdict(waiting), until)
        for _ in range(_TRIES):
            if self._state.store.claim(_BY_CALL, bound_to, until, {"id": id}):
                break
            mark = self._state.store.get(_BY_CALL, bound_to)
            if mark is None:
                continue
            if (other := self.get(str(mark.value["id"]))) is not None:
                self._state.store.delete(_REQUESTS, id)
                return other
            # Used, and its mark left behind by a process that was killed: nobody could be asked for an hour.
            # Claimed anew, not written over: the mark has to last as long as the request it stands for.
            self._state.store.delete(_BY_CALL, bound_to, mark.value)
        else:
            raise StoreError("the queue kept changing")
        # Whoever was quicker to settle it has told the history more than this would; it is left alone.
        self._state.store.claim(_HISTORY, id, until + KEPT_SECONDS, asdict(waiting))
        return waiting

    def get(self, id: str) -> Waiting | None:
        """A request that waits, or was settled and not used yet."""
        item = self._state.store.get(_REQUESTS, id)
        return None if item is None else _loaded(item.value)

    def told(self, id: str) -> Waiting | None:
        """A request whatever has become of it; one that still stands as waiting after `until` has expired."""
        if (waiting := self.get(id)) is not None:
            return waiting
        item = self._state.store.get(_HISTORY, id)
        return None if item is None else _loaded(item.value)

    def listed(self) -> list[Waiting]:
        """What waits, the oldest first."""
        found = [_loaded(item.value) for item in self._state.store.list(_REQUESTS, _MOST_HELD)]
        return [each for each in found if each.standing == "waiting"][:MOST_LISTED]

    def decided(self, limit: int = MOST_LISTED) -> list[Waiting]:
        """What was approved, denied or left until it expired, the newest decision first."""
        now = self._clock()
        items = self._state.store.list(_HISTORY, limit, newest_first=True)
        found = [_loaded(item.value) for item in items]
        over = [each for each in found if each.standing != "waiting" or each.until <= now]
        return sorted(over, key=lambda each: each.settled_at or each.until, reverse=True)

    def settle(self, id: str, by: str, *, approve: bool, reason: str = "") -> Waiting:
        """Approve or deny a request, once. Raises `NotAllowedError`."""
        item = self._state.store.get(_REQUESTS, id)
        if item is None:
            raise NotAllowedError(self._gone(id))
        waiting = _loaded(item.value)
        if waiting.standing != "waiting":
            raise NotAllowedError(f"Request {id} was {waiting.standing} by {waiting.by} before.")
        if problem := problem_of(by):
            # Not mended: the requester's name with a space or an invisible character would be another one.
            raise NotAllowedError(f"The name of whoever settles it {problem}.")
        if key_of(by) == key_of(waiting.principal):
            raise NotAllowedError("Whoever asked cannot settle it: somebody else must.")
        value: dict[str, Any] = asdict(waiting) | {
            "standing": "approved" if approve else "denied",
            "by": by,
            "reason": reason[:REASON_CHARACTERS],
            "settled_at": self._clock(),
        }
        if not self._state.store.replace(_REQUESTS, id, item.version, value):
            raise NotAllowedError(self._gone(id))
        settled = _loaded(value)
        self._remember(settled, value)
        return settled

    def use(self, waiting: Waiting) -> bool:
        """Take a settled request out; true for one caller only.

        It is on the disk as used with the journal entry of its call, and so before anything leaves.
        """
        with self._state.store.together(durable=False):
            if self._state.store.take(_REQUESTS, waiting.id) is None:
                return False
        # A step of its own: whatever happens here, what was approved has been used. And its own mark alone:
        # whoever has asked anew since the request was taken has put another one there, and without it nobody
        # would find what is approved next.
        with self._state.store.together(durable=False):
            self._state.store.delete(_BY_CALL, waiting.bound_to, {"id": waiting.id})
        return True

    def _gone(self, id: str) -> str:
        """Why a request cannot be settled any more."""
        known = self.told(id)
        if known is None:
            return f"No request {id} waits: it was never made, has expired, or was used."
        if known.standing != "waiting":
            return f"Request {id} was {known.standing} by {known.by} before."
        return f"Request {id} has expired: nobody answered in time. Nothing was sent."

    def _remember(self, settled: Waiting, value: Mapping[str, Any]) -> None:
        """Write a decision down. It stands also when this fails: the call itself is not sent unrecorded."""
        from texml_mcp.gate.audit import AuditError, AuditEvent

        event = AuditEvent(
            event=settled.standing,
            tool=settled.tool,
            principal=settled.by,
            account=settled.account,
            decision="confirm",
            approval="external",
            evidence=evidence_of(settled),
            risks=tuple(risk.partition(":")[0] for risk in settled.risks),
            subject=f"request_{settled.id}",  # an id of digits alone would be masked as a number
            why=f"asked by {settled.principal}" + (f": {settled.reason}" if settled.reason else ""),
        )
        try:
            self._state.store.put(_HISTORY, settled.id, value, settled.until + KEPT_SECONDS)
            if (trail := self._state.audit) is not None:
                trail.append(event)
        except (AuditError, StoreError) as error:
            log.error("the decision on %s was not written down: %s", settled.id, error)


def evidence_of(settled: Waiting) -> str:
    """What proves an approval, in the line of the decision and in that of the call that was sent by it."""
    return f"{settled.id} by {settled.by}"
