"""One `[[rules]]` entry: which calls it is about, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from texml_mcp.catalog import ENDPOINTS, Endpoint, RiskClass
from texml_mcp.gate.policy.conditions import Spelled, check_fits, holds, params_of
from texml_mcp.gate.policy.defaults import Action, large_risks
from texml_mcp.gate.policy.errors import unknown
from texml_mcp.gate.policy.names import READS, PlainName, Reason, RiskName, ToolName, ToolsetName

Mode = Literal["off", "token", "auto", "strict", "external"]

Tools = Annotated[tuple[ToolName, ...], Field(min_length=1)]
Toolsets = Annotated[tuple[ToolsetName, ...], Field(min_length=1)]
Risks = Annotated[tuple[RiskName, ...], Field(min_length=1)]


class Rule(BaseModel):
    """Every selector and every condition that is given must match."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: PlainName = Field(description="Told in refusals and in the audit trail; differs from every other.")
    action: Action = Field(description="What becomes of the calls it matches.")
    tools: Tools | None = Field(None, description="Only these tools.")
    toolsets: Toolsets | None = Field(None, description="Only tools of these toolsets.")
    risks: Risks | None = Field(
        None,
        description="Only calls that carry one of these risks; for allow, no large one besides these.",
    )
    when: Annotated[dict[str, Spelled], Field(max_length=20)] = Field(
        default_factory=dict,
        description="Conditions on arguments, by documented or portable name. The rule is about the tools "
        "that have all of these arguments.",
    )
    reason: Reason | None = Field(None, description="Told to whoever made the call.")
    mode: Mode | None = Field(None, description="Ask at least this strictly; for confirm only.")

    _about: frozenset[str] = PrivateAttr(default=frozenset())

    def model_post_init(self, context: Any, /) -> None:
        selected = [each for each in ENDPOINTS if self._selects(each)]
        if not selected:
            raise ValueError(f"rule {self.name}: no tool is in all of its selectors")
        problems = {each.id: self._misfit(each) for each in selected}
        about = frozenset(tool for tool, problem in problems.items() if problem is None)
        # A named tool has to fit; of a toolset, some tools may lack the argument.
        if not about or (self.tools is not None and len(about) < len(selected)):
            raise ValueError(f"rule {self.name}: {self._why_not(selected, problems)}")
        self._check_risks([each for each in selected if each.id in about])
        self._check_action([each for each in selected if each.id in about])
        # A confirm that reaches reads by a toolset is about its writes.
        self._about = about - READS if self.action == "confirm" else about

    @property
    def about(self) -> frozenset[str]:
        """The tools the rule can speak of, before arguments are looked at."""
        return self._about

    def _selects(self, endpoint: Endpoint) -> bool:
        return (self.tools is None or endpoint.id in self.tools) and (
            self.toolsets is None or endpoint.toolset in self.toolsets
        )

    def _misfit(self, endpoint: Endpoint) -> str | None:
        """Why the conditions cannot be asked of this tool."""
        params = params_of(endpoint)
        for spelling, condition in self.when.items():
            param = params.get(spelling)
            if param is None:
                return f"{endpoint.id}: {unknown('argument', spelling, params)}"
            try:
                check_fits(condition, param)
            except ValueError as problem:
                return f"{endpoint.id}: {problem}"
        return None

    def _why_not(self, selected: list[Endpoint], problems: Mapping[str, str | None]) -> str:
        """The complaint that helps most: of a named tool, of all, or of one that has the arguments."""
        known = dict.fromkeys(spelling for each in selected for spelling in params_of(each))
        for spelling in self.when:
            if spelling not in known and len(selected) > 1:
                return unknown("argument", spelling, known)
        have = [each.id for each in selected if params_of(each).keys() >= self.when.keys()]
        if self.tools is None and not have:
            return f"no tool has all of {', '.join(self.when)}"
        named = have if self.tools is None else [each.id for each in selected]
        return next(filter(None, (problems[tool] for tool in named)), "no tool fits")

    def _check_risks(self, about: list[Endpoint]) -> None:
        possible = {risk for each in about for risk in _possible_risks(each)}
        for risk in self.risks or ():
            if risk not in possible:
                raise ValueError(f"rule {self.name}: none of its tools carries the risk {risk}")

    def _check_action(self, about: list[Endpoint]) -> None:
        if self.mode is not None and self.action != "confirm":
            raise ValueError(f"rule {self.name}: a mode says how to ask, so the action has to be confirm")
        if self.action != "confirm":
            return
        reads = [each.id for each in about if each.reads]
        named = [tool for tool in reads if self.tools and tool in self.tools]
        if named or len(reads) == len(about) or RiskClass.READS in (self.risks or ()):
            what = f"{named[0]} is a read; " if named else ""
            raise ValueError(f"rule {self.name}: {what}reads can be allowed or denied")

    def matches(self, endpoint: Endpoint, wire: Mapping[str, Any], carried: frozenset[RiskClass]) -> bool:
        """Whether the rule is about this call, which carries these risks.

        Raises `UncheckableError` when a condition cannot be decided.
        """
        if endpoint.id not in self._about:
            return False
        if self.risks is not None and not self._about_risks(endpoint, wire, carried):
            return False
        return all(self._conditions(endpoint, wire))

    def _about_risks(
        self, endpoint: Endpoint, wire: Mapping[str, Any], carried: frozenset[RiskClass]
    ) -> bool:
        listed = frozenset(RiskClass(risk) for risk in self.risks or ())
        if self.action != "allow":
            return bool(listed & carried)
        # Permission for one risk is none for another that the same call carries.
        return bool(listed & carried) and large_risks(endpoint.risks_of(wire)) <= listed

    def _conditions(self, endpoint: Endpoint, wire: Mapping[str, Any]) -> Iterator[bool]:
        if not self.when:
            return
        params = params_of(endpoint)
        for spelling, condition in self.when.items():
            yield holds(condition, endpoint, params[spelling], wire, narrow=self.action == "allow")


def _possible_risks(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.reads:
        yield RiskClass.READS
    for risk in endpoint.risks:
        yield risk.kind
