"""How long a call may last: a time limit is filled in where the caller left it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from texml_mcp.gate.guards.model import Finding, GuardConfig, Request

GUARD = "limits"
PARAMETER = "TimeLimit"
_TIMED = {"create_call", "dial_conference_participant"}
# What Telnyx applies when no limit is given, in seconds.
LONGEST = 14_400


def fill(endpoint: str, wire: Mapping[str, Any], config: GuardConfig) -> dict[str, Any]:
    """The arguments with the configured time limit, where there is none; always a new dictionary."""
    filled = dict(wire)
    limit = config.default_time_limit_seconds
    if endpoint in _TIMED and config.limits == "enforce" and limit and not filled.get(PARAMETER):
        filled[PARAMETER] = limit
    return filled


def seconds(wire: Mapping[str, Any], config: GuardConfig) -> float:
    """How long this call could last at most, in seconds."""
    try:
        given = float(wire.get(PARAMETER) or config.default_time_limit_seconds or LONGEST)
    except (TypeError, ValueError):
        return LONGEST
    # A limit that is no duration limits nothing.
    return given if 0 < given <= LONGEST else LONGEST


def check(request: Request, config: GuardConfig) -> tuple[Finding, ...]:
    """Warn of a call that nothing ends before the longest limit there is."""
    limit = config.default_time_limit_seconds
    if request.endpoint not in _TIMED or limit is None:
        return ()
    asked = seconds(request.wire, config)
    if asked <= limit:
        return ()
    message = f"This call may last {asked:.0f} seconds; the configured limit is {limit}."
    return (Finding(GUARD, "confirm", "time_limit_exceeds", message, str(request.wire.get(PARAMETER, ""))),)
