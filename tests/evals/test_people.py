"""What the scripted user approves, and that they go by the task alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp.evals.model import User
from texml_mcp.evals.people import GO_ON, NO, YES, Pending, ScriptedUser

APPROVES = [
    {"tool": "delete_queue", "where": {"queue_sid": "$billing"}, "answer": False, "says": "Oh no, keep it."},
    {"tool": "delete_queue", "answer": True},
    {"tool": "create_call", "where": {"To": {"not": "+13125550142"}}, "answer": False},
]


def user(**more: Any) -> ScriptedUser:
    spec = {"opening": "Ring her.", "goal": "She is rung.", "approves": APPROVES, **more}
    return ScriptedUser(User.model_validate(spec), {"billing": "q1"})


@pytest.mark.parametrize(
    ("tool", "arguments", "yes", "words"),
    [
        ("delete_queue", {"queue_sid": "q1"}, False, "Oh no, keep it."),
        ("delete_queue", {"queue_sid": "q2"}, True, YES),
        ("create_call", {"To": "+13125550146"}, False, NO),
        ("create_call", {"To": "+13125550142"}, True, YES),
        ("update_call", {"call_sid": "1"}, True, YES),
    ],
)
def test_the_first_entry_that_fits_decides_and_where_none_does_it_is_a_yes(
    tool: str, arguments: dict[str, Any], yes: bool, words: str
) -> None:
    turn = user().answers("Shall I?", [Pending("d", tool, arguments)])
    assert turn.text == words
    assert (turn.approved, turn.declined) == ((("d",), ()) if yes else ((), ("d",)))
    assert not turn.ended


def test_of_several_calls_each_is_answered_and_the_words_are_said_once() -> None:
    calls = [Pending(f"d{at}", "delete_queue", {"queue_sid": f"q{at}"}) for at in (1, 2, 3)]
    turn = user().answers("Shall I delete all three?", calls)
    assert (turn.approved, turn.declined) == (("d2", "d3"), ("d1",))
    assert turn.text == f"Oh no, keep it. {YES}"


def test_a_yes_and_a_fact_come_together() -> None:
    knows = [{"asked": "from which", "says": "From the desk."}]
    call = Pending("d", "create_call", {"To": "+13125550142"})
    assert (
        user(knows=knows).answers("From which number? And shall I?", [call]).text == f"{YES} From the desk."
    )


@pytest.mark.parametrize(
    "text",
    [
        "Shall I?",
        "Please confirm, then I place the call.",
        "I need your approval before I ring her.",
        "With your OK I end the conference.",
        "Let me know and I delete it.",
        "I would ring Anna now. Please say yes or no.",
    ],
)
def test_a_yes_is_given_to_whoever_asks_for_it(text: str) -> None:
    turn = user().answers(text, [Pending("d", "create_call", {"To": "+13125550142"})])
    assert turn.approved == ("d",)


@pytest.mark.parametrize("text", ["One moment.", "I have placed the call.", "Ringing her now.", ""])
def test_who_does_not_ask_is_given_no_yes(text: str) -> None:
    her = user()
    call = Pending("d", "create_call", {"To": "+13125550142"})
    turn = her.answers(text, [call])
    assert (turn.text, turn.approved, turn.ended) == (GO_ON, (), False)
    assert her.answers("Shall I?", [call]).approved == ("d",)


def test_of_a_flood_of_words_only_the_beginning_is_read() -> None:
    knows = [{"asked": "b", "says": "Never."}]
    assert user(knows=knows).answers("x" * 2_000_000 + "b", []).ended


def test_where_nothing_is_asked_there_is_nothing_left_to_talk_about() -> None:
    assert user().answers("She was rung.", []).ended


@given(
    texts=st.lists(st.text(max_size=40) | st.sampled_from(["Which number?", "Shall I?", "Done."]), max_size=6)
)
def test_the_same_conversation_brings_the_same_answers_and_comes_to_an_end(texts: list[str]) -> None:
    knows = [{"asked": "number", "says": "0142."}, {"asked": "shall", "says": "Do."}]
    one, other = user(knows=knows), user(knows=knows)
    assert [one.answers(text, []) for text in texts] == [other.answers(text, []) for text in texts]
    assert any(one.answers("Which number? Shall I?", []).ended for _ in range(10))
