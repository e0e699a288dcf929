"""What the claims of a JWT come to: a principal, or a refusal. The signature is checked elsewhere, before."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any, cast

from texml_mcp.identity.entries import TokensError, accounts_of, role_of
from texml_mcp.identity.identity import RefusedError
from texml_mcp.identity.names import plain, problem_of
from texml_mcp.identity.principals import Principal, Role
from texml_mcp.text import shown

LEEWAY_SECONDS = 30
_LATEST = 253_402_300_799  # the end of the year 9999
_SEPARATORS = re.compile(r"[\s,]+")


def principal_of(claims: Mapping[str, Any], policies: Collection[str]) -> Principal:
    """The principal of verified claims. Raises `RefusedError`.

    A claim that is absent has its default: viewer, every account, the server's policy. One that is there
    and not understood refuses the token: ignoring it would grant what somebody meant to hold back.
    """
    return Principal(_subject(claims), _role(claims), _accounts(claims), _policy(claims, policies))


def check_times(claims: Mapping[str, Any], now: float) -> int:
    """Whether the token counts now; the Unix second from which it no longer does. Raises `RefusedError`."""
    expires, issued, not_before = (_time(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None:
        raise RefusedError("no exp claim: a token that never ends is not taken")
    if expires + LEEWAY_SECONDS <= now:
        raise RefusedError("it has expired")
    if not_before is not None and not_before - LEEWAY_SECONDS > now:
        raise RefusedError("it counts from later on (nbf)")
    if issued is not None and (issued - LEEWAY_SECONDS > now or issued > expires):
        raise RefusedError("its time of issue (iat) cannot be")
    return math.ceil(expires) + LEEWAY_SECONDS


def client_of(claims: Mapping[str, Any]) -> str | None:
    """The program the token was issued to, where the claims say so in a form that can be shown."""
    for name in ("azp", "client_id"):
        value = claims.get(name)
        if isinstance(value, str) and value and plain(value, 200):
            return value
    return None


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise RefusedError("no sub claim, or one that is not text")
    if problem := problem_of(subject):
        raise RefusedError(f"its sub claim {problem}")
    return subject


def _role(claims: Mapping[str, Any]) -> Role:
    if "texml_role" not in claims:
        return "viewer"
    try:
        return role_of(claims["texml_role"])
    except TokensError as error:
        raise RefusedError(f"texml_role: {error}") from None


def _accounts(claims: Mapping[str, Any]) -> tuple[str, ...]:
    if "texml_accounts" not in claims:
        return ()
    value = claims["texml_accounts"]
    values = [each for each in _SEPARATORS.split(value) if each] if isinstance(value, str) else value
    # An empty list says "none", and as a principal's accounts it would mean "every".
    if not isinstance(values, list) or not values:
        raise RefusedError("texml_accounts is neither a list nor text, or names no account")
    try:
        return accounts_of(cast("list[Any]", values))
    except (TokensError, TypeError) as error:
        raise RefusedError(f"texml_accounts: {error}") from None


def _policy(claims: Mapping[str, Any], policies: Collection[str]) -> str | None:
    if "texml_policy" not in claims:
        return None
    value = claims["texml_policy"]
    # A path from a token would let an issuer choose any file of this machine as a policy.
    if not isinstance(value, str) or value not in policies:
        raise RefusedError(f"texml_policy {shown(value)} is none of: {', '.join(policies)}")
    return value


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    # A truth value counts as a number in Python, and a NaN is neither before nor after anything.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LATEST:
        raise RefusedError(f"its {name} claim is not a time")
    return value
