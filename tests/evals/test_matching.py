"""What a task speaks of: arguments by `where`, values by expression and by name."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp.evals.expressions import ExpressionError, filled, search, used
from texml_mcp.evals.matching import as_text, fits, places
from texml_mcp.evals.model import Event
from texml_mcp.evals.wheres import problems

NAMES = {"leg": "v3:abc", "count": 3}


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        ("completed", "completed"),
        (60, "60"),
        ("60", 60),
        (60, 60.0),
        (True, "true"),
        ("true", True),
        ("$leg", "v3:abc"),
        ("sip:$leg@example.com", "sip:v3:abc@example.com"),
        ("$count", "3"),
        ({"matches": "^\\+1"}, "+13125550142"),
        ({"matches": "COMPLETED"}, "completed"),
        ({"in": ["busy", "completed"]}, "completed"),
        ({"in": ["$leg", "customer"]}, "v3:abc"),
        ({"not": "busy"}, "completed"),
        ({"not": "busy"}, None),
        ({"not": {"in": ["$leg", "customer"]}}, "agent"),
        ({"not": {"absent": True}}, "there"),
        ({"absent": True}, None),
        ({"absent": False}, "there"),
    ],
)
def test_fits(wanted: Any, value: Any) -> None:
    assert fits({"it": wanted}, {"it": value}, NAMES)
    assert not fits({"it": {"not": wanted}}, {"it": value}, NAMES)


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        ("completed", "Completed"),
        ("completed", None),
        ("", None),
        ("1", True),
        ("$leg", "$leg"),
        ("$nothing", "$nothing"),
        ({"matches": "x"}, None),
        ({"in": []}, "anything"),
        ({"matches": "a", "in": ["a"]}, "a"),
    ],
)
def test_does_not_fit(wanted: Any, value: Any) -> None:
    assert not fits({"it": wanted}, {"it": value}, NAMES)


def test_arguments_that_nobody_speaks_of_may_be_anything() -> None:
    assert fits({}, {"To": "+13125550142"}, {})
    assert not fits({"To": "+13125550142"}, {}, {})


REQUEST = {
    "kind": "request",
    "operation": "update_call",
    "path": {"call_sid": "v3:abc"},
    "query": {},
    "body": {"Status": "completed"},
    "status": 200,
}
LOG = [
    {"kind": "user", "text": "Please hang up."},
    {"kind": "call", "tool": "update_call", "arguments": {"call_sid": "v3:abc"}, "text": "..."},
    REQUEST,
    {**REQUEST, "status": 404},
    {**REQUEST, "status": 0},
    {"kind": "agent", "text": "It is hung up."},
]


@pytest.mark.parametrize(
    ("event", "at"),
    [
        ({"request": "update_call"}, [2]),
        ({"request": "update_call", "attempted": True}, [2, 3, 4]),
        ({"request": "update_call", "where": {"call_sid": "$leg", "Status": "completed"}}, [2]),
        ({"request": "update_call", "where": {"call_sid": {"not": "$leg"}}}, []),
        ({"request": "*"}, [2]),
        ({"request": "create_call"}, []),
        ({"tool": "update_call"}, [1]),
        ({"tool": "*", "where": {"call_sid": {"matches": "^v3:"}}}, [1]),
        ({"says": "HUNG UP"}, [5]),
        ({"says": "please"}, []),
    ],
)
def test_where_in_the_log_something_happens(event: dict[str, Any], at: list[int]) -> None:
    assert places(Event.model_validate(event), LOG, NAMES) == at


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ({"a": {}}, "one of matches"),
        ({"a": {"is": 1}}, "one of matches"),
        ({"a": {"matches": "x", "not": "y"}}, "one of matches"),
        ({"a": {"matches": "("}}, "regular expression"),
        ({"a": {"matches": 3}}, "regular expression"),
        ({"a": {"in": "busy"}}, "a list"),
        ({"a": {"absent": "yes"}}, "true or false"),
        ({"a": {"not": {"matches": "("}}}, "regular expression"),
        ({"a": {"in": [{"matches": "("}]}}, "regular expression"),
    ],
)
def test_what_is_wrong_with_a_where(where: dict[str, Any], why: str) -> None:
    assert [why in each for each in problems(where)] == [True]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
WANTED = st.recursive(
    VALUES | st.sampled_from(["$leg", "$count", "$nothing", "${leg}!"]),
    lambda inner: st.one_of(
        st.builds(lambda each: {"not": each}, inner),
        st.builds(lambda each: {"in": each}, st.lists(inner, max_size=3)),
        st.builds(lambda each: {"absent": each}, st.booleans()),
        st.builds(lambda each: {"matches": each}, st.sampled_from(["^\\d+$", "a|b", ".", "(?s).*x"])),
    ),
    max_leaves=4,
)


@given(wanted=WANTED, value=VALUES)
def test_any_value_fits_or_does_not(wanted: Any, value: Any) -> None:
    if not list(problems({"it": wanted})):
        assert fits({"it": wanted}, {"it": value}, NAMES) is not fits(
            {"it": {"not": wanted}}, {"it": value}, NAMES
        )


@given(value=VALUES)
def test_a_value_is_compared_by_a_text_of_its_own(value: Any) -> None:
    assert isinstance(as_text(value), str)


@given(value=VALUES)
def test_names_are_found_wherever_they_are_filled_in(value: Any) -> None:
    names = used(value)
    known = dict.fromkeys(names, "x")
    assert used(filled(value, known)) == set()
    if names:
        with pytest.raises(ExpressionError, match="holds nothing"):
            filled(value, {})


def test_a_name_alone_stands_for_what_it_holds_and_within_a_text_for_its_text() -> None:
    assert filled({"a": ["$count", "$count legs", "${count}s"]}, NAMES) == {"a": [3, "3 legs", "3s"]}


DATA = {
    "calls": [
        {"to": "+13125550142", "duration": 37, "status": "completed"},
        {"to": "+13125550146", "status": "ringing"},
        {"to": None, "duration": "long", "status": 7},
    ],
    "now": float("inf"),
    "text": "x",
}


@pytest.mark.parametrize(
    "expression",
    [
        "calls[?duration>`1`]",
        "contains(text, `1`)",
        "calls[::0]",
        "ceil(now)",
        "merge(calls[0], nothing)",
        "sort_by(calls, &duration)",
        "unknown(calls)",
        "length(now)",
        "&calls",
        "[&calls]",
        "now",
        "calls[",
        "",
        "`",
        "(" * 3000 + "a" + ")" * 3000,
    ],
)
def test_an_expression_that_cannot_be_worked_out_says_so(expression: str) -> None:
    with pytest.raises(ExpressionError) as found:
        search(expression, DATA)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 500


PIECES = st.sampled_from(
    [
        *(
            "calls",
            "to",
            "duration",
            "status",
            "now",
            "text",
            "nothing",
            "@",
            "*",
            ".",
            "[",
            "]",
            "[]",
            "[?",
            "[0]",
        ),
        *(
            "(",
            ")",
            "{",
            "}",
            "|",
            "||",
            "&&",
            "!",
            "==",
            ">",
            "<=",
            "`1`",
            "'x'",
            "&",
            ",",
            ":",
            " ",
            "length",
        ),
        *("contains", "sort_by", "max_by", "join", "to_number", "starts_with", "keys", "map", "type", "-1"),
    ]
)


@given(pieces=st.lists(PIECES, max_size=12))
def test_no_expression_brings_anything_but_data_or_an_expression_error(pieces: list[str]) -> None:
    with contextlib.suppress(ExpressionError):
        search("".join(pieces), DATA)


@given(expression=st.text(max_size=30))
def test_nor_does_any_text(expression: str) -> None:
    with contextlib.suppress(ExpressionError):
        search(expression, DATA)
