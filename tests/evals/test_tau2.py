"""A task as an environment in the manner of tau-bench: replays come out alike, word for word."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.evals import tiny
from tests.lengths import few
from texml_mcp.evals.adapters.tau2 import Environment
from texml_mcp.evals.adapters.tau2_tasks import golden_actions, tau2_task

EXAMPLE = Path(__file__).parents[2] / "examples" / "tau2_style.py"
TASKS = tiny.shipped()
TASK = TASKS["call-and-report-length"]
CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "1293384261075731499"}


@dataclass
class Message:
    """An assistant's or user's message of such a harness, or the answer to a tool call."""

    role: str
    id: str = ""
    content: str = ""
    tool_calls: list[Any] = field(default_factory=list)


@pytest.fixture
def environment() -> Iterator[Environment]:
    with Environment(TASK) as made:
        yield made


def played(environment: Environment, *calls: tuple[str, str, dict[str, Any]]) -> list[Message]:
    """The messages of a conversation that makes these calls: requestor, tool, arguments."""
    history: list[Message] = []
    for at, (requestor, name, arguments) in enumerate(calls):
        call = SimpleNamespace(id=f"c{at}", name=name, arguments=arguments, requestor=requestor)
        response = environment.get_response(call)
        history.append(Message(requestor, tool_calls=[call]))
        history.append(Message("tool", response.id, response.content))
    return history


STORY = (
    ("assistant", "list_applications", {}),
    ("assistant", "create_call", CALL),
    ("assistant", "list_calls", {"To": "+13125550142"}),
    ("user", "look_at_phone", {"number": "+13125550142"}),
    ("assistant", "wait", {"seconds": 10}),
    ("user", "hang_up", {"number": "+13125550142"}),
    ("user", "answer_as", {"number": "+13125550143", "does": "busy"}),
    ("user", "call_in", {"number": "+13125550161", "application": CALL["ApplicationSid"]}),
    ("assistant", "get_call", {"call_sid": "no-such-call"}),
    ("assistant", "create_queue", {"FriendlyName": "overflow"}),
)


def test_a_replay_answers_word_for_word_and_ends_alike(environment: Environment) -> None:
    history = played(environment, *STORY)
    with Environment(TASK) as again:
        again.set_state(None, None, history)
        assert again.get_db_hash() == environment.get_db_hash()
        assert again.get_user_db_hash() == environment.get_user_db_hash()


def test_another_story_ends_otherwise(environment: Environment) -> None:
    before = environment.get_db_hash(), environment.get_user_db_hash()
    played(environment, *STORY)
    assert environment.get_db_hash() != before[0]
    assert environment.get_user_db_hash() != before[1]


def test_reads_move_nothing_not_even_those_that_wait(environment: Environment) -> None:
    sid = environment.ask("create_call", CALL).structured["data"]["sid"]
    at = environment.world.clock.now
    wait = {"call_sid": sid, "wait_for": "ended", "max_wait_seconds": 25}
    assert "Still" in environment.make_tool_call("get_call", **wait)
    assert environment.world.clock.now == at
    environment.make_tool_call("wait", seconds=60)
    assert "completed" in environment.make_tool_call("get_call", call_sid=sid)


def test_a_record_that_differs_is_refused_unless_told_otherwise(environment: Environment) -> None:
    history = played(environment, ("assistant", "create_queue", {"FriendlyName": "overflow"}))
    history[1].content = "another answer"
    with (
        Environment(TASK) as again,
        pytest.raises(ValueError, match="create_queue answered 'another answer'"),
    ):
        again.set_state(None, None, history)
    with Environment(TASK) as lenient:
        lenient.set_state(None, None, history, strict=False)
        assert lenient.get_db_hash() == environment.get_db_hash()


@pytest.mark.parametrize(
    ("requestor", "name", "arguments", "why"),
    [
        ("assistant", "hang_up", {"number": "+13125550142"}, "Tool 'hang_up' not found"),
        ("user", "create_call", CALL, "Tool 'create_call' not found"),
        ("assistant", "create_call", {}, "To"),
        ("assistant", "no_such_tool", {}, "not found"),
        ("user", "hang_up", {"number": "+13125550199"}, "is in no call"),
        ("user", "hang_up", {}, "needs number"),
        ("user", "hang_up", {"who": "x"}, "takes number, not who"),
        ("user", "call_in", {"number": "+13125550161", "application": "none"}, "no application"),
        ("user", "answer_as", {"number": "+13125550161", "does": "sings"}, "does: one of"),
        ("assistant", "wait", {"seconds": -1}, "from 0 to"),
        ("assistant", "wait", {"seconds": "long"}, "from 0 to"),
        ("nobody", "wait", {"seconds": 1}, "assistant or user"),
    ],
)
def test_a_call_that_cannot_be_made_changes_nothing_and_says_why(
    environment: Environment, requestor: str, name: str, arguments: dict[str, Any], why: str
) -> None:
    before = environment.get_db_hash()
    call = SimpleNamespace(id="c", name=name, arguments=arguments, requestor=requestor)
    response = environment.get_response(call)
    assert response.error
    assert why in response.content
    assert environment.get_db_hash() == before


def test_initialization_data_is_refused(environment: Environment) -> None:
    with pytest.raises(ValueError, match="told by its task"):
        environment.set_state({"agent_data": {}})


def test_tools_are_told_apart_by_what_they_change(environment: Environment) -> None:
    tools = {tool.name: tool for tool in environment.get_tools()}
    assert len(tools) == 40  # the server's 39, and wait
    assert not tools["list_calls"].mutates_state
    assert not tools["validate_texml"].mutates_state
    assert tools["create_call"].mutates_state
    assert tools["wait"].mutates_state
    theirs = {tool.name: tool for tool in environment.get_user_tools()}
    assert sorted(theirs) == ["answer_as", "call_in", "hang_up", "look_at_phone", "wait"]
    assert theirs["hang_up"].openai_schema["function"]["parameters"]["required"] == ["number"]


@pytest.mark.parametrize("name", few(sorted(TASKS)[::6], 3))
def test_the_golden_actions_of_a_task_lead_to_one_end(name: str) -> None:
    try:
        golden = golden_actions(TASKS[name])
    except ValueError as error:
        pytest.skip(str(error))
    ends: list[str] = []
    for _ in range(2):
        with Environment(TASKS[name]) as environment:
            for action in golden:
                environment.get_response(SimpleNamespace(id="c", **action))
            ends.append(environment.get_db_hash())
    assert ends[0] == ends[1]


@pytest.mark.long
def test_most_tasks_can_be_brought_there() -> None:
    brought = 0
    for task in list(TASKS.values())[::5]:
        try:
            entry = tau2_task(task)
        except ValueError:
            continue
        brought += 1
        assert task.user.opening in entry["user_scenario"]["instructions"]
        assert "DB" in entry["evaluation_criteria"]["reward_basis"]
    assert brought >= len(list(TASKS.values())[::5]) // 2


def test_a_path_that_needs_the_gates_question_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="not declined"):
        golden_actions(TASKS["refused-keep-one-of-three"])


@pytest.mark.long
def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the reference" in done.stdout
