"""How long a call may last: a time limit is filled in where the caller left it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from texml_mcp.catalog import endpoint
from texml_mcp.gate.guards.model import Finding, GuardConfig, Request

GUARD = "limits"
PARAMETER = "TimeLimit"
# What Telnyx applies when no limit is given, in seconds.
LONGEST = 14_400


def fill(tool: str, wire: Mapping[str, Any], config: GuardConfig) -> dict[str, Any]:
    """The arguments with the configured time limit, where there is none; always a new dictionary."""
    filled = dict(wire)
    limit = config.default_time_limit_seconds
    if config.limits == "enforce" and limit and not filled.get(PARAMETER) and _takes_one(tool):
        filled[PARAMETER] = limit
    return filled


def seconds(request: Request, config: GuardConfig) -> float:
    """How long this call could last at most, in seconds; what starts one without a limit lasts longest."""
    known = endpoint(request.endpoint)
    usual = LONGEST if known.starts_call and not _takes_one(known.id) else config.default_time_limit_seconds
    try:
        given = float(request.wire.get(PARAMETER) or usual or LONGEST)
    except (TypeError, ValueError):
        return LONGEST
    # A limit that is no duration limits nothing.
    return given if 0 < given <= LONGEST else LONGEST


def check(request: Request, config: GuardConfig) -> tuple[Finding, ...]:
    """Warn of a call that nothing ends before the longest limit there is."""
    limit = config.default_time_limit_seconds
    if limit is None or not endpoint(request.endpoint).starts_call:
        return ()
    asked = seconds(request, config)
    if asked <= limit:
        return ()
    why = "" if _takes_one(request.endpoint) else "takes no time limit and "
    message = f"This call {why}may last {asked:.0f} seconds; the configured limit is {limit}."
    return (Finding(GUARD, "confirm", "time_limit_exceeds", message, str(request.wire.get(PARAMETER, ""))),)


def _takes_one(tool: str) -> bool:
    """Whether a call can be started with a time limit."""
    known = endpoint(tool)
    return known.starts_call and any(param.name == PARAMETER for param in known.body_params)
