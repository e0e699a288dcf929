"""Approvals: asked for once, bound to one exact call as it was seen, used once.

They are kept in the store of the gate, under digests: whoever reads the store cannot redeem one, and of
all processes that share it exactly one can.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from texml_mcp.gate.state import State

_SPACE = "approvals"


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


class Approvals:
    """Open approvals. A token works once; any wrong attempt burns it. Methods may raise `StoreError`."""

    def __init__(
        self, state: State, seconds: float = 300.0, clock: Callable[[], float] | None = None
    ) -> None:
        self.seconds = seconds
        self._state = state
        self._clock = clock or state.clock

    def _now(self) -> float:
        return self._clock()

    def issue(self, bound_to: str, observed: str = "") -> str:
        """A new token for one call, as things stand now."""
        token = secrets.token_urlsafe(12)
        until = self._now() + self.seconds
        value = {"bound_to": bound_to, "observed": observed, "until": until}
        # Kept a while longer than it counts, so that "expired" can be told from "never issued".
        # Lost with the power, it is asked for again.
        with self._state.store.together(durable=False):
            self._state.store.put(_SPACE, _digest(token), value, until + self.seconds)
        return token

    def redeem(self, token: str, bound_to: str, observed: str = "") -> Redeemed:
        """Use a token for a call. It is taken out before it is looked at: of all that try, one gets it.

        It is on the disk as used with the journal entry of its call, and so before anything leaves.
        """
        with self._state.store.together(durable=False):
            found = self._state.store.take(_SPACE, _digest(token))
        if found is None:
            return Redeemed.UNKNOWN
        if found["until"] <= self._now():
            return Redeemed.EXPIRED
        if not hmac.compare_digest(str(found["bound_to"]), bound_to):
            return Redeemed.OTHER_CALL
        same = hmac.compare_digest(str(found["observed"]), observed)
        return Redeemed.OK if same else Redeemed.OTHER_STATE


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
