"""Which calls run at once and which need an approval, when the policy file says nothing about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from texml_mcp.catalog import Endpoint, Risk, RiskClass

Action = Literal["allow", "confirm", "deny"]

# A small change the API itself can take back: mute, hold, a new queue. Everything else is asked about.
_SMALL = frozenset({RiskClass.READS, RiskClass.CONFIG})


def is_small(risk: Risk) -> bool:
    """Whether a risk is slight enough to run without a question: reversible, and felt by nobody."""
    return risk.kind in _SMALL and risk.reversible


def large_risks(risks: Iterable[Risk]) -> frozenset[RiskClass]:
    """The classes that somebody has to say yes to."""
    return frozenset(risk.kind for risk in risks if not is_small(risk))


def default_action(endpoint: Endpoint, wire: Mapping[str, Any]) -> Action:
    """Reads and small reversible changes are allowed, the rest is confirmed.

    A write whose arguments match none of its declared risks is confirmed too: not knowing what it
    does is no reason to run it.
    """
    if endpoint.reads:
        return "allow"
    risks = endpoint.risks_of(wire)
    return "allow" if risks and not large_risks(risks) else "confirm"
