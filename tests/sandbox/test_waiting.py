"""Waiting in a queue: the document that is heard meanwhile, the position told, and every way it ends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Ask, place
from tests.sandbox.test_texml import status, verbs
from texml_mcp.sandbox import World

WAIT, THEN = "https://texml.example.com/wait", "https://texml.example.com/then"
ENQUEUE = f"<Enqueue waitUrl='{WAIT}' action='{THEN}'>support</Enqueue><Play>never</Play>"


@pytest.fixture
def queued(world: World) -> World:
    world.documents[WAIT] = "<Response><Say>one two three four five</Say><Pause length='8'/></Response>"
    world.documents[THEN] = "<Response><Pause length='50'/></Response>"
    return world


def told(world: World, event: str) -> list[dict[str, Any]]:
    return [each["fields"] for each in world.outbox if each["event"] == event]


def test_the_waiting_document_is_asked_for_again_with_the_place_in_the_queue(queued: World, ask: Ask) -> None:
    first = place(ask, ENQUEUE, "+13125550151")
    second = place(ask, ENQUEUE, "+13125550152")
    queued.advance(25)
    asked = [each for each in told(queued, "enqueued") if each["CallSid"] == second]
    assert [(each["QueuePosition"], each["QueueTime"]) for each in asked] == [
        ("2", "0"),
        ("2", "10"),
        ("2", "20"),
    ]
    assert {each["CurrentQueueSize"] for each in asked[1:]} == {"2"}
    ask("update_call", call_sid=first, Status="completed")
    queued.advance(10)
    last = told(queued, "enqueued")[-1]
    assert (last["QueuePosition"], last["CurrentQueueSize"]) == ("1", "1")


@pytest.mark.parametrize(
    ("how", "result"),
    [("leave", "leave"), ("wait", "max-wait-time-exceeded"), ("full", "queue-full"), ("gone", "hangup")],
)
def test_every_end_of_a_wait_is_told_to_the_action(queued: World, ask: Ask, how: str, result: str) -> None:
    document = ENQUEUE
    if how == "leave":
        queued.documents[WAIT] = "<Response><Pause length='7'/><Leave/></Response>"
    elif how == "wait":
        document = document.replace("<Enqueue ", "<Enqueue maxWaitTimeSecs='7' ")
    elif how == "full":
        ask("create_queue", FriendlyName="support", MaxSize=1)
        place(ask, "<Enqueue>support</Enqueue>", "+13125550199")
        queued.advance(4)
    sid = place(ask, document)
    queued.advance(3)
    if how == "gone":
        queued.advance(7)
        ask("update_call", call_sid=sid, Status="completed")
    queued.advance(20)
    (answer,) = told(queued, "dequeued")
    assert answer["QueueResult"] == result
    assert int(answer["QueueTime"]) == (0 if how == "full" else 7)
    assert answer["QueueSid"] == queued.table("queues")["support"]["uuid"]
    assert status(ask, sid) == ("completed" if how == "gone" else "in-progress")
    assert "Play" not in verbs(queued, sid)


def test_after_an_agent_has_talked_the_caller_goes_on_after_the_enqueue(world: World, ask: Ask) -> None:
    caller = place(ask, "<Enqueue>support</Enqueue><Say>Goodbye</Say>", "+13125550151")
    world.advance(10)
    agent = place(ask, "<Dial><Queue>support</Queue></Dial>", "+13125550152")
    world.advance(5)
    assert world.hears() == {caller: [agent], agent: [caller]}
    ask("update_call", call_sid=agent, Status="completed")
    assert verbs(world, caller) == ["Enqueue", "Say"]


def test_the_action_waits_until_the_agent_and_the_caller_have_talked(queued: World, ask: Ask) -> None:
    caller = place(ask, ENQUEUE, "+13125550151")
    queued.advance(10)
    agent = place(ask, "<Dial><Queue>support</Queue></Dial>", "+13125550152")
    queued.advance(30)
    assert told(queued, "dequeued") == []
    ask("update_call", call_sid=agent, Status="completed")
    assert [each["QueueResult"] for each in told(queued, "dequeued")] == ["bridged"]
    assert status(ask, caller) == "in-progress"


def test_an_agent_who_waits_is_given_the_next_caller_at_once(world: World, ask: Ask) -> None:
    agent = place(ask, "<Dial><Queue>support</Queue></Dial>", "+13125550152")
    world.advance(10)
    callers: list[str] = []
    for number in (3, 4):
        callers.append(place(ask, "<Enqueue>support</Enqueue>", f"+1312555015{number}"))
        world.advance(5)
    assert world.hears()[agent] == [callers[0]]
    assert ask("get_queue", queue_sid="support")[1]["current_size"] == 1


def test_a_waiting_document_that_takes_no_time_does_not_stop_the_clock(world: World, ask: Ask) -> None:
    world.documents[WAIT] = "<Response/>"
    sid = place(ask, ENQUEUE)
    world.advance(20)
    assert (status(ask, sid), world.table("calls")[sid]["queue"]) == ("in-progress", "support")
