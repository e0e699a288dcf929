"""The policies that come with the package, and the published schema of the file."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from texml_mcp.catalog import ENDPOINTS, endpoint
from texml_mcp.gate.policy import SHIPPED, PolicyError, decide, parse, shipped, shipped_text
from texml_mcp.gate.policy.schema import committed_text, json_schema, schema_text

DIAL: dict[str, Any] = {"To": "+15555550100", "From": "+15555550101", "ApplicationSid": "1"}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_policy_loads_and_says_what_it_is_for(name: str) -> None:
    assert shipped(name).description


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_policy_lets_a_call_out_unasked(name: str) -> None:
    policy = shipped(name)
    for tool in ("create_call", "dial_conference_participant", "start_call_stream", "create_secret"):
        assert decide(policy, endpoint(tool), DIAL).action != "allow"
    assert "off" not in (policy.mode, *policy.modes.values())


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_policy_denies_a_read_or_turns_off_the_number_guard(name: str) -> None:
    policy = shipped(name)
    for each in ENDPOINTS:
        if each.reads:
            assert decide(policy, each, {}).action == "allow"
    assert policy.guards.numbers != "off"


CASES: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("assistant", "create_call", DIAL, "confirm", "auto"),
    ("assistant", "create_call", {**DIAL, "Record": True}, "confirm", "strict"),
    ("assistant", "create_call", {**DIAL, "SuperviseCallSid": "CA1"}, "deny", "strict"),
    ("assistant", "dial_conference_participant", {"Coaching": True}, "deny", "strict"),
    ("assistant", "update_conference_participant", {"CallSidToCoach": "CA1"}, "deny", "strict"),
    ("assistant", "update_conference_participant", {"Muted": True}, "allow", "auto"),
    ("assistant", "start_call_siprec", {}, "deny", "strict"),
    ("assistant", "start_call_stream", {}, "deny", "strict"),
    ("assistant", "create_secret", {}, "deny", "strict"),
    ("assistant", "update_application", {}, "deny", "auto"),
    ("assistant", "delete_recording", {}, "confirm", "strict"),
    ("operations", "update_call_recording", {"Status": "paused"}, "allow", "strict"),
    ("operations", "update_call_recording", {"Status": "stopped"}, "confirm", "strict"),
    ("operations", "update_application", {}, "confirm", "external"),
    ("operations", "create_secret", {}, "confirm", "external"),
    ("operations", "create_call", {**DIAL, "SuperviseCallSid": "CA1"}, "confirm", "strict"),
    ("evaluation", "create_call", DIAL, "confirm", "token"),
    ("evaluation", "delete_application", {}, "confirm", "token"),
    ("sandbox", "create_call", DIAL, "confirm", "auto"),
    ("sandbox", "create_queue", {}, "allow", "auto"),
]


@pytest.mark.parametrize(("name", "tool", "wire", "action", "mode"), CASES)
def test_what_the_shipped_policies_say(
    name: str, tool: str, wire: dict[str, Any], action: str, mode: str
) -> None:
    decision = decide(shipped(name), endpoint(tool), wire)
    assert (decision.action, decision.mode) == (action, mode)


def test_invalid_numbers_only_warn_where_nobody_can_be_rung() -> None:
    assert {name: shipped(name).guards.numbers for name in SHIPPED} == {
        "assistant": "enforce",
        "operations": "enforce",
        "evaluation": "warn",
        "sandbox": "warn",
    }


# --- the schema


def test_the_committed_schema_is_current() -> None:
    assert committed_text() == schema_text(), "run texml-mcp schemas write"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_schema_accepts_the_shipped_policies(name: str) -> None:
    validator = Draft202012Validator(json.loads(committed_text()))
    assert list(validator.iter_errors(tomllib.loads(shipped_text(name)))) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version = 2",
        "version = 1\ntols = {}",
        "version = 1\ntools.create_cal = 'deny'",
        "version = 1\nrisks.spend = 'deny'",
        "version = 1\nmode = 'x'",
        "version = 1\n[[rules]]\naction = 'deny'",
        "version = 1\n[[rules]]\nname = 'a'\naction = 'deny'\nwhen.To.mach = 'x'",
        "version = 1\n[[rules]]\nname = 'a'\naction = 'deny'\ntoolsets = ['queue']",
        "version = 1\nguards.hour = 'off'",
    ],
)
def test_schema_and_loader_refuse_the_same_mistakes(text: str) -> None:
    assert not Draft202012Validator(json_schema()).is_valid(tomllib.loads(text))
    with pytest.raises(PolicyError):
        parse(text)
