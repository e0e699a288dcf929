"""Calls by an application's connection id, and those that an AI assistant holds, as far as documented."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import APPLICATION, DESK, Ask
from texml_mcp.sandbox import World

HUMAN, SILENT = "+13125550142", "+13125550143"
STATUS, TALK = "https://hooks.example.com/status", "https://hooks.example.com/talk"


def ai_call(world: World, to: str = HUMAN, **more: Any) -> str:
    """Have an assistant call somebody; the call's sid."""
    body = {"To": to, "From": DESK, "AIAssistantId": "assistant-1", **more}
    status, answer = world.request("initiate_ai_call", {"connection_id": APPLICATION}, None, body)
    assert status == 200, answer
    return answer["call_sid"]


def told(world: World, url: str) -> list[str]:
    """The events that an address has been told, in their order."""
    return [entry["event"] for entry in world.outbox if entry["url"] == url]


def test_the_events_of_a_conversation_come_in_the_documented_order(world: World, ask: Ask) -> None:
    sid = ai_call(world, StatusCallback=STATUS, ConversationCallback=TALK)
    assert told(world, TALK) == []
    world.advance(60)
    assert ask("get_call", call_sid=sid)[1]["status"] == "in-progress"
    assert told(world, TALK) == ["conversation_created"]
    ask("update_call", call_sid=sid, Status="completed")
    assert told(world, TALK) == ["conversation_created", "conversation_ended"]
    assert told(world, STATUS) == ["initiated", "ringing", "answered", "completed"]
    world.advance(60)
    assert told(world, STATUS)[-1] == "analyzed"


def test_a_call_that_nobody_answers_ends_as_an_event_of_its_own(world: World) -> None:
    world.script_callee({"match": SILENT, "does": "no-answer"})
    ai_call(world, SILENT, StatusCallback=STATUS, ConversationCallback=TALK)
    ai_call(world, SILENT, StatusCallback=f"{STATUS}/2", StatusCallbackEvent="completed busy")
    world.advance(120)
    assert told(world, STATUS) == ["initiated", "ringing", "no-answer"]
    assert told(world, f"{STATUS}/2") == []
    assert told(world, TALK) == []


def test_each_address_of_a_list_is_told_once(world: World) -> None:
    more = [STATUS, f"{STATUS}/2"]
    ai_call(world, StatusCallback=STATUS, StatusCallbacks=more, ConversationCallbacks=[TALK])
    world.advance(10)
    assert [told(world, url) for url in more] == [["initiated", "ringing", "answered"]] * 2
    assert told(world, TALK) == ["conversation_created"]
    assert told(world, "https://hooks.example.com/calls") == [], "a call's own addresses go first"


def test_without_addresses_the_application_s_is_told(world: World) -> None:
    ai_call(world)
    assert told(world, "https://hooks.example.com/calls") == ["initiated", "ringing"]


def test_other_instructions_end_the_conversation_and_not_the_call(world: World, ask: Ask) -> None:
    sid = ai_call(world, ConversationCallback=TALK)
    world.advance(10)
    ask("update_call", call_sid=sid, Texml="<Response><Pause length='600'/></Response>")
    assert told(world, TALK) == ["conversation_created", "conversation_ended"]
    assert ask("get_call", call_sid=sid)[1]["status"] == "in-progress"


def test_the_conversation_waits_for_detection_unless_that_runs_beside_it(world: World) -> None:
    ai_call(world, MachineDetection="Enable", ConversationCallback=TALK)
    ai_call(world, MachineDetection="Enable", AsyncAmd=True, ConversationCallback=f"{TALK}/2")
    world.advance(3.1)
    assert (told(world, TALK), told(world, f"{TALK}/2")) == ([], ["conversation_created"])
    world.advance(10)
    assert told(world, TALK) == ["conversation_created"]


def test_a_time_limit_ends_it(world: World, ask: Ask) -> None:
    sid = ai_call(world, TimeLimit=30, ConversationCallback=TALK)
    world.advance(60)
    assert ask("get_call", call_sid=sid)[1]["status"] == "completed"
    assert told(world, TALK)[-1] == "conversation_ended"


@pytest.mark.parametrize("name", ["Twiml", "Texml", "Url"])
def test_an_assistant_s_call_takes_no_instructions(world: World, name: str) -> None:
    body = {"To": HUMAN, "From": DESK, "AIAssistantId": "assistant-1", name: "https://texml.example.com/desk"}
    status, answer = world.request("initiate_ai_call", {"connection_id": APPLICATION}, None, body)
    assert (status, answer["errors"][0]["source"]) == (422, {"pointer": f"/{name}"})
    assert world.table("calls") == {}


def test_a_document_cannot_hold_the_assistant_of_such_a_call(world: World) -> None:
    body = {"To": HUMAN, "From": DESK, "Texml": "<Response><AIAssistant id='a'/></Response>"}
    status, answer = world.request("create_connection_call", {"connection_id": APPLICATION}, None, body)
    assert status == 400
    assert "does not run <AIAssistant>" in answer["errors"][0]["detail"]


def test_a_call_by_connection_runs_the_document_the_url_or_the_application_s(world: World) -> None:
    world.documents["https://texml.example.com/other"] = "<Response><Say>Other</Say></Response>"
    heard = {}
    for name, more in {
        "inline": {"Texml": "<Response><Say>Inline</Say></Response>"},
        "url": {"Url": "https://texml.example.com/other", "Method": "GET"},
        "application": {},
    }.items():
        body = {"To": HUMAN, "From": DESK, **more}
        _, answer = world.request("create_connection_call", {"connection_id": APPLICATION}, None, body)
        world.advance(3.1)
        ran = [each for each in world.events if each["event"] == "verb"]
        heard[name] = [each["verb"] for each in ran if each["sid"] == answer["call_sid"]]
    assert heard == {"inline": ["Say"], "url": ["Say"], "application": ["Pause"]}


@pytest.mark.parametrize("operation", ["create_connection_call", "initiate_ai_call"])
def test_a_connection_that_is_not_there_or_is_off_places_nothing(world: World, operation: str) -> None:
    body = {"To": HUMAN, "From": DESK, "AIAssistantId": "assistant-1"}
    assert world.request(operation, {"connection_id": "1"}, None, body)[0] == 404
    world.table("applications")[APPLICATION]["settings"]["active"] = False
    assert world.request(operation, {"connection_id": APPLICATION}, None, body)[0] == 422
    assert world.table("calls") == {}


def test_a_snapshot_keeps_the_conversation(world: World) -> None:
    sid = ai_call(world, ConversationCallback=TALK)
    world.advance(10)
    before, kept = world.hash(), world.snapshot()
    world.end(sid, "completed")
    world.restore(kept)
    assert world.hash() == before
    assert world.table("calls")[sid]["assistant"]["talks"]
