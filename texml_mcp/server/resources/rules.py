"""`texml://policy`: what would become of a call, told before anybody makes it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from texml_mcp.catalog import ENDPOINTS, RiskClass
from texml_mcp.execute import Services
from texml_mcp.gate.policy import Mode, Policy
from texml_mcp.gate.policy.overview import outlook
from texml_mcp.gate.ruling import Judge

_ASKS: dict[Mode, str] = {
    "off": "nobody is asked",
    "token": "the call is repeated with a token after the user's yes",
    "auto": "a person by form where the client can show one, else by token",
    "strict": "a person by form only",
    "external": "somebody other than the requester",
}
_GUARDS = ("numbers", "hosts", "callers", "hours", "budgets", "limits")
_BUDGETS = (
    *("calls_per_minute", "calls_per_hour", "per_destination_per_hour", "concurrent_calls"),
    *("spend_per_day", "rate_per_minute_cost", "loop_count", "loop_window_seconds"),
)


def policy(services: Services) -> dict[str, Any]:
    """The policy as it is now for this principal: names and numbers of rules, nothing about the machine."""
    first, *others = (_under(judge, services.offered) for judge in services.judge.asked)
    told = {"principal": services.principal, **first}
    # A policy of the principal's own; whichever of them is stricter about a call counts.
    return told | ({"beside": others} if others else {})


def _under(judge: Judge, offered: Collection[str]) -> dict[str, Any]:
    halted = judge.halted  # reads a changed file again, so it is asked before the policy
    now = judge.policy
    mode = now.mode or judge.mode
    told: dict[str, Any] = {
        "policy": judge.name,
        "description": now.description,
        "halted": halted,
        "mode": mode,
        "asked": _ASKS[mode],
        "modes": _modes(now, offered),
        "order": "deny beats confirm beats allow; guards only add to it; of several the first that fits",
        "risks": _risks(now),
        "tools": _tools(now, offered, judge.role),
        "guards": _guards(now),
    }
    return {name: value for name, value in told.items() if value}


def _modes(now: Policy, offered: Collection[str]) -> dict[str, Mode]:
    """Where approval is asked in a mode of its own: by risk, and by rule."""
    rules = (rule for rule in now.rules if rule.mode is not None and not rule.about.isdisjoint(offered))
    return {**now.modes, **{f"rules.{rule.name}": rule.mode for rule in rules if rule.mode is not None}}


def _risks(now: Policy) -> dict[str, str]:
    """What becomes of a call by the risks it carries, where no entry about its tool decides."""
    standing: dict[str, str] = {risk.value: "confirm" for risk in RiskClass}
    standing |= {RiskClass.READS: "allow", RiskClass.CONFIG: "confirm; allow when it can be taken back"}
    told = standing | dict(now.risks)
    if now.read_only:
        told = {risk: action if risk == RiskClass.READS else "deny" for risk, action in told.items()}
    return {str(risk): action for risk, action in told.items()}


def _tools(now: Policy, offered: Collection[str], role: str | None) -> dict[str, Any]:
    """The offered tools by what becomes of their calls; those where the arguments decide, one by one."""
    plain: dict[str, list[str]] = {"allow": [], "confirm": [], "deny": []}
    by_arguments: dict[str, list[str]] = {}
    for known in ENDPOINTS:
        if known.id not in offered:
            continue
        told = outlook(now, known, role)
        if len(told) == 1:
            plain[told[0].action].append(known.id)
        else:
            last = told[-1]
            by_arguments[known.id] = [*(str(each) for each in told[:-1]), f"else {last.action}"]
    found: dict[str, Any] = {action: names for action, names in plain.items() if names}
    return found | ({"by_arguments": by_arguments} if by_arguments else {})


def _guards(now: Policy) -> dict[str, Any]:
    """What is looked at besides the entries: who may be rung, when, and how often."""
    config = now.guards.model_dump(mode="json")
    told: dict[str, Any] = {
        "checks": {name: config[name] for name in _GUARDS},
        "destinations": {
            "never": "emergency and crisis numbers",
            "countries": config["allowed_countries"] or "any",
            "denied_countries": config["denied_countries"] or "none",
            "sip_hosts": config["sip_hosts"] or "any, each confirmed",
            "url_hosts": config["url_hosts"] or "any",
            "caller_ids": config["own_caller_ids"] or "any",
        },
        "budgets": {name: config[name] for name in _BUDGETS if config[name] is not None},
    }
    if now.guards.hours != "off":
        told["quiet_hours"] = {**config["quiet_hours"], "clock": "of whoever is rung"}
    if now.guards.default_time_limit_seconds is not None:
        told["default_time_limit_seconds"] = now.guards.default_time_limit_seconds
    return told
