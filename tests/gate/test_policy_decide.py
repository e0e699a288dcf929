"""Which entry of a policy wins, how arguments are compared, and how strictly is asked."""

from __future__ import annotations

from typing import Any

import pytest

from texml_mcp.catalog import endpoint
from texml_mcp.gate.policy import MODES, Decision, decide, parse, strictest

DIAL: dict[str, Any] = {"To": "+15555550100", "From": "+15555550101", "ApplicationSid": "1"}
PARTICIPANT: dict[str, Any] = {"ConferenceSid": "CF1", "CallSid": "CA1"}


def under(text: str, tool: str, wire: dict[str, Any] | None = None, **more: Any) -> Decision:
    return decide(parse(f"version = 1\n{text}"), endpoint(tool), wire or {}, **more)


def rule(action: str, rest: str = 'tools = ["create_call"]', name: str = "r") -> str:
    return f'[[rules]]\nname = "{name}"\naction = "{action}"\n{rest}\n'


# --- precedence: deny, then the upper bounds, then confirm, then allow, then the default

PRECEDENCE = [
    ("", "create_call", DIAL, "confirm", "default"),
    ("", "list_calls", {}, "allow", "default"),
    ("", "create_queue", {"FriendlyName": "q"}, "allow", "default"),
    ("", "update_queue", {"MaxSize": 1}, "confirm", "default"),
    ("tools.create_call = 'allow'", "create_call", DIAL, "allow", "tools.create_call"),
    ("tools.create_call = 'deny'", "create_call", DIAL, "deny", "tools.create_call"),
    ("tools.list_calls = 'deny'", "list_calls", {}, "deny", "tools.list_calls"),
    ("toolsets.calls = 'deny'\ntools.create_call = 'allow'", "create_call", DIAL, "deny", "toolsets.calls"),
    (
        "toolsets.calls = 'confirm'\ntools.create_call = 'allow'",
        "create_call",
        DIAL,
        "confirm",
        "toolsets.calls",
    ),
    ("toolsets.calls = 'confirm'", "list_calls", {}, "allow", "default"),
    ("toolsets.queues = 'confirm'", "create_queue", {}, "confirm", "toolsets.queues"),
    ("risks.reads = 'deny'", "get_call", {}, "deny", "risks.reads"),
    ("risks.spends = 'deny'", "create_call", DIAL, "deny", "risks.spends"),
    ("risks.spends = 'deny'", "delete_queue", {}, "confirm", "default"),
    ("risks.listens_in = 'deny'", "create_call", DIAL, "confirm", "default"),
    ("risks.listens_in = 'deny'", "create_call", {**DIAL, "Record": True}, "deny", "risks.listens_in"),
    (rule("deny") + "[tools]\ncreate_call = 'allow'", "create_call", DIAL, "deny", "rules.r"),
    (rule("confirm") + "[tools]\ncreate_call = 'allow'", "create_call", DIAL, "confirm", "rules.r"),
    (rule("allow") + "[tools]\ncreate_call = 'deny'", "create_call", DIAL, "deny", "tools.create_call"),
    (rule("allow"), "create_call", DIAL, "allow", "rules.r"),
    (rule("allow"), "update_call", {"Status": "completed"}, "confirm", "default"),
    ("read_only = true\ntools.create_call = 'allow'", "create_call", DIAL, "deny", "read_only"),
    ("read_only = true\ntools.create_call = 'confirm'", "create_call", DIAL, "deny", "read_only"),
    ("read_only = true\ntools.create_call = 'deny'", "create_call", DIAL, "deny", "tools.create_call"),
    ("read_only = true", "list_calls", {}, "allow", "default"),
]


@pytest.mark.parametrize(("text", "tool", "wire", "action", "which"), PRECEDENCE)
def test_precedence(text: str, tool: str, wire: dict[str, Any], action: str, which: str) -> None:
    decision = under(text, tool, wire)
    assert (decision.action, decision.rule) == (action, which)


def test_the_order_of_rules_does_not_matter() -> None:
    allow, deny = rule("allow", name="a"), rule("deny", name="b")
    assert under(allow + deny, "create_call", DIAL).action == "deny"
    assert under(deny + allow, "create_call", DIAL).action == "deny"


def test_a_permission_for_one_risk_is_none_for_another() -> None:
    assert under("risks.spends = 'allow'", "create_call", DIAL).action == "confirm"
    both = "risks.spends = 'allow'\nrisks.interrupts = 'allow'"
    assert under(both, "create_call", DIAL).action == "allow"
    assert under(both, "create_call", {**DIAL, "Record": True}).action == "confirm"
    ruled = rule("allow", 'risks = ["spends", "interrupts"]')
    assert under(ruled, "create_call", DIAL).action == "allow"
    assert under(ruled, "create_call", {**DIAL, "Record": True}).action == "confirm"


def test_every_entry_that_spoke_is_told() -> None:
    decision = under("tools.create_call = 'allow'\nrisks.spends = 'confirm'", "create_call", DIAL)
    assert [each.rule for each in decision.matches] == ["tools.create_call", "risks.spends"]


def test_the_reason_is_the_rules_own() -> None:
    decision = under(rule("deny", "reason = 'No calls on Sundays.'"), "create_call", DIAL)
    assert decision.reason == "No calls on Sundays."


# --- conditions

CONDITIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("Record = true", {"Record": True}, True),
    ("Record = true", {"Record": False}, False),
    ("Record = true", {}, False),
    ("Record = false", {}, True),  # the documented default
    ("To = ['+15555550100', '+15555550102']", {}, True),
    ("To = '+15555550109'", {}, False),
    ("SuperviseCallSid.given = true", {"SuperviseCallSid": "CA2"}, True),
    ("SuperviseCallSid.given = true", {}, False),
    ("Texml.given = false", {}, True),
    ("Texml.given = false", {"Texml": "<Response/>"}, False),
    ("TimeLimit.min = 3600", {"TimeLimit": 3600}, True),
    ("TimeLimit.min = 3600", {"TimeLimit": 60}, False),
    ("TimeLimit.min = 3600", {}, True),  # without a limit a call lasts four hours
    ("TimeLimit.max = 60", {"TimeLimit": 60}, True),
    ("TimeLimit = { min = 30, max = 60 }", {"TimeLimit": 61}, False),
    ("SupervisingRole = 'barge'", {}, False),  # a default that has no effect here
    ("SupervisingRole = 'barge'", {"SuperviseCallSid": "CA2"}, True),
    ("StatusCallbackEvent = 'ringing'", {"StatusCallbackEvent": "initiated ringing"}, True),
    ("Url.matches = 'example[.]com'", {"Url": "https://EXAMPLE.com/x"}, True),
    ("Url.matches = 'example[.]com'", {"Url": "https://example.org/x"}, False),
    ("Url.matches = 'x'", {}, False),
    ("To = 'sip:Sales@example.com'", {"To": "sip:sales@example.com"}, True),
]


@pytest.mark.parametrize(("when", "wire", "met"), CONDITIONS)
def test_a_condition_of_a_deny(when: str, wire: dict[str, Any], met: bool) -> None:
    key, _, value = when.partition(" = ")
    decision = under(rule("deny", f"when.{key} = {value}"), "create_call", {**DIAL, **wire})
    assert decision.action == ("deny" if met else "confirm")


@pytest.mark.parametrize("name", ['"StartTime>"', "StartTime_gt"])
def test_an_argument_may_be_named_as_documented_or_as_a_tool_spells_it(name: str) -> None:
    text = rule("deny", f"tools = ['list_calls']\nwhen.{name}.given = true")
    assert under(text, "list_calls", {"StartTime>": "2026-01-01"}).action == "deny"
    assert under(text, "list_calls", {"StartTime<": "2026-01-01"}).action == "allow"


def test_a_rule_without_tools_is_about_those_that_have_the_argument() -> None:
    text = rule("deny", "when.Record.given = false")
    assert under(text, "create_call", DIAL).action == "deny"
    assert under(text, "dial_conference_participant", DIAL).action == "deny"
    assert under(text, "delete_queue", {}).action == "confirm"


def test_all_conditions_have_to_hold() -> None:
    text = rule("deny", "when.Record = true\nwhen.TimeLimit.min = 100")
    assert under(text, "create_call", {**DIAL, "Record": True, "TimeLimit": 50}).action == "confirm"
    assert under(text, "create_call", {**DIAL, "Record": True, "TimeLimit": 100}).action == "deny"


def test_a_deny_is_read_widely_and_an_allow_narrowly() -> None:
    address = "when.Url.matches = 'https://ok[.]example/'"
    tricked = {**DIAL, "Url": "https://evil.example/?https://ok.example/"}
    assert under(rule("deny", address), "create_call", tricked).action == "deny"
    assert under(rule("allow", address), "create_call", tricked).action == "confirm"
    assert (
        under(rule("allow", address), "create_call", {**DIAL, "Url": "https://ok.example/"}).action == "allow"
    )
    shouted = {**DIAL, "To": "sip:SALES@example.com"}
    to = "when.To = 'sip:sales@example.com'"
    assert under(rule("deny", to), "create_call", shouted).action == "deny"
    assert under(rule("allow", to), "create_call", shouted).action == "confirm"


def test_an_update_that_says_nothing_of_an_argument_leaves_it_alone() -> None:
    text = rule("deny", 'tools = ["update_application"]\nwhen.active = true')
    assert under(text, "update_application", {"friendly_name": "x"}).action == "confirm"
    assert under(text, "update_application", {"active": True}).action == "deny"


def test_what_cannot_be_checked_is_denied() -> None:
    text = rule("allow", "when.Texml.matches = '<Response>.*'")
    decision = under(text, "create_call", {**DIAL, "Texml": "<" * 5000})
    assert (decision.action, decision.rule, decision.mode) == ("deny", "policy-failed", "external")
    assert "5000" not in decision.reason
    number = rule("allow", "when.TimeLimit.max = 60")
    assert under(number, "create_call", {**DIAL, "TimeLimit": ["x"]}).rule == "policy-failed"


# --- modes

MODE_CASES = [
    ("", DIAL, "auto"),
    ("mode = 'strict'", DIAL, "strict"),
    ("mode = 'strict'\nmodes.spends = 'off'", DIAL, "strict"),  # its other risk asks as the policy does
    ("mode = 'strict'\nmodes = { spends = 'off', interrupts = 'token' }", DIAL, "token"),
    ("modes.listens_in = 'external'", DIAL, "auto"),
    ("modes.listens_in = 'external'", {**DIAL, "Record": True}, "external"),
    (rule("confirm", "mode = 'strict'"), DIAL, "strict"),
    (rule("confirm", "mode = 'off'"), DIAL, "auto"),  # a rule can only be stricter
    (rule("confirm", "mode = 'external'\nwhen.Record = true"), DIAL, "auto"),
]


@pytest.mark.parametrize(("text", "wire", "mode"), MODE_CASES)
def test_the_strictest_mode_counts(text: str, wire: dict[str, Any], mode: str) -> None:
    assert under(text, "create_call", wire).mode == mode


def test_the_policys_mode_replaces_the_servers_and_silence_keeps_it() -> None:
    assert under("", "create_call", DIAL, mode="external").mode == "external"
    assert under("mode = 'token'", "create_call", DIAL, mode="external").mode == "token"


def test_modes_have_an_order() -> None:
    assert MODES == ("off", "token", "auto", "strict", "external")
    assert strictest(["off", "strict", "auto"]) == "strict"


# --- roles are upper bounds

ROLES = """
[roles.viewer]
read_only = true
[roles.desk]
toolsets = ["queues"]
exclude_tools = ["delete_queue"]
[roles.default]
tools = ["list_calls"]
"""


@pytest.mark.parametrize(
    ("role", "tool", "action", "which"),
    [
        ("viewer", "list_calls", "allow", "default"),
        ("viewer", "create_queue", "deny", "roles.viewer"),
        ("desk", "create_queue", "allow", "default"),
        ("desk", "delete_queue", "deny", "roles.desk"),
        ("desk", "list_calls", "deny", "roles.desk"),
        (None, "list_calls", "allow", "default"),
        (None, "create_queue", "deny", "roles.default"),
        ("stranger", "list_calls", "deny", "roles"),
    ],
)
def test_roles(role: str | None, tool: str, action: str, which: str) -> None:
    decision = under(ROLES, tool, {}, role=role)
    assert (decision.action, decision.rule) == (action, which)


def test_a_role_allows_nothing_that_the_policy_denies() -> None:
    text = "[tools]\ncreate_queue = 'deny'\n[roles.desk]\ntools = ['create_queue']"
    assert under(text, "create_queue", {}, role="desk").action == "deny"
