"""`<Start>` on a live leg: text of what is said, noise suppression, and an end to both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Ask, place
from texml_mcp.sandbox import World

HOOK = "https://hooks.example.com/text"
START = f"<Start><Transcription transcriptionCallback='{HOOK}' name='live'/></Start>"


@pytest.fixture
def talker(world: World) -> World:
    """Everybody says ten words: four seconds from the answer on, which comes after three."""
    world.script_callee({"match": "*", "says": "one two three four five six seven eight nine ten"})
    return world


def texts(world: World) -> list[tuple[str, str]]:
    return [
        (each["fields"]["Transcript"], each["fields"]["IsFinal"])
        for each in world.outbox
        if each["event"] == "transcription"
    ]


def session(world: World) -> dict[str, Any]:
    (found,) = world.table("live_transcriptions").values()
    return found


def test_what_the_callee_says_is_told_when_it_is_said(talker: World, ask: Ask) -> None:
    sid = place(ask, START + "<Pause length='60'/>")
    talker.advance(6.9)
    assert (session(talker)["status"], texts(talker)) == ("in-progress", [])
    talker.advance(0.2)
    assert texts(talker) == [("one two three four five six seven eight nine ten", "true")]
    entry = next(each for each in talker.outbox if each["event"] == "transcription")
    assert entry["url"] == HOOK
    assert entry["fields"]["CallSid"] == sid
    assert session(talker)["text"] == texts(talker)[0][0]


def test_interim_results_come_before_the_final_one(talker: World, ask: Ask) -> None:
    place(ask, START.replace("name=", "interimResults='true' name=") + "<Pause length='60'/>")
    talker.advance(60)
    assert texts(talker) == [
        ("one two three four five", "false"),
        ("one two three four five six seven eight nine ten", "true"),
    ]


def test_a_session_hears_only_what_is_said_while_it_runs(talker: World, ask: Ask) -> None:
    stop = "<Stop><Transcription name='live'/></Stop>"
    place(ask, f"<Pause length='1'/>{START}<Pause length='1'/>{stop}<Pause length='60'/>")
    talker.advance(30)
    assert texts(talker) == [("three four five", "true")]
    assert session(talker)["status"] == "stopped"


def test_stopping_another_name_stops_nothing(talker: World, ask: Ask) -> None:
    place(ask, f"{START}<Stop><Transcription name='other'/></Stop><Pause length='60'/>")
    talker.advance(4)
    assert session(talker)["status"] == "in-progress"


@pytest.mark.parametrize("ends", ["hangs_up", "api"])
def test_the_end_of_the_leg_tells_the_rest_and_stops(talker: World, ask: Ask, ends: str) -> None:
    sid = place(ask, START + "<Start><Suppression/></Start><Pause length='60'/>")
    talker.advance(5)
    assert talker.table("calls")[sid]["suppression"] == "inbound"
    ask("update_call", call_sid=sid, Status="completed") if ends == "api" else talker.end(sid, "completed")
    assert texts(talker) == [("one two three four five", "true")]
    assert session(talker)["status"] == "stopped"
    assert talker.table("calls")[sid]["suppression"] is None
    talker.advance(60)
    assert len(texts(talker)) == 1


def test_a_silent_callee_leaves_no_text(world: World, ask: Ask) -> None:
    place(ask, START + "<Pause length='10'/>")
    world.advance(30)
    assert (texts(world), session(world)["status"]) == ([], "stopped")


def test_suppression_is_a_flag_of_the_leg(world: World, ask: Ask) -> None:
    stop = "<Stop><Suppression/></Stop>"
    sid = place(ask, f"<Start><Suppression direction='both'/></Start><Pause length='5'/>{stop}<Pause/>")
    world.advance(4)
    assert world.table("calls")[sid]["suppression"] == "both"
    world.advance(5)
    assert world.table("calls")[sid]["suppression"] is None
    assert [each["direction"] for each in world.events if each["event"] == "suppression"] == ["both", None]
