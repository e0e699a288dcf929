"""What can go wrong between this process and the API, in words that do not change.

The outcome is the word that matters for a phone call:

- `not_sent`: provably never left this process, or was refused here.
- `rejected`: the API answered, and did not do it.
- `unknown`: it may have happened. Read the state before doing it again.

A read changes nothing, so its outcome only says how far it came: `not_sent` when it never left,
`rejected` when upstream answered (whatever the answer was), `unknown` when no answer arrived.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

Outcome = Literal["not_sent", "rejected", "unknown"]


class ErrorCode(StrEnum):
    """Stable: callers may branch on these, so a code is never renamed or given another meaning."""

    # refused here, before anything left
    INVALID_ARGUMENT = "invalid_argument"
    WRONG_SIDE = "wrong_side"  # a sandbox key for the live API, or the other way round
    INSECURE_ADDRESS = "insecure_address"  # a live key over plain HTTP
    CLIENT_CLOSED = "client_closed"

    # never reached the API
    CONNECTION_REFUSED = "connection_refused"
    DNS_FAILED = "dns_failed"
    TLS_FAILED = "tls_failed"
    PROXY_FAILED = "proxy_failed"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    TOO_BUSY = "too_busy"  # no free connection in time

    # the API said no
    BAD_REQUEST = "bad_request"
    AUTHENTICATION_FAILED = "authentication_failed"
    NOT_AUTHORIZED = "not_authorized"
    NOT_FOUND = "not_found"
    NOT_FOUND_OR_WRONG_ACCOUNT = "not_found_or_wrong_account"
    NOT_VISIBLE_YET = "not_visible_yet"  # just written here; reads trail behind
    CONFLICT = "conflict"
    VALIDATION_FAILED = "validation_failed"
    INVALID_ENUM = "invalid_enum"
    INVALID_TYPE = "invalid_type"
    INVALID_ID = "invalid_id"
    MISSING_PARAMETER = "missing_parameter"
    NOT_E164 = "not_e164"
    INVALID_SEND_DIGITS = "invalid_send_digits"
    CALL_ENDED = "call_ended"
    CONFERENCE_ENDED = "conference_ended"
    PARTICIPANT_ON_HOLD = "participant_on_hold"
    RESOURCE_IN_USE = "resource_in_use"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"  # any other 4xx

    # an answer that settles nothing, or none
    UPSTREAM_FAILED = "upstream_failed"  # 5xx
    REDIRECTED = "redirected"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    TRUNCATED_ANSWER = "truncated_answer"
    MALFORMED_ANSWER = "malformed_answer"
    NOT_JSON = "not_json"  # a page of HTML, usually a proxy's or a firewall's
    ANSWER_TOO_LARGE = "answer_too_large"
    UNEXPECTED_ANSWER = "unexpected_answer"


class UpstreamError(Exception):
    """A request that did not end in a usable answer.

    `field` is the portable key of the parameter that upstream complains about. `upstream` holds
    `status`, `code`, `title` and `detail` of its answer, as far as given, sanitised and capped.
    `transient` says that the same request may succeed a moment later; whether repeating it is safe
    is another question, answered in `retry.py`.
    """

    def __init__(
        self,
        code: ErrorCode,
        summary: str,
        outcome: Outcome,
        *,
        field: str | None = None,
        retry_after_seconds: float | None = None,
        upstream: dict[str, Any] | None = None,
        transient: bool = False,
    ) -> None:
        super().__init__(f"{code.value}: {summary}")
        self.code = code
        self.summary = summary
        self.outcome: Outcome = outcome
        self.field = field
        self.retry_after_seconds = retry_after_seconds
        self.upstream = upstream
        self.transient = transient
        self.attempts = 0

    @property
    def status(self) -> int | None:
        """The HTTP status, when there was an answer."""
        return None if self.upstream is None else self.upstream.get("status")
