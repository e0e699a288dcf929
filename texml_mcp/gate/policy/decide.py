"""What becomes of one call under a policy.

Everything that speaks of the call is collected: rules, the tool's entry, its toolset's, those of the risks
that these arguments carry. Any deny denies; else read-only and the role's bounds deny; else any confirm
asks; else any allow allows; and where nothing speaks, the default decides. Guards and hard blocks come
before all of this, in the pipeline.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from texml_mcp.catalog import Endpoint, RiskClass
from texml_mcp.gate.policy.defaults import Action, default_action, large_risks
from texml_mcp.gate.policy.model import Policy, strictest
from texml_mcp.gate.policy.rule import Mode

log = logging.getLogger(__name__)

FAILED_RULE = "policy-failed"
DEFAULT_RULE = "default"


@dataclass(frozen=True, slots=True)
class Match:
    """One entry of the policy that speaks of a call; `rule` is where it stands in the file."""

    action: Action
    rule: str
    reason: str
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why. `mode` is how to ask, should the call be asked about after all."""

    action: Action
    rule: str
    reason: str
    mode: Mode
    matches: tuple[Match, ...] = ()


def decide(
    policy: Policy,
    endpoint: Endpoint,
    wire_arguments: Mapping[str, Any],
    *,
    mode: Mode = "auto",
    role: str | None = None,
) -> Decision:
    """The decision about one call. Never raises: what cannot be checked is denied.

    `mode` is how the server asks when the policy does not say. `role` is the caller's role; without one
    the role `default` counts, if the policy has it.
    """
    try:
        return _decide(policy, endpoint, wire_arguments, policy.mode or mode, role)
    except Exception as error:
        log.warning("policy check of %s failed: %s", endpoint.id, type(error).__name__)
        return failed(f"The policy could not be checked for this call ({type(error).__name__}).")


def failed(reason: str) -> Decision:
    """The decision when there is no answer to be had from the policy."""
    return Decision("deny", FAILED_RULE, reason, "external")


def _decide(
    policy: Policy, endpoint: Endpoint, wire: Mapping[str, Any], mode: Mode, role: str | None
) -> Decision:
    carried = carried_risks(endpoint, wire)
    # All are looked at, also after a deny: a check that fails must not depend on the order of the file.
    matches = (*_explicit(policy, endpoint, wire, carried), *_bounds(policy, endpoint, role))
    modes: list[Mode] = [each.mode for each in matches if each.mode is not None]
    asked = strictest([_mode_of_risks(policy, carried, mode), *modes])
    actions: tuple[Action, ...] = ("deny", "confirm", "allow")
    for action in actions:
        decisive = next((each for each in matches if each.action == action), None)
        if decisive is not None:
            return Decision(action, decisive.rule, decisive.reason, asked, matches)
    return Decision(
        default_action(endpoint, wire), DEFAULT_RULE, _default_reason(endpoint, carried), asked, matches
    )


def carried_risks(endpoint: Endpoint, wire: Mapping[str, Any]) -> frozenset[RiskClass]:
    """The classes of what this call can do; a read carries `reads`."""
    kinds = frozenset(risk.kind for risk in endpoint.risks_of(wire))
    return kinds | {RiskClass.READS} if endpoint.reads else kinds


def _explicit(
    policy: Policy, endpoint: Endpoint, wire: Mapping[str, Any], carried: frozenset[RiskClass]
) -> Iterator[Match]:
    for rule in policy.rules:
        if rule.matches(endpoint, wire, carried):
            reason = rule.reason or f"Rule {rule.name} of the policy says {rule.action}."
            yield Match(rule.action, f"rules.{rule.name}", reason, rule.mode)
    if action := policy.tools.get(endpoint.id):
        yield Match(action, f"tools.{endpoint.id}", f"The policy says {action} for {endpoint.id}.")
    action = policy.toolsets.get(endpoint.toolset)
    if action and not (action == "confirm" and endpoint.reads):
        where = f"toolsets.{endpoint.toolset}"
        yield Match(action, where, f"The policy says {action} for the toolset {endpoint.toolset}.")
    yield from _by_risk(policy, endpoint, wire, carried)


def _by_risk(
    policy: Policy, endpoint: Endpoint, wire: Mapping[str, Any], carried: frozenset[RiskClass]
) -> Iterator[Match]:
    allowed = {risk for risk, action in policy.risks.items() if action == "allow"}
    # Permission for one risk is none for another that the same call carries.
    covered = large_risks(endpoint.risks_of(wire)) <= allowed
    for risk in sorted(carried):
        action = policy.risks.get(risk)
        if action and (action != "allow" or covered):
            yield Match(
                action, f"risks.{risk.value}", f"The policy says {action} for calls that {_VERBS[risk]}."
            )


def _bounds(policy: Policy, endpoint: Endpoint, role: str | None) -> Iterator[Match]:
    if policy.read_only and not endpoint.reads:
        yield Match("deny", "read_only", "The policy allows reads only.")
    if role is not None and role not in policy.roles and policy.roles:
        yield Match("deny", "roles", "The caller's role is not in the policy.")
        return
    name = role or "default"
    if (bound := policy.roles.get(name)) and not bound.permits(endpoint):
        yield Match("deny", f"roles.{name}", f"The role {name} may not use {endpoint.id} this way.")


def _mode_of_risks(policy: Policy, carried: frozenset[RiskClass], mode: Mode) -> Mode:
    """Each risk of the call asks in its own mode, the rest in the policy's; the strictest counts."""
    modes: list[Mode] = [policy.modes.get(risk, mode) for risk in carried]
    return strictest(modes or [mode])


_VERBS: Mapping[RiskClass, str] = {
    RiskClass.READS: "read",
    RiskClass.CONFIG: "change how calls are handled",
    RiskClass.SPENDS: "cost money",
    RiskClass.INTERRUPTS: "ring, cut off or redirect people",
    RiskClass.DESTROYS: "destroy what cannot be brought back",
    RiskClass.EXPOSES: "let something leave the account",
    RiskClass.LISTENS_IN: "listen to people or record them",
}


def _default_reason(endpoint: Endpoint, carried: frozenset[RiskClass]) -> str:
    if endpoint.reads:
        return "Reads are allowed unless the policy denies them."
    if not carried:
        return "Nothing is known about what these arguments do, so a person is asked."
    return "The policy says nothing about this call: small reversible changes run, everything else is asked."
