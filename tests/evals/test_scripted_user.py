"""The scripted user: tells what is asked for, and lets a conversation come to its end."""

from __future__ import annotations

from texml_mcp.evals.model import User
from texml_mcp.evals.people import GO_ON, NOTHING_MORE, Pending, ScriptedUser


def _user(*knows: tuple[str, str]) -> ScriptedUser:
    facts = [{"asked": asked, "says": says} for asked, says in knows]
    return ScriptedUser(
        User.model_validate({"opening": "Ring her.", "goal": "She is rung.", "knows": facts}), {}
    )


def test_a_report_that_mentions_what_was_told_ends_the_conversation() -> None:
    user = _user(("number", "0142."))
    assert user.answers("What is her number?", []).text == "0142."
    assert user.answers("I rang her number.", []).ended


def test_what_was_told_is_told_once_more_to_a_question_and_then_no_more() -> None:
    user = _user(("number", "0142."))
    said = [user.answers("Which number, please?", []).text for _ in range(4)]
    assert said == ["0142.", "0142.", NOTHING_MORE, NOTHING_MORE]
    assert user.answers("Which number, please?", []).ended


def test_a_second_matching_fact_is_told_after_the_first() -> None:
    user = _user(("queue", "Good, now ring Omar."), ("omar", "Thank you, that is all."))
    assert user.answers("The queue is longer, and Omar was not rung.", []).text == "Good, now ring Omar."
    assert user.answers("The queue is longer and Omar was rung.", []).text == "Thank you, that is all."


def test_a_yes_is_not_burdened_with_what_was_told_before() -> None:
    user = _user(("number", "0142."))
    pending = [Pending("digest", "create_call", {"To": "+13125550142"})]
    assert user.answers("Which number?", []).text == "0142."
    turn = user.answers("Shall I ring this number?", pending)
    assert (turn.text, turn.approved) == ("Yes, go ahead.", ("digest",))


def test_the_next_wish_comes_when_the_one_before_it_is_done() -> None:
    log = [{"kind": "user", "text": "First a longer queue."}]
    wish = {"says": "Now ring Omar.", "after": {"request": "update_queue"}}
    spec = User.model_validate({"opening": "First a longer queue.", "goal": "Both.", "knows": [wish]})
    user = ScriptedUser(spec, {}, log)
    assert user.answers("I am looking at the queue.", []).text == GO_ON
    done = {"operation": "update_queue", "status": 200, "path": {}, "query": {}, "body": {}}
    log.append({"kind": "request", **done})
    pending = [Pending("digest", "update_call", {})]
    assert user.answers("It is longer. Shall I hang up?", pending).text == "Yes, go ahead."
    assert user.answers("It is longer.", []).text == "Now ring Omar."
    assert user.answers("He was rung.", []).ended
