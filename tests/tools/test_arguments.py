"""Lenient in, strict in meaning: what a model may spell its own way, and what it is told otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp.catalog import ENDPOINTS, endpoint
from texml_mcp.tools.arguments import ArgumentError, Arguments, parse
from texml_mcp.tools.schema import input_schema

ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"
CALL = {"To": "+13125550100", "From": "+13125550101", "ApplicationSid": "1293384261075731499"}


def wire(tool: str, **given: Any) -> dict[str, Any]:
    parsed = parse(endpoint(tool), given, ACCOUNT).wire
    assert parsed.pop("account_sid", ACCOUNT) == ACCOUNT
    return parsed


def refusal(tool: str, given: dict[str, Any], account: str | None = ACCOUNT) -> ArgumentError:
    with pytest.raises(ArgumentError) as caught:
        parse(endpoint(tool), given, account)
    return caught.value


def test_snake_case_and_camel_case_spellings_are_normalised() -> None:
    spelled = wire("create_call", to="+13125550100", from_="+13125550101", application_sid="1", timeLimit=60)
    assert spelled == {"To": "+13125550100", "From": "+13125550101", "ApplicationSid": "1", "TimeLimit": 60}


@pytest.mark.parametrize("name", ["StartTime_gt", "StartTime>", "start_time_gt", "StartTimeGt"])
def test_every_documented_spelling_of_a_date_filter_goes_out_as_the_wire_name(name: str) -> None:
    assert wire("list_calls", **{name: "2026-05-22"}) == {"StartTime>": "2026-05-22"}


def test_bracketed_names_have_portable_keys() -> None:
    given = {"page_number": 2, "filter_friendly_name": "support"}
    assert wire("list_applications", **given) == {"page[number]": 2, "filter[friendly_name]": "support"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Timeout", "60", 60),
        ("Timeout", 60.0, 60),
        ("Record", "true", True),
        ("Record", 0, False),
        ("ApplicationSid", 12, "12"),
        ("UrlMethod", "get", "GET"),
        ("StatusCallbackEvent", ["answered", "completed"], "answered completed"),
        ("StatusCallbackEvent", "answered, completed", "answered completed"),
        ("To", "+1 (312) 555-0100", "+13125550100"),
        ("To", "\uff0b\uff11312 5550100", "+13125550100"),
        ("To", "sip:desk@example.com", "sip:desk@example.com"),
        ("CustomHeaders", '[{"name":"X-Team","value":"7"}]', [{"name": "X-Team", "value": "7"}]),
        ("Timeout", None, None),
    ],
)
def test_obvious_types_are_forgiven(name: str, value: Any, expected: Any) -> None:
    url = {"Url": "https://example.com/a.xml"} if name == "UrlMethod" else {}
    assert wire("create_call", **CALL | url | {name: value}).get(name) == expected


@pytest.mark.parametrize(
    ("given", "code", "field", "says"),
    [
        ({"Tos": "x"}, "unknown_argument", "Tos", "did you mean To?"),
        ({"confirm": True}, "unknown_argument", "confirm", "did you mean confirm_token?"),
        ({"Timeout": "soon"}, "invalid_argument", "Timeout", "a whole number"),
        ({"Timeout": 4}, "invalid_argument", "Timeout", "from 5 to 120 s"),
        ({"Timeout": 10**400}, "invalid_argument", "Timeout", "from 5 to 120 s"),
        ({"Record": "maybe"}, "invalid_argument", "Record", "true or false"),
        ({"SipRegion": "Mars"}, "invalid_argument", "SipRegion", "US or Europe"),
        ({"To": "3125550100"}, "invalid_argument", "To", "E.164"),
        ({"To": "911"}, "invalid_argument", "To", "E.164"),
        ({"To": ""}, "invalid_argument", "To", "empty"),
        ({"To": "+1312555\x000100"}, "invalid_argument", "To", "control"),
        ({"To": "+1312555\u202e0100"}, "invalid_argument", "To", "bidi"),
        ({"Url": "x" * 1_000_000}, "invalid_argument", "Url", "1,000,000 characters"),
        ({"Url": "ftp://example.com"}, "invalid_argument", "Url", "absolute URL"),
        ({"ApplicationSid": 2**60}, "invalid_argument", "ApplicationSid", "as text"),
        ({"StatusCallbackEvent": "rung"}, "invalid_argument", "StatusCallbackEvent", "initiated"),
        ({"CustomHeaders": [{"name": "X"}]}, "invalid_argument", "CustomHeaders", "lacks value"),
        ({"CustomHeaders": {"X": 1}}, "invalid_argument", "CustomHeaders", "a list"),
        ({"Url": "https://example.com/", "Texml": "<Response/>"}, "conflicting_arguments", "Url", "only one"),
    ],
)
def test_a_bad_value_is_refused_with_what_would_be_right(
    given: dict[str, Any], code: str, field: str, says: str
) -> None:
    error = refusal("create_call", CALL | given)
    assert (error.code, error.field) == (code, field)
    assert says in error.summary
    assert len(error.summary) < 2000


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"AIAssistantDynamicVariables": {"visit": "x" * 5000}}, "visit has 5,000 characters; at most 4,096"),
        ({"AIAssistantDynamicVariables": {"visit": " "}}, "visit is empty"),
        ({"AIAssistantDynamicVariables": {"visit": 2**60}}, "visit is too long for a number"),
        ({"AIAssistantDynamicVariables": {"n" * 5000: "x"}}, "A name has 5,000 characters; at most 4,096"),
        ({"StatusCallbacks": ["https://example.com/" + "x" * 3000]}, "An item has 3,020 characters; at most"),
        ({"StatusCallbacks": [["https://u:pw@example.com"]]}, "An item must be text, not a list"),
    ],
)
def test_what_is_wrong_inside_of_a_value_is_named_by_its_place(given: dict[str, Any], says: str) -> None:
    call = {name: CALL[name] for name in ("To", "From")} | {"connection_id": "1", "AIAssistantId": "a"}
    error = refusal("initiate_ai_call", call | given)
    (field,) = given
    assert error.field == field
    assert f"{field}: {says}" in error.summary


def test_everything_wrong_is_told_at_once() -> None:
    error = refusal("create_call", {"To": "911", "Timeout": 3})
    assert "To must be" in error.summary
    assert "Timeout must be" in error.summary
    assert "Missing: From, ApplicationSid." in error.summary


def test_an_unknown_argument_names_every_valid_one() -> None:
    error = refusal("get_call", {"sid": "v3:a"})
    assert "Valid: account_sid, call_sid, wait_for, max_wait_seconds, detail." in error.summary


def test_the_same_argument_twice_with_two_values_is_refused() -> None:
    assert "given twice" in refusal("create_call", CALL | {"to": "+13125550102"}).summary


def test_a_secret_is_never_repeated() -> None:
    error = refusal("create_secret", {"name": "pin", "value": ["hunter2"]})
    assert "hunter2" not in error.summary


@pytest.mark.parametrize(
    ("tool", "given", "says"),
    [
        (
            "update_conference_participant",
            {"Coaching": True},
            "CallSidToCoach is required when Coaching is true",
        ),
        ("update_conference_participant", {}, "Nothing to change"),
        ("update_call", {"Status": "completed", "Texml": "<Response/>"}, "Give only one of Status, Texml"),
        ("update_call", {}, "Nothing to change"),
        ("update_conference", {}, "Nothing to change"),
    ],
)
def test_rules_between_parameters(tool: str, given: dict[str, Any], says: str) -> None:
    ids = {"call_sid": "v3:a", "conference_sid": "c", "call_sid_or_participant_label": "customer"}
    names = {param.name for param in endpoint(tool).path_params}
    error = refusal(tool, {key: value for key, value in ids.items() if key in names} | given)
    assert error.code == "conflicting_arguments"
    assert says in error.summary


def test_settings_without_effect_are_said_not_refused() -> None:
    parsed = parse(endpoint("create_call"), CALL | {"RecordingChannels": "dual"}, ACCOUNT)
    assert parsed.notes == ["RecordingChannels has no effect unless Record is true."]


def test_without_any_account_both_ways_out_are_named() -> None:
    error = refusal("list_queues", {}, account=None)
    assert error.code == "missing_account"
    assert "account_sid" in error.summary
    assert "TELNYX_ACCOUNT_SID" in error.summary


def test_a_siprec_timeout_is_off_or_long_enough() -> None:
    assert wire("start_call_siprec", call_sid="v3:a", SessionTimeoutSecs=0)["SessionTimeoutSecs"] == 0
    assert (
        "at least 90 s or 0"
        in refusal("start_call_siprec", {"call_sid": "v3:a", "SessionTimeoutSecs": 60}).summary
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_any_json_is_parsed_or_refused_and_never_raises_anything_else(data: st.DataObject) -> None:
    ours = data.draw(st.sampled_from(ENDPOINTS))
    keys = list(input_schema(ours)["properties"])
    arguments = data.draw(st.dictionaries(st.sampled_from(keys) | st.text(max_size=12), JSON, max_size=5))
    refused: ArgumentError | None = None
    parsed: Arguments | None = None
    try:
        parsed = parse(ours, arguments, ACCOUNT)
    except ArgumentError as error:
        refused = error
    if refused is not None:
        assert 0 < len(refused.summary) < 4000
        return
    assert parsed is not None
    types = {param.name: param.type for _, param in ours.params()}
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
    for name, value in parsed.wire.items():
        assert isinstance(value, kinds.get(types[name], (int, float)))
