"""A placed call runs its document, and the world is what the document made of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import APPLICATION, DESK, Ask, place
from texml_mcp.sandbox import World


def verbs(world: World, sid: str) -> list[str]:
    return [each["verb"] for each in world.events if each["event"] == "verb" and each["sid"] == sid]


def status(ask: Ask, sid: str) -> str:
    return ask("get_call", call_sid=sid)[1]["status"]


def test_verbs_take_their_time_and_the_end_of_the_document_hangs_up(world: World, ask: Ask) -> None:
    sid = place(ask, "<Say>one two three four five</Say><Pause length='3'/>")
    assert status(ask, sid) == "ringing"
    world.advance(3)
    assert status(ask, sid) == "in-progress"
    world.advance(4.9)
    assert status(ask, sid) == "in-progress"
    world.advance(0.2)
    call = ask("get_call", call_sid=sid)[1]
    assert (call["status"], call["duration"], verbs(world, sid)) == ("completed", "5", ["Say", "Pause"])


@pytest.mark.parametrize(
    ("callee", "after", "ends"),
    [
        ({"does": "busy"}, 2, "busy"),
        ({"does": "no-answer"}, 31, "no-answer"),
        ({"does": "rejects"}, 4, "failed"),
        ({"does": "unreachable"}, 0, "failed"),
        ({"rings_seconds": 45}, 31, "no-answer"),
        ({"hangs_up_after_seconds": 5}, 9, "completed"),
    ],
)
def test_a_callee_does_what_the_script_says(
    world: World, ask: Ask, callee: dict[str, Any], after: float, ends: str
) -> None:
    world.script_callee({"match": "+1312555014*", **callee})
    sid = place(ask, "<Pause length='60'/>")
    world.advance(after)
    assert status(ask, sid) == ends


def test_detection_tells_a_machine_from_a_person(world: World, ask: Ask) -> None:
    world.script_callee({"match": "+13125550145", "does": "voicemail", "greeting_seconds": 6})
    machine = place(ask, "<Say>Hello</Say>", "+13125550145", MachineDetection="DetectMessageEnd")
    person = place(ask, "<Say>Hello</Say>", "+13125550146", MachineDetection="Enable")
    world.advance(5.5)
    assert (verbs(world, machine), verbs(world, person)) == ([], ["Say"])
    world.advance(4)
    assert verbs(world, machine) == ["Say"]
    assert ask("get_call", call_sid=machine)[1]["answered_by"] == "machine"
    assert ask("get_call", call_sid=person)[1]["answered_by"] == "human"


def test_digits_pressed_choose_the_next_document(world: World, ask: Ask) -> None:
    world.script_callee({"match": "+13125550142", "presses": "w2#"})
    world.documents["https://texml.example.com/menu"] = "<Response><Play>a.mp3</Play></Response>"
    menu = (
        "<Gather action='https://texml.example.com/menu' timeout='9'><Say>Press two</Say></Gather><Hangup/>"
    )
    sid = place(ask, menu)
    world.advance(5)
    assert verbs(world, sid) == ["Gather", "Play"]
    assert world.outbox[-1]["fields"]["Digits"] == "2"


def test_a_gather_without_digits_goes_on(world: World, ask: Ask) -> None:
    sid = place(ask, "<Gather action='https://texml.example.com/menu' timeout='4'/><Pause length='2'/>")
    world.advance(7.5)
    assert verbs(world, sid) == ["Gather", "Pause"]


def test_dial_bridges_the_first_to_answer_and_cancels_the_rest(world: World, ask: Ask) -> None:
    world.script_callee({"match": "+13125550151", "rings_seconds": 2, "hangs_up_after_seconds": 10})
    world.script_callee({"match": "+13125550152", "rings_seconds": 5})
    dial = "<Dial><Number>+13125550151</Number><Number>+13125550152</Number></Dial><Say>Back again</Say>"
    sid = place(ask, dial)
    world.advance(6)
    legs = {call["to"]: call for call in world.table("calls").values() if call["sid"] != sid}
    assert legs["+13125550151"]["peer"] == sid
    assert legs["+13125550152"]["status"] == "canceled"
    world.advance(9)
    assert legs["+13125550151"]["status"] == "completed"
    assert verbs(world, sid) == ["Dial", "Say"]


def test_hanging_up_ends_the_dialed_leg_too(world: World, ask: Ask) -> None:
    sid = place(ask, "<Dial>+13125550151</Dial>")
    world.advance(10)
    ask("update_call", call_sid=sid, Status="completed")
    assert {call["status"] for call in world.table("calls").values()} == {"completed"}


def test_a_document_never_dials_an_emergency_number(world: World, ask: Ask) -> None:
    sid = place(ask, "<Dial>+1911</Dial><Say>No</Say>")
    world.advance(4)
    assert len(world.table("calls")) == 1
    assert verbs(world, sid) == ["Dial", "Say"]


def test_conferences_start_and_end_as_their_participants_come_and_go(world: World, ask: Ask) -> None:
    guest = place(
        ask,
        "<Dial><Conference startConferenceOnEnter='false'>ward</Conference></Dial><Say>Bye</Say>",
        "+13125550151",
    )
    world.advance(4)
    room = ask("list_conferences")[1]["conferences"][0]
    assert room["status"] == "init"
    host = place(ask, "<Dial><Conference endConferenceOnExit='true'>ward</Conference></Dial>", "+13125550152")
    world.advance(4)
    assert ask("get_conference", conference_sid=room["sid"])[1]["status"] == "in-progress"
    ask("update_call", call_sid=host, Status="completed")
    ended = ask("get_conference", conference_sid=room["sid"])[1]
    assert ended["reason_conference_ended"] == "participant-with-end-conference-on-exit-left"
    assert ended["call_sid_ending_conference"] == host
    assert verbs(world, guest) == ["Dial", "Say"]


def test_new_instructions_take_a_leg_out_of_its_conference(world: World, ask: Ask) -> None:
    sids = [place(ask, "<Dial><Conference>ward</Conference></Dial>", f"+1312555015{n}") for n in range(2)]
    world.advance(4)
    room = ask("list_conferences")[1]["conferences"][0]["sid"]
    ask("update_call", call_sid=sids[0], Texml="<Response><Pause length='30'/></Response>")
    members = ask("list_conference_participants", conference_sid=room)[1]["participants"]
    assert [member["call_sid"] for member in members] == [sids[1]]


def test_a_queue_fills_and_an_agent_drains_it(world: World, ask: Ask) -> None:
    caller = place(ask, "<Enqueue>support</Enqueue>", "+13125550151")
    world.advance(13)
    queue = ask("get_queue", queue_sid="support")[1]
    assert (queue["current_size"], queue["average_wait_time"]) == (1, 10)
    agent = place(ask, "<Dial><Queue>support</Queue></Dial>", "+13125550152")
    world.advance(3)
    assert ask("get_queue", queue_sid="support")[1]["current_size"] == 0
    assert world.table("calls")[agent]["peer"] == caller


def test_a_recorded_message_is_transcribed(world: World, ask: Ask) -> None:
    world.script_callee({"match": "+13125550142", "says": "please call me back"})
    place(ask, "<Record maxLength='20' timeout='2' transcription='true'/>")
    world.advance(30)
    recording = ask("list_recordings")[1]["recordings"][0]
    text = ask("list_transcriptions")[1]["transcriptions"][0]
    assert (recording["source"], recording["status"]) == ("RecordVerb", "completed")
    assert text["transcription_text"] == "please call me back"


def test_a_secret_reaches_the_document_and_nothing_else(world: World, ask: Ask) -> None:
    world.request("create_secret", {}, {}, {"name": "Door code", "value": "s3cr3t-4711"})
    place(ask, "<Say>{{Door code}}</Say>")
    assert "{{Door code}}" in str(world.state)
    world.documents["https://texml.example.com/s3cr3t-4711"] = "<Response><Play>a.mp3</Play></Response>"
    opens = "<Redirect>https://texml.example.com/{{Door code}}</Redirect>"
    sid = place(ask, opens, "+13125550143")
    world.advance(4)
    assert verbs(world, sid) == ["Redirect", "Play"]
    assert "s3cr3t" not in str(world.state)


def test_an_inbound_call_runs_the_application(world: World, ask: Ask) -> None:
    sid = world.call_in("+13125550161", APPLICATION, DESK, hangs_up_after_seconds=7)["sid"]
    assert ask("get_call", call_sid=sid)[1]["direction"] == "inbound"
    world.advance(8)
    assert world.outbox[-1]["fields"]["HangupSource"] == "caller"


@pytest.mark.parametrize("texml", ["<Fax/>", "<Gather><Dial/></Gather>", "<Say>", "", "<!DOCTYPE a><a/>"])
def test_what_cannot_run_is_refused_before_anyone_is_rung(world: World, ask: Ask, texml: str) -> None:
    given = f"<Response>{texml}</Response>" if texml else "<Other/>"
    code, answer = ask("create_call", To=DESK, From=DESK, ApplicationSid=APPLICATION, Texml=given)
    assert code == 400, answer
    assert not world.table("calls")


def test_a_document_that_redirects_to_itself_ends(world: World, ask: Ask) -> None:
    url = "https://texml.example.com/loop"
    world.documents[url] = f"<Response><Redirect>{url}</Redirect></Response>"
    sid = place(ask, None, Url=url)
    world.advance(4)
    assert status(ask, sid) == "completed"
    assert world.events[-3]["event"] == "endless-document" or any(
        each["event"] == "endless-document" for each in world.events
    )


def test_a_document_that_cannot_be_fetched_falls_back(world: World, ask: Ask) -> None:
    world.documents["https://b.example.com/"] = "<Response><Play>b.mp3</Play></Response>"
    sid = place(ask, None, Url="https://a.example.com/", FallbackUrl="https://b.example.com/")
    world.advance(3)
    assert verbs(world, sid) == ["Play"]
