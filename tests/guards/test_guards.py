"""Countries, hosts, caller ids, hours, budgets, limits, modes; and what a failing guard does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.guards.conftest import NOON, Judge, Ledger
from texml_mcp.gate.guards import Finding, GuardConfig, Request, check, places, verdict
from texml_mcp.gate.guards.budgets import amounts
from texml_mcp.gate.guards.limits import fill

TO = "+12025550123"
CALL: dict[str, Any] = {"To": TO, "From": "+12025550100", "TimeLimit": 600}


def codes(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {each.code: each.level for each in findings}


# --- configuration


@pytest.mark.parametrize(
    "options",
    [
        {"number": "enforce"},
        {"numbers": "on"},
        {"allowed_countries": ["USA"]},
        {"quiet_hours": {"start": "25:00"}},
        {"quiet_hours": {"start": "21:00", "until": "08:00"}},
        {"calls_per_minute": -1},
        {"spend_per_day": float("nan")},
        {"loop_count": 0},
        {"default_time_limit_seconds": 5},
    ],
)
def test_a_bad_option_does_not_load(options: dict[str, Any]):
    with pytest.raises(ValidationError):
        GuardConfig.model_validate(options)


# --- numbers


def test_a_country_is_a_region_and_not_a_prefix(judge: Judge):
    assert codes(judge("create_call", {"To": TO}, allowed_countries=["us"])) == {}
    for jamaica_or_canada in ("+18765550123", "+14165550123"):
        found = judge("create_call", {"To": jamaica_or_canada}, allowed_countries=["US"])
        assert codes(found) == {"country_not_allowed": "deny"}
    assert codes(judge("create_call", {"To": "+442079460123"}, denied_countries=["GB"])) == {
        "country_denied": "deny"
    }


def test_an_unassigned_number_warns_on_the_sandbox_but_its_country_still_counts(judge: Judge):
    example = {"To": "+13121230000"}
    assert codes(judge("create_call", example, live=False)) == {"number_invalid": "warn"}
    assert codes(judge("create_call", example, live=True)) == {"number_invalid": "deny"}
    assert verdict(judge("create_call", {"To": "+4412"}, live=False, allowed_countries=["US"])) == "deny"


def test_a_number_cannot_hide_behind_a_long_text(judge: Judge):
    for hidden in (" " * 2_000 + "911", "sip:" + "%20" * 800 + "911@pbx.example.com"):
        assert verdict(judge("create_call", {"To": hidden}, live=False, numbers="off", hosts="off")) == "deny"


def test_the_caller_id_and_list_filters_are_not_dialled(judge: Judge):
    assert judge("create_call", {"To": TO, "From": "911"}) == ()
    assert judge("list_calls", {"To": "911"}) == ()


def test_every_destination_of_a_document_is_a_place(judge: Judge):
    document = (
        f"<Response><Dial><Number>{TO}</Number><Sip>sip:a@pbx.example.com</Sip></Dial>"
        "<Redirect>https://example.com/next</Redirect></Response>"
    )
    found = places(Request("update_call", {"Texml": document}, "acc", True, NOON))
    assert [(each.kind, each.value) for each in found] == [
        ("number", TO),
        ("sip", "sip:a@pbx.example.com"),
        ("url", "https://example.com/next"),
    ]


# --- hosts


def test_loopback_is_open_on_the_sandbox_and_nothing_else_inside(judge: Judge):
    assert codes(judge("update_call", {"Url": "https://127.0.0.1:8080/"}, live=False)) == {}
    assert verdict(judge("update_call", {"Url": "https://10.0.0.1/"}, live=False)) == "deny"
    assert verdict(judge("update_call", {"Url": "https://169.254.169.254/"}, live=False)) == "deny"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.com", True),
        ("EXAMPLE.com.", True),
        ("a.calls.example.com", True),
        ("calls.example.com", False),
        ("example.com.evil.test", False),
        ("evilexample.com", False),
        ("example.com@evil.test", False),
    ],
)
def test_url_hosts_are_matched_whole(judge: Judge, host: str, allowed: bool):
    found = judge(
        "update_call", {"Url": f"https://{host}/"}, url_hosts=["example.com", "*.calls.example.com"]
    )
    assert ("host_not_allowed" not in codes(found)) is allowed


def test_sip_hosts_listed_run_and_others_do_not(judge: Judge):
    listed = {"sip_hosts": ["pbx.example.com"]}
    assert codes(judge("create_call", {"To": "sip:a@PBX.example.com:5061;transport=tls"}, **listed)) == {}
    assert codes(judge("create_call", {"To": "sip:a@pbx.example.org"}, **listed)) == {
        "host_not_allowed": "deny"
    }


def test_a_finding_does_not_repeat_a_password(judge: Judge):
    (found,) = judge("update_call", {"Url": "https://user:hunter2@example.com/"})
    assert "hunter2" not in found.message + found.subject


@pytest.mark.parametrize("name", ["voice_url", "voice_fallback_url", "status_callback"])
def test_applications_are_judged_too(judge: Judge, name: str):
    assert verdict(judge("update_application", {"id": "1", name: "https://10.0.0.1/"})) == "deny"


# --- callers


def test_only_listed_caller_ids_are_shown(judge: Judge):
    own = {"own_caller_ids": ["+1 202 555 0100"]}
    assert codes(judge("create_call", CALL, **own)) == {}
    other = {**CALL, "From": "+12025550199"}
    assert codes(judge("create_call", other, **own)) == {"caller_not_own": "deny"}
    document = f'<Response><Dial callerId="+12025550199">{TO}</Dial></Response>'
    assert codes(judge("update_call", {"Texml": document}, **own)) == {"caller_not_own": "deny"}


# --- hours


@pytest.mark.parametrize(
    ("to", "hour", "quiet"),
    [
        ("+12025550123", 16, False),  # noon in New York
        ("+12025550123", 11, True),  # 07:00
        ("+12025550123", 12, False),  # 08:00: the end is not quiet
        ("+442079460123", 20, True),  # 21:00 in London: the start is
        ("+442079460123", 19, False),
        ("+18005550199", 16, True),  # toll-free: 06:00 in Honolulu
        ("+61255501234", 16, True),  # 02:00 in Sydney
    ],
)
def test_quiet_hours_are_those_of_every_zone_it_could_be(judge: Judge, to: str, hour: int, quiet: bool):
    now = datetime(2026, 6, 1, hour, tzinfo=UTC)
    found = judge("create_call", {"To": to}, now=now, hours="enforce")
    assert codes(found) == ({"quiet_hours": "confirm"} if quiet else {})


def test_quiet_hours_can_deny_and_an_unknown_zone_counts_as_quiet(judge: Judge):
    strict = {"hours": "enforce", "quiet_hours": {"level": "deny"}, "numbers": "off"}
    night = datetime(2026, 6, 1, 6, tzinfo=UTC)
    assert codes(judge("create_call", {"To": TO}, now=night, **strict)) == {"quiet_hours": "deny"}
    assert codes(judge("create_call", {"To": "+881612345678"}, **strict)) == {"zone_unknown": "deny"}


# --- budgets


def send(ledger: Ledger, wire: dict[str, Any], ago: float = 0, **options: Any) -> None:
    request = Request("create_call", wire, "acc", True, NOON)
    for each in amounts(request, places(request), GuardConfig.model_validate(options)):
        ledger.add(each.series, each.at - ago, each.amount)


def test_calls_per_minute_and_hour(judge: Judge, ledger: Ledger):
    for ago in (30, 90):
        send(ledger, CALL, ago)
    assert codes(judge("create_call", CALL, calls_per_minute=2, calls_per_hour=3)) == {}
    assert codes(judge("create_call", CALL, calls_per_minute=1)) == {"calls_per_minute": "deny"}
    assert codes(judge("create_call", CALL, calls_per_hour=2)) == {"calls_per_hour": "deny"}


def test_a_budget_of_nought_lets_nothing_through(judge: Judge):
    assert verdict(judge("create_call", CALL, calls_per_hour=0)) == "deny"


def test_every_destination_of_a_document_counts(judge: Judge):
    document = f"<Response><Dial><Number>{TO}</Number><Number>+12025550124</Number></Dial></Response>"
    assert codes(judge("update_call", {"Texml": document}, calls_per_minute=1)) == {
        "calls_per_minute": "deny"
    }


def test_respelling_a_destination_does_not_reset_its_count(judge: Judge, ledger: Ledger):
    send(ledger, CALL)
    for spelling in (TO, "+1 (202) 555-0123", "tel:+1-202-555-0123"):
        found = judge("create_call", {"To": spelling}, per_destination_per_hour=1)
        assert codes(found) == {"per_destination_per_hour": "deny"}
    assert codes(judge("create_call", {"To": "+12025550124"}, per_destination_per_hour=1)) == {}


def test_calls_at_once(judge: Judge, ledger: Ledger):
    send(ledger, CALL)
    assert codes(judge("create_call", CALL, concurrent_calls=1)) == {"concurrent_calls": "deny"}
    over = NOON + timedelta(seconds=CALL["TimeLimit"] + 1)
    assert codes(judge("create_call", CALL, now=over, concurrent_calls=1)) == {}, "it cannot last longer"


def test_spend_a_day_is_the_longest_the_calls_may_last(judge: Judge, ledger: Ledger):
    cost = {"rate_per_minute_cost": 0.1}  # ten minutes: 1.00
    assert codes(judge("create_call", CALL, spend_per_day=1, **cost)) == {}
    send(ledger, CALL, **cost)
    assert codes(judge("create_call", CALL, spend_per_day=1.99, **cost)) == {"spend_per_day": "deny"}
    unlimited = {"To": TO}  # four hours: 24.00
    assert codes(judge("create_call", unlimited, spend_per_day=20, **cost)) == {"spend_per_day": "deny"}
    assert codes(judge("create_call", CALL, spend_per_day=1)) == {"spend_unknown": "deny"}


def test_the_same_write_over_and_over_is_a_loop(judge: Judge, ledger: Ledger):
    for _ in range(3):
        send(ledger, CALL, ago=5)
    assert codes(judge("create_call", dict(reversed(CALL.items())), loop_count=3)) == {"loop": "deny"}
    assert codes(judge("create_call", {**CALL, "To": "+12025550124"}, loop_count=3)) == {}
    assert codes(judge("create_call", CALL, loop_count=3, loop_window_seconds=4)) == {}


# --- limits


def test_a_time_limit_is_filled_in_only_where_there_is_none():
    config = GuardConfig(default_time_limit_seconds=300)
    wire = {"To": TO}
    assert fill("create_call", wire, config) == {"To": TO, "TimeLimit": 300}
    assert wire == {"To": TO}
    assert fill("create_call", CALL, config)["TimeLimit"] == 600
    assert fill("update_call", {}, config) == {}
    assert fill("create_call", wire, GuardConfig()) == wire
    assert fill("create_call", wire, GuardConfig(default_time_limit_seconds=300, limits="off")) == wire


def test_what_starts_a_call_without_a_limit_counts_as_the_longest(judge: Judge):
    wire = {"connection_id": "1", "To": TO, "From": "+13125550100"}
    config = GuardConfig(default_time_limit_seconds=300)
    assert fill("create_connection_call", wire, config) == wire
    assert codes(judge("create_connection_call", wire)) == {}
    found = judge("create_connection_call", wire, default_time_limit_seconds=300)
    assert codes(found) == {"time_limit_exceeds": "confirm"}


def test_a_longer_limit_than_configured_is_asked_about(judge: Judge):
    found = judge("create_call", CALL, default_time_limit_seconds=300)
    assert codes(found) == {"time_limit_exceeds": "confirm"}


# --- modes and failures


def test_warn_says_the_same_and_stops_nothing(judge: Judge):
    premium = {"To": "+19005550123"}
    assert codes(judge("create_call", premium)) == {"number_premium": "deny"}
    assert codes(judge("create_call", premium, numbers="warn")) == {"number_premium": "warn"}
    assert codes(judge("create_call", premium, numbers="off")) == {}


class Broken:
    def count(self, series: str, since: float) -> int:
        raise OSError("the store is locked")

    def total(self, series: str, since: float) -> float:
        raise OSError("the store is locked")


@pytest.mark.parametrize("mode", ["warn", "enforce"])
def test_a_guard_that_fails_refuses(mode: Any):
    config = GuardConfig(budgets=mode, calls_per_minute=5)
    found = check(Request("create_call", CALL, "acc", True, NOON), config, Broken())
    assert codes(found) == {"guard_failed": "deny"}
    assert "locked" not in found[0].message


def test_a_document_reader_that_fails_or_is_newer_refuses(ledger: Ledger):
    class Unknown:
        kind, value, verb, attribute, templated = "carrier_pigeon", "x", "Dial", "", False

    def broken(_: str) -> tuple[Unknown, ...]:
        raise RuntimeError("broken")

    request = Request("update_call", {"Texml": "<Response/>"}, "acc", True, NOON)
    for reader in (broken, lambda _: (Unknown(),)):
        assert codes(check(request, GuardConfig(), ledger, reader)) == {"guard_failed": "deny"}


def test_the_strictest_finding_decides():
    def at(level: Any) -> Finding:
        return Finding("numbers", level, "x", "x")

    assert verdict([]) == "allow"
    assert verdict([at("warn")]) == "allow"
    assert verdict([at("warn"), at("confirm")]) == "confirm"
    assert verdict([at("deny"), at("confirm")]) == "deny"
