"""Properties: an emergency number is refused however it is dressed, others are not, nothing raises."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.guards.conftest import NOON, Ledger
from texml_mcp.catalog import ENDPOINTS, Kind, Role
from texml_mcp.gate.guards import GuardConfig, Request, check, places, verdict

EMERGENCIES = st.sampled_from(["911", "112", "999", "000", "988", "116123"])
ZEROS = [0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xE50, 0xFF10, 0x1D7CE]  # nought in nine scripts
NOISE = st.text(alphabet=" -.()_/\u00a0\u200b\u2009\u2013\u2060", max_size=3)


@st.composite
def dressed(draw: st.DrawFn) -> str:
    number = draw(st.sampled_from(["", "9", "0", "00", "011", "9,", "8w"])) + draw(EMERGENCIES)
    zero = draw(st.sampled_from(ZEROS))
    pieces = [chr(zero + int(each)) if each.isdigit() else each for each in number]
    text = "".join(draw(NOISE) + each for each in pieces) + draw(NOISE)
    if draw(st.booleans()):
        text = "+" + text
    if draw(st.booleans()):
        text = quote(text, safe="+")
    form = draw(
        st.sampled_from(["{}", " {} ", "tel:{}", "sip:{}@pbx.example.com", "sips:{}@8.8.8.8;user=phone"])
    )
    return form.format(text)


def judged(endpoint: str, wire: dict[str, Any], live: bool = True, **options: Any):
    config = GuardConfig.model_validate(options)
    return check(Request(endpoint, wire, "acc", live, NOON), config, Ledger())


@given(dressed(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_an_emergency_number_is_refused_in_any_dress(text: str, live: bool):
    findings = judged("create_call", {"To": text}, live, numbers="off", hosts="off")
    assert "number_emergency" in {each.code for each in findings}


@given(st.integers(200, 999).filter(lambda area: area not in (911, 988, 999)), st.integers(0, 99))
@settings(max_examples=300, deadline=None)
def test_an_example_number_of_north_america_is_no_emergency(area: int, last: int):
    for text in (
        f"+1{area}55501{last:02}",
        f"({area}) 555-01{last:02}",
        f"sip:1{area}55501{last:02}@pbx.example.com",
    ):
        assert "number_emergency" not in {each.code for each in judged("create_call", {"To": text})}


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.text(alphabet="0123456789+:@/.[]{}%;<>sip", max_size=60),
    st.lists(st.text(max_size=10), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


def test_every_number_of_a_write_is_rung_unless_it_is_the_caller_s():
    numbers = [
        (each, param)
        for each in ENDPOINTS
        for _, param in each.params()
        if param.kind is Kind.NUMBER and not each.reads
    ]
    assert {param.name for _, param in numbers if param.role is Role.CALLER} == {"From"}
    for each, param in numbers:
        if param.role is not Role.CALLER:
            found = places(Request(each.id, {param.name: "+13125550142"}, "acc", True, NOON))
            assert [(place.kind, place.value) for place in found] == [("number", "+13125550142")]
            assert each.starts_call
            assert each.settles, "an unknown outcome of a call is looked for"


NAMES = sorted({param.name for each in ENDPOINTS for _, param in each.params()})


@given(
    st.sampled_from([each.id for each in ENDPOINTS]),
    st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=6),
    st.booleans(),
)
@settings(max_examples=500, deadline=None)
def test_guards_never_raise(endpoint: str, wire: dict[str, Any], live: bool):
    options = {"own_caller_ids": ["+12025550100"], "spend_per_day": 5, "rate_per_minute_cost": 0.01}
    findings = judged(endpoint, wire, live, hours="enforce", calls_per_minute=3, **options)
    assert verdict(findings) in {"deny", "confirm", "allow"}
    failed = {each.guard for each in findings if each.code == "guard_failed"}
    assert failed <= {"destinations"}, "only a document that cannot be read may fail a guard"


@given(st.floats() | st.text(max_size=5))
def test_a_time_limit_that_is_no_number_of_seconds_counts_as_the_longest(limit: object):
    from texml_mcp.gate.guards.limits import LONGEST, seconds

    found = seconds(Request("create_call", {"TimeLimit": limit}, "acc", True, NOON), GuardConfig())
    assert math.isfinite(found)
    assert 0 < found <= LONGEST


def test_a_time_without_a_zone_is_refused_and_not_guessed():
    naive = datetime(2026, 6, 1, 16, tzinfo=UTC).replace(tzinfo=None)
    request = Request("create_call", {"To": "+12025550123"}, "acc", True, naive)
    findings = check(request, GuardConfig(hours="enforce"), Ledger())
    assert [(each.guard, each.code) for each in findings if each.level == "deny"] == [
        ("hours", "guard_failed")
    ]
