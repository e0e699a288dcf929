"""Which calls run at once and which need an approval, before any policy file says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from texml_mcp.catalog import Endpoint, RiskClass

Action = Literal["allow", "confirm", "deny"]

# A small change the API itself can take back: mute, hold, a new queue. Everything else is asked about.
_SMALL = frozenset({RiskClass.READS, RiskClass.CONFIG})


def default_action(endpoint: Endpoint, wire: Mapping[str, Any]) -> Action:
    """Reads and small reversible changes are allowed, the rest is confirmed.

    A write whose arguments match none of its declared risks is confirmed too: not knowing what it
    does is no reason to run it.
    """
    if endpoint.reads:
        return "allow"
    risks = endpoint.risks_of(wire)
    if risks and all(risk.kind in _SMALL and risk.reversible for risk in risks):
        return "allow"
    return "confirm"
