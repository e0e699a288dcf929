"""The policy file as data: what each table means, and what it may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, field_validator
from pydantic_core import PydanticCustomError

from texml_mcp.catalog import ENDPOINTS, Endpoint
from texml_mcp.gate.guards.model import GuardConfig
from texml_mcp.gate.policy.defaults import Action
from texml_mcp.gate.policy.names import READS, PlainName, RiskName, ToolName, ToolsetName
from texml_mcp.gate.policy.rule import Mode, Rule

MOST_RULES = 200

MODES: tuple[Mode, ...] = ("off", "token", "auto", "strict", "external")
"""From the loosest to the strictest.

`off` asks nobody; `token` can be satisfied by the model alone; `auto` asks a person where the client can;
`strict` only a person's form counts; `external` wants somebody other than the requester.
"""

_READS_ANSWER = "reads can be allowed or denied"
_ALL_READS = frozenset(
    each.toolset
    for each in ENDPOINTS
    if all(other.reads for other in ENDPOINTS if other.toolset == each.toolset)
)


def strictest(modes: Sequence[Mode]) -> Mode:
    """The one that is hardest to satisfy."""
    return max(modes, key=MODES.index)


class Role(BaseModel):
    """The most that a principal with this role may do; the rest of the policy can only narrow it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    read_only: StrictBool = Field(False, description="Only what changes nothing.")
    tools: tuple[ToolName, ...] | None = Field(None, description="Only these tools.")
    toolsets: tuple[ToolsetName, ...] | None = Field(None, description="Only tools of these toolsets.")
    exclude_tools: tuple[ToolName, ...] = Field((), description="Never these tools.")

    def permits(self, endpoint: Endpoint) -> bool:
        return (
            (endpoint.reads or not self.read_only)
            and (self.tools is None or endpoint.id in self.tools)
            and (self.toolsets is None or endpoint.toolset in self.toolsets)
            and endpoint.id not in self.exclude_tools
        )


def _exactly_one(value: object) -> object:
    # 1.0 and true equal 1 in Python; a file that says so was not written for this version.
    if type(value) is not int or value != 1:
        raise ValueError("this server reads version 1")
    return value


class Policy(BaseModel):
    """Who may do what, and who is asked first. A deny anywhere wins, then a confirm, then an allow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[Literal[1], BeforeValidator(_exactly_one)] = Field(description="Of this format.")
    description: Annotated[str, Field(max_length=500, description="What the file is for.")] = ""
    mode: Mode | None = Field(None, description="How approval is asked; unset: as the server is configured.")
    read_only: StrictBool = Field(False, description="Deny every write.")
    modes: dict[RiskName, Mode] = Field(default_factory=dict, description="Mode of one risk.")
    risks: dict[RiskName, Action] = Field(
        default_factory=dict,
        description="Calls that carry the risk. An allow needs every large risk of the call allowed.",
    )
    toolsets: dict[ToolsetName, Action] = Field(
        default_factory=dict, description="Calls of these toolsets; a confirm is about their writes."
    )
    tools: dict[ToolName, Action] = Field(default_factory=dict, description="Calls of these tools.")
    rules: Annotated[
        tuple[Rule, ...], Field(max_length=MOST_RULES, description="Actions for calls of a certain kind.")
    ] = ()
    roles: dict[PlainName, Role] = Field(
        default_factory=dict, description="Upper bounds by role; `default` is for principals without one."
    )
    guards: GuardConfig = Field(
        default_factory=lambda: GuardConfig.model_validate({}),
        description="Where calls may go, and how many.",
    )

    @field_validator("modes")
    @classmethod
    def _no_mode_for_reads(cls, modes: dict[str, Mode]) -> dict[str, Mode]:
        if "reads" in modes:
            raise _at("reads", "no mode applies to reads: " + _READS_ANSWER)
        return modes

    @field_validator("risks")
    @classmethod
    def _no_asking_about_reads(cls, risks: dict[str, Action]) -> dict[str, Action]:
        _refuse_confirm(risks, frozenset({"reads"}))
        return risks

    @field_validator("toolsets")
    @classmethod
    def _no_asking_about_toolsets_of_reads(cls, toolsets: dict[str, Action]) -> dict[str, Action]:
        _refuse_confirm(toolsets, _ALL_READS)
        return toolsets

    @field_validator("tools")
    @classmethod
    def _no_asking_about_reading_tools(cls, tools: dict[str, Action]) -> dict[str, Action]:
        _refuse_confirm(tools, READS)
        return tools

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        seen: set[str] = set()
        for at, rule in enumerate(rules):
            if rule.name in seen:
                raise _at(at, f"two rules are named {rule.name}: a refusal names its rule")
            seen.add(rule.name)
        return rules


def _refuse_confirm(actions: Mapping[str, Action], reads: frozenset[str]) -> None:
    for name, action in actions.items():
        if action == "confirm" and name in reads:
            raise _at(name, f"{name} only reads: {_READS_ANSWER}")


def _at(key: str | int, problem: str) -> PydanticCustomError:
    """A problem with one entry of a table: the loader points at its line."""
    return PydanticCustomError("policy", "{problem}", {"problem": problem, "key": key})
