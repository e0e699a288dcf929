"""What a policy says about a tool before its arguments are known: for people, models and the shell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from texml_mcp.catalog import Endpoint
from texml_mcp.gate.policy.decide import DEFAULT_RULE
from texml_mcp.gate.policy.defaults import Action, is_small
from texml_mcp.gate.policy.model import Policy
from texml_mcp.gate.policy.rule import Rule

_STRICTNESS: tuple[Action, ...] = ("allow", "confirm", "deny")


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of a policy that speaks of a tool; `when` is empty where it speaks of every call."""

    action: Action
    where: str
    when: str = ""

    def __str__(self) -> str:
        return f"{self.action}: {self.where}" + (f" when {self.when}" if self.when else "")


def entries(policy: Policy, known: Endpoint) -> Iterator[Entry]:
    """What can decide about a tool, bounds by role aside, in the order of the file."""
    for rule in policy.rules:
        if known.id in rule.about:
            yield Entry(rule.action, f"rules.{rule.name}", _conditions(rule))
    if action := policy.tools.get(known.id):
        yield Entry(action, f"tools.{known.id}")
    action = policy.toolsets.get(known.toolset)
    if action and not (action == "confirm" and known.reads):
        yield Entry(action, f"toolsets.{known.toolset}")
    possible = {"reads"} if known.reads else {risk.kind.value for risk in known.risks}
    for risk, action in policy.risks.items():
        if risk in possible:
            yield Entry(action, f"risks.{risk}", _carried(known, risk, action))


def defaults(known: Endpoint) -> Iterator[Entry]:
    """What decides where no entry speaks of a call; the last one speaks of every call."""
    small = [str(risk.when) for risk in known.risks if is_small(risk)]
    large = [str(risk.when) for risk in known.risks if not is_small(risk)]
    if known.reads or ("always" in small and not large):
        yield Entry("allow", DEFAULT_RULE)
        return
    if small and "always" not in large:
        yield Entry("allow", DEFAULT_RULE, "only " + " or ".join(small))
    yield Entry("confirm", DEFAULT_RULE)


def outlook(policy: Policy, known: Endpoint, role: str | None = None) -> list[Entry]:
    """What becomes of a tool's calls, the strictest first; one entry where arguments make no difference.

    The last entry is about every call that those before it do not speak of.
    """
    if denied := _bound(policy, known, role):
        return [denied]
    spoken = sorted(
        entries(policy, known), key=lambda each: (-_STRICTNESS.index(each.action), bool(each.when))
    )
    told: list[Entry] = []
    for entry in spoken:
        told.append(entry)
        if not entry.when:  # nothing milder can decide any more
            return told
    return told + list(defaults(known))


def _bound(policy: Policy, known: Endpoint, role: str | None) -> Entry | None:
    if policy.read_only and not known.reads:
        return Entry("deny", "read_only")
    if role is not None and role not in policy.roles and policy.roles:
        return Entry("deny", "roles")
    name = role or "default"
    if (bound := policy.roles.get(name)) and not bound.permits(known):
        return Entry("deny", f"roles.{name}")
    return None


def _conditions(rule: Rule) -> str:
    asked = [f"{name} {condition}" for name, condition in rule.when.items()]
    if rule.risks:
        asked.append(f"the call carries {' or '.join(rule.risks)}")
    return ", ".join(asked)


def _carried(known: Endpoint, kind: str, action: Action) -> str:
    """When a call carries a risk; a permission for one is none for another that the call carries too."""
    if known.reads:
        return ""
    asked = list(dict.fromkeys(str(risk.when) for risk in known.risks if risk.kind.value == kind))
    when = "" if "always" in asked else " or ".join(asked)
    others = any(risk.kind.value != kind and not is_small(risk) for risk in known.risks)
    if action == "allow" and others:
        return f"{when}, and every other risk of the call is allowed".removeprefix(", and ")
    return when
