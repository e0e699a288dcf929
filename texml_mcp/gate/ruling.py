"""Whether a call may run: policy and guards together, as one ruling. What cannot be judged is denied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texml_mcp.catalog import Endpoint, Kind
from texml_mcp.gate import panic
from texml_mcp.gate.observe import utc_now
from texml_mcp.gate.state import State
from texml_mcp.gate.store.model import StoreError
from texml_mcp.gate.usage import Refused, StoreUsage

if TYPE_CHECKING:
    # Policies and guards are imported at the first write: listing tools needs neither.
    from texml_mcp.gate.guards import Finding, GuardConfig, Request
    from texml_mcp.gate.policy import Action, Decision, Mode, Policy, PolicySource
    from texml_mcp.gate.store import Amount


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
    runs, and must be valid to begin with (`PolicyError`). `live` is false on the sandbox. What left is
    counted in the store of `state`.
    """

    def __init__(
        self,
        policy: str,
        *,
        live: bool,
        mode: Mode = "auto",
        state: State | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._name = policy
        self._source = None if is_shipped(policy) else _followed(policy)
        self._live = live
        self._state = state or State(None)
        self._mode: Mode = mode
        self._role: str | None = None
        self._usage = StoreUsage(self._state)
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
    def name(self) -> str:
        """What the policy is called; of a file, without where it lies."""
        return self._name if self._source is None else Path(self._name).name

    @property
    def mode(self) -> Mode:
        """How approval is asked where the policy does not say."""
        return self._mode

    @property
    def role(self) -> str | None:
        """The role of whoever calls, as policies bound it; None where nobody has one."""
        return self._role

    @property
    def asked(self) -> tuple[Judge, ...]:
        """The judges whose policies are asked; the strictest word counts."""
        return (self,)

    def narrowed(self, role: str, policy: str | None = None) -> Judge:
        """The judge of a principal: its role bounds it, and its own policy is asked beside this one.

        Raises `PolicyError` for a policy that cannot be used.
        """
        judge = copy(self)
        judge._role = role
        if policy is None:
            return judge
        own = Judge(policy, live=self._live, mode=self._mode, state=self._state, now=self._now)
        own._role = role
        own._usage = self._usage  # what reads have shown to be over is over for both
        from texml_mcp.gate.narrowed import Narrowed

        return Narrowed(judge, own)

    @property
    def halted(self) -> str | None:
        """Why no write runs at the moment, whatever the policy says; None when some may."""
        try:
            stopped = panic.engaged(self._state)
        except StoreError:
            return "All writes are stopped, because the gate's own records cannot be used."
        if stopped:
            return f"All writes are stopped, {stopped}."
        if self._source is not None and self._source.refresh() is not None:
            return "The policy file cannot be used, so nothing is changed until an operator mends it."
        return None

    @property
    def config(self) -> GuardConfig:
        return self.policy.guards

    def rule(self, known: Endpoint, wire: Mapping[str, Any]) -> Ruling:
        """The ruling on one call. An exception in here is a denial, except `StoreError`, which it may raise
        for a write: then nothing is sent either. A read asks no store.
        """
        if known.reads and self._source is None and self._role is None:
            return _READ  # no shipped policy denies one
        if not known.reads and (stopped := panic.engaged(self._state)):
            return _stopped(stopped)
        try:
            from texml_mcp.gate import guards

            decision = self._decide(known, wire)
            if known.reads:
                return _ruling(decision)
            if self.config.concurrent_calls is not None:
                self._usage.take_up_ended()
            findings = guards.check(self._request(known, wire), self.config, self._usage)
        except StoreError:
            raise
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

    def reserve(self, known: Endpoint, wire: Mapping[str, Any]) -> tuple[Amount, ...] | Ruling:
        """Count a write that is about to leave; a denial when a budget is used up or writes were stopped.

        Of several that race for the last place in a budget one gets it. Raises `StoreError`.
        """
        from texml_mcp.gate import guards
        from texml_mcp.gate.guards.budgets import amounts, budgets, estimate

        if stopped := panic.engaged(self._state):
            return _stopped(stopped)
        request = self._request(known, wire)
        places = guards.places(request)
        limiting = [
            budget
            for judge in self.asked
            if judge.config.budgets == "enforce"
            for budget in budgets(request, places, judge.config)
        ]
        # By the dearest rate: one policy's budget must not be spent unseen because the other names no cost.
        dearest = max((each.config for each in self.asked), key=lambda each: estimate(request, places, each))
        counted = amounts(request, places, dearest)
        reserved = self._usage.reserve([each.limit for each in limiting], counted)
        if not isinstance(reserved, Refused):
            return reserved
        finding = limiting[reserved.limit].refusal(reserved.counted)
        return Ruling("deny", "guards", finding.message, self._mode, (finding,))

    def give_back(self, reserved: Sequence[Amount]) -> None:
        """Forget a write that was counted and has not left. Raises `StoreError`."""
        self._usage.give_back(reserved)

    def opened(self, sid: str, reserved: Sequence[Amount]) -> None:
        """Remember a call that was started, to count it as over when a read shows that it is."""
        # Also where no budget of this policy needs it: another principal's may, on another replica.
        self._usage.opened(sid, reserved)

    def ended(self, sid: str) -> None:
        """A read has shown that a call is over: for the next write one call less is open."""
        self._usage.ended(sid)

    def _decide(self, known: Endpoint, wire: Mapping[str, Any]) -> Decision:
        if self._source is not None:
            return self._source.decide(known, wire, mode=self._mode, role=self._role)
        from texml_mcp.gate.policy import decide

        return decide(self._shipped, known, wire, mode=self._mode, role=self._role)

    def _request(self, known: Endpoint, wire: Mapping[str, Any]) -> Request:
        from texml_mcp.gate.guards import Request

        account = str(wire.get("account_sid", ""))
        return Request(known.id, wire, account, self._live, self._now())


def _stopped(why: str) -> Ruling:
    told = f"All writes are stopped, {why}. An operator clears it with texml-mcp panic --clear."
    return Ruling("deny", "panic", told, "external")


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
