"""Approvals: asked for once, bound to one exact call, used once."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_OPEN = 10_000


class Redeemed(StrEnum):
    """What became of an attempt to use an approval."""

    OK = "ok"
    UNKNOWN = "unknown"  # never issued, already used, or burnt by a wrong attempt
    EXPIRED = "expired"
    OTHER_CALL = "other_call"  # issued for other arguments, another tool, account or principal
    OTHER_STATE = "other_state"  # issued for this call, but what it touches has changed since


def binding(tool: str, arguments: Mapping[str, Any], principal: str) -> str:
    """A digest of everything an approval is for; equal calls have equal ones, whatever their key order."""
    text = json.dumps([tool, arguments, principal], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Open:
    bound_to: str
    observed: str
    expires: float


class Approvals:
    """Open approvals of one process. A token works once; any wrong attempt burns it."""

    def __init__(self, seconds: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._open: dict[str, _Open] = {}

    def _now(self) -> float:
        return self._clock()

    def issue(self, bound_to: str, observed: str = "") -> str:
        """A new token for one call, as things stand now."""
        now = self._now()
        if len(self._open) >= MOST_OPEN:
            self._open = {digest: each for digest, each in self._open.items() if each.expires > now}
        while len(self._open) >= MOST_OPEN:
            self._open.pop(next(iter(self._open)))  # the oldest: asking again is safe, running is not
        token = secrets.token_urlsafe(12)
        self._open[_digest(token)] = _Open(bound_to, observed, now + self.seconds)
        return token

    def redeem(self, token: str, bound_to: str, observed: str = "") -> Redeemed:
        """Use a token for a call. Nothing is awaited between finding and removing it: one winner."""
        found = self._open.pop(_digest(token), None)
        if found is None:
            return Redeemed.UNKNOWN
        if found.expires <= self._now():
            return Redeemed.EXPIRED
        if not hmac.compare_digest(found.bound_to, bound_to):
            return Redeemed.OTHER_CALL
        return Redeemed.OK if hmac.compare_digest(found.observed, observed) else Redeemed.OTHER_STATE


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
