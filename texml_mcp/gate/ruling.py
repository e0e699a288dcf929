"""Whether a call may run: policy and guards together, as one ruling. What cannot be judged is denied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texml_mcp.catalog import Endpoint, Kind
from texml_mcp.gate import panic
from texml_mcp.gate.usage import MemoryUsage

if TYPE_CHECKING:
    # Policies and guards are imported at the first write: listing tools needs neither.
    from texml_mcp.gate.guards import Finding, GuardConfig, Request
    from texml_mcp.gate.policy import Action, Decision, Mode, Policy, PolicySource

OPEN_CALLS = "open_calls@"
MOST_OPEN = 10_000


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ruling:
    """`action`, the rule it comes from, how to ask, and what the guards found."""

    action: Action
    rule: str
    reason: str
    mode: Mode
    findings: tuple[Finding, ...] = ()

    @property
    def reasons(self) -> list[str]:
        """What speaks against the call: of a denial only what denies."""
        if self.action == "deny":
            denying = [finding.message for finding in self.findings if finding.level == "deny"]
            return denying or [self.reason]
        levels = ("confirm", "warn") if self.action == "confirm" else ("warn",)
        return [finding.message for finding in self.findings if finding.level in levels]

    @property
    def code(self) -> str:
        """The stable reason of a denial."""
        return next((each.code for each in self.findings if each.level == "deny"), "policy_denied")


_READ = Ruling("allow", "default", "Reads are allowed unless the policy denies them.", "auto")
_SHIPPED = Path(__file__).parent / "policy" / "shipped"


def is_shipped(name: str) -> bool:
    """Whether a policy comes with the package: a plain name, told without reading any of them."""
    return name.isidentifier() and (_SHIPPED / f"{name}.toml").is_file()


def _followed(path: str) -> PolicySource:
    from texml_mcp.gate.policy import PolicySource

    return PolicySource(path)


class Judge:
    """Rules on calls before they leave, and remembers what left.

    `policy` is the name of a shipped policy or the path of a file; a file is followed while the server
    runs, and must be valid to begin with (`PolicyError`). `live` is false on the sandbox.
    """

    def __init__(
        self,
        policy: str,
        *,
        live: bool,
        mode: Mode = "auto",
        state_directory: Path | None = None,
        usage: MemoryUsage | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._name = policy
        self._source = None if is_shipped(policy) else _followed(policy)
        self._live = live
        self._state_directory = state_directory
        self._mode: Mode = mode
        self._open: dict[str, tuple[str, float]] = {}
        self._usage = usage or MemoryUsage()
        self._now = now

    @cached_property
    def _shipped(self) -> Policy:
        # Read at the first write: a host that only lists tools does not wait for a policy it cannot break.
        from texml_mcp.gate.policy import shipped

        return shipped(self._name)

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return self._shipped if self._source is None else self._source.policy

    @property
    def config(self) -> GuardConfig:
        return self.policy.guards

    def rule(self, known: Endpoint, wire: Mapping[str, Any]) -> Ruling:
        """The ruling on one call. Never raises: an exception in here is a denial."""
        if known.reads and self._source is None:
            return _READ  # no shipped policy denies one
        if not known.reads and (stopped := panic.engaged(self._state_directory)):
            why = f"All writes are stopped, {stopped}. An operator clears it with texml-mcp panic --clear."
            return Ruling("deny", "panic", why, "external")
        try:
            from texml_mcp.gate import guards

            decision = self._decide(known, wire)
            if known.reads:
                return _ruling(decision)
            findings = guards.check(self._request(known, wire), self.config, self._usage)
        except Exception as error:
            why = f"The policy could not be checked ({type(error).__name__}), so nothing is sent."
            return Ruling("deny", "policy-failed", why, "external")
        verdict = guards.verdict(findings)
        if verdict == "deny" and decision.action != "deny":
            return _ruling(decision, findings, "deny", "guards")
        if verdict == "confirm" and decision.action == "allow":
            return _ruling(decision, findings, "confirm", "guards")
        return _ruling(decision, findings)

    def fill(self, known: Endpoint, wire: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with the policy's time limit, where the caller gave none."""
        from texml_mcp.gate.guards.limits import fill

        return fill(known.id, wire, self.config)

    def estimate(self, known: Endpoint, wire: Mapping[str, Any]) -> float:
        """The most a call can cost by the policy's rate, in the policy's unit; 0 without a rate."""
        if self.config.rate_per_minute_cost is None:
            return 0.0
        from texml_mcp.gate import guards
        from texml_mcp.gate.guards.budgets import estimate

        request = self._request(known, wire)
        return estimate(request, guards.places(request), self.config)

    def left(self, known: Endpoint, wire: Mapping[str, Any]) -> None:
        """Count a write that is leaving, whatever will become of it."""
        from texml_mcp.gate import guards
        from texml_mcp.gate.guards.budgets import entries
        from texml_mcp.gate.guards.limits import seconds

        request = self._request(known, wire)
        at = request.now.timestamp()
        over = at + seconds(wire, self.config)
        for series, amount in entries(request, guards.places(request), self.config):
            self._usage.add(series, at, amount)
            if series.startswith(OPEN_CALLS):
                # It is over at the latest then, also when nobody ever reads it again.
                self._usage.add(series, over, -amount)

    def opened(self, sid: str, account: str, wire: Mapping[str, Any]) -> None:
        """Remember a call that was started, to count it as over when a read shows that it is."""
        from texml_mcp.gate.guards.limits import seconds

        if len(self._open) >= MOST_OPEN:
            self._open.pop(next(iter(self._open)))
        self._open[sid] = (account, self._now().timestamp() + seconds(wire, self.config))

    def ended(self, sid: str) -> None:
        """A read has shown that a call is over: one call less is open."""
        if (found := self._open.pop(sid, None)) is not None:
            account, over = found
            self._usage.add(OPEN_CALLS + account, self._now().timestamp(), -1.0)
            self._usage.add(OPEN_CALLS + account, over, 1.0)  # what was to be subtracted then is done

    def _decide(self, known: Endpoint, wire: Mapping[str, Any]) -> Decision:
        if self._source is not None:
            return self._source.decide(known, wire, mode=self._mode)
        from texml_mcp.gate.policy import decide

        return decide(self._shipped, known, wire, mode=self._mode)

    def _request(self, known: Endpoint, wire: Mapping[str, Any]) -> Request:
        from texml_mcp.gate.guards import Request

        account = str(wire.get("account_sid", ""))
        return Request(known.id, wire, account, self._live, self._now())


def _ruling(
    decision: Decision,
    findings: tuple[Finding, ...] = (),
    action: Action | None = None,
    rule: str = "",
) -> Ruling:
    return Ruling(action or decision.action, rule or decision.rule, decision.reason, decision.mode, findings)


def emergency_number(known: Endpoint, given: Mapping[str, Any]) -> str | None:
    """The emergency number among arguments that were refused for another reason, if there is one.

    `911` is no E.164 number, and would be refused as that; what matters is said instead.
    """
    from texml_mcp.gate.guards.emergency import emergency

    for _, param in known.params():
        value = given.get(param.name, given.get(param.name.lower()))
        if param.kind is Kind.NUMBER and isinstance(value, str) and len(value) <= 200 and emergency(value):
            return value
    return None
