"""What is written down about a write, before it leaves and after: for reconciling, and for proving.

What cannot be written down is not sent. What was sent and cannot be written down is still told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from texml_mcp.catalog import Endpoint
from texml_mcp.gate.state import State

if TYPE_CHECKING:
    from texml_mcp.gate.audit import AuditEvent
    from texml_mcp.gate.journal import Entry, Outcome

log = logging.getLogger(__name__)


class RecordError(Exception):
    """A write could not be written down, so it must not leave."""


@dataclass(frozen=True, slots=True)
class Case:
    """One call on its way through the gate: what every line about it repeats.

    `digest` is that of its arguments, once somebody has needed it.
    """

    known: Endpoint
    wire: Mapping[str, Any]
    principal: str
    decision: str = ""
    rule: str = ""
    approval: str = ""
    evidence: str = ""
    digest: str = ""

    @property
    def account(self) -> str:
        return str(self.wire.get("account_sid", ""))


class Records:
    """Journal and audit trail, as one. Both may have to be waited for: async code uses `State.run`."""

    def __init__(self, state: State) -> None:
        self.state = state

    def refused(self, case: Case, status: str, why: str) -> None:
        """Note that nothing was sent. A refusal stands also when it cannot be noted."""
        try:
            self._audit(case, status, why=why)
        except RecordError as error:
            log.error("a refusal was not written to the audit trail: %s", error)

    def digest(self, case: Case) -> str:
        """The digest of a call's arguments. Raises `StoreError` when there is no key."""
        return case.digest or self.state.digester.of_arguments(case.known.id, case.wire)

    def earlier(self, case: Case) -> Entry | None:
        """An identical create that has just been sent, or may have been. Raises `RecordError`."""
        from texml_mcp.gate.store import StoreError

        try:
            return self.state.journal.similar(case.known.id, self.digest(case))
        except StoreError as error:
            raise RecordError(str(error)) from error

    def begin(self, case: Case) -> str | None:
        """Note a write in the journal, durably; its id. Raises `RecordError`: then it must not leave.

        None when nobody was asked about this call and an identical one has begun in the meantime.
        """
        from texml_mcp.gate.journal import DEDUPE_SECONDS, DuplicateError, entry_for
        from texml_mcp.gate.store import StoreError

        try:
            entry = entry_for(
                case.known,
                case.wire,
                self.state.digester,
                account=case.account,
                principal=case.principal,
                digest=case.digest,
            )
            unasked = case.approval == "policy"
            return self.state.journal.begin(entry, unless_within=DEDUPE_SECONDS if unasked else 0.0)
        except DuplicateError:
            return None
        except StoreError as error:
            raise RecordError(str(error)) from error

    def leaving(self, id: str, case: Case) -> None:
        """Tell the trail, durably, that a write leaves now. Raises `RecordError`: then it must not."""
        try:
            self._audit(case, "sending", fsync=True)
        except RecordError:
            self.settle(id, case, "not_sent")
            raise

    def settle(
        self, id: str, case: Case, outcome: Outcome, *, status: int | None = None, sid: str = ""
    ) -> str | None:
        """Note what became of a write; a sentence when that failed. Never raises: it has left by now."""
        from texml_mcp.gate.store import StoreError

        try:
            self.state.journal.settle(id, outcome, status, sid)
            self._audit(case, "settled", outcome=outcome)
        except (StoreError, RecordError) as error:
            log.error("the outcome of %s was not written down: %s", case.known.id, error)
            return "The outcome could not be written to the journal; the server's log says why."
        return None

    def _audit(
        self, case: Case, event: str, *, outcome: str = "", why: str = "", fsync: bool = False
    ) -> None:
        from texml_mcp.gate.audit import AuditError
        from texml_mcp.gate.store import StoreError

        try:
            trail = self.state.audit
            if trail is None:
                return
            trail.append(self._event(case, event, outcome, why), fsync=fsync)
        except (AuditError, StoreError) as error:
            raise RecordError(str(error)) from error

    def _event(self, case: Case, event: str, outcome: str, why: str) -> AuditEvent:
        from texml_mcp.gate.audit import AuditEvent

        wire = case.wire
        subject = wire.get("To") or wire.get("call_sid") or wire.get("conference_sid") or ""
        return AuditEvent(
            event=event,
            tool=case.known.id,
            principal=case.principal,
            account=case.account,
            decision=case.decision,
            rule=case.rule,
            approval=case.approval,
            evidence=case.evidence,
            risks=tuple(risk.kind.value for risk in case.known.risks_of(wire)),
            arguments_digest=self.digest(case),
            outcome=outcome,
            subject=str(subject),
            why=why,
        )
