"""Whether a call may run: policy and guards together, as one ruling. What cannot be judged is denied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from texml_mcp.catalog import Endpoint
from texml_mcp.gate import guards
from texml_mcp.gate.guards import Finding, GuardConfig
from texml_mcp.gate.policy import Action, default_action
from texml_mcp.gate.usage import MemoryUsage


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ruling:
    """`action`, the rule it comes from, and what the guards found."""

    action: Action
    rule: str
    findings: tuple[Finding, ...] = ()

    @property
    def reasons(self) -> list[str]:
        """What speaks against the call: of a denial only what denies."""
        against = {"deny": ("deny",), "confirm": ("confirm", "warn")}.get(self.action, ("warn",))
        return [finding.message for finding in self.findings if finding.level in against]

    @property
    def code(self) -> str:
        """The stable reason of a denial."""
        return next((each.code for each in self.findings if each.level == "deny"), "policy_denied")


class Judge:
    """Rules on calls before they leave, and remembers what left. `live` is false on the sandbox."""

    def __init__(
        self,
        *,
        live: bool,
        config: GuardConfig | None = None,
        usage: MemoryUsage | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._live = live
        self._config = config or GuardConfig.model_validate({})
        self._usage = usage or MemoryUsage()
        self._now = now

    def rule(self, known: Endpoint, wire: Mapping[str, Any]) -> Ruling:
        """The ruling on one call. Never raises: an exception in here is a denial."""
        action = default_action(known, wire)
        if known.reads:
            return Ruling(action, "default")
        findings = guards.check(self._request(known, wire), self._config, self._usage)
        match guards.verdict(findings):
            case "deny":
                return Ruling("deny", "guards", findings)
            case "confirm" if action == "allow":
                return Ruling("confirm", "guards", findings)
            case _:
                return Ruling(action, "default", findings)

    def left(self, known: Endpoint, wire: Mapping[str, Any]) -> None:
        """Count a write that has left this process, whatever became of it."""
        from texml_mcp.gate.guards.budgets import entries

        request = self._request(known, wire)
        at = request.now.timestamp()
        for series, amount in entries(request, guards.places(request), self._config):
            self._usage.add(series, at, amount)

    def _request(self, known: Endpoint, wire: Mapping[str, Any]) -> guards.Request:
        account = str(wire.get("account_sid", ""))
        return guards.Request(known.id, wire, account, self._live, self._now())


def emergency_number(known: Endpoint, given: Mapping[str, Any]) -> str | None:
    """The emergency number among arguments that were refused for another reason, if there is one.

    `911` is no E.164 number, and would be refused as that; what matters is said instead.
    """
    from texml_mcp.catalog import Kind
    from texml_mcp.gate.guards.emergency import emergency

    for _, param in known.params():
        value = given.get(param.name, given.get(param.name.lower()))
        if param.kind is Kind.NUMBER and isinstance(value, str) and len(value) <= 200 and emergency(value):
            return value
    return None
