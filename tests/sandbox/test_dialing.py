"""`<Dial>` and its nouns: every attribute that changes what happens, and refusals of those that cannot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import APPLICATION, DESK, Ask, place
from tests.sandbox.test_texml import status, verbs
from texml_mcp.sandbox import World

HOOK, THEN = "https://hooks.example.com/leg", "https://texml.example.com/then"


@pytest.fixture(autouse=True)
def then(world: World) -> None:
    world.documents[THEN] = "<Response><Pause length='50'/></Response>"


def told(world: World, url: str = HOOK) -> list[tuple[str, dict[str, str]]]:
    return [(each["event"], each["fields"]) for each in world.outbox if each["url"] == url]


def test_a_dialed_leg_tells_its_own_callback(world: World, ask: Ask) -> None:
    world.script_callee({"match": "+13125550151", "does": "voicemail"})
    number = (
        f"<Number statusCallback='{HOOK}' statusCallbackEvent='initiated answered amd completed' "
        "machineDetection='Enable'>+13125550151</Number>"
    )
    sid = place(ask, f"<Dial>{number}</Dial>")
    world.advance(20)
    ask("update_call", call_sid=sid, Status="completed")
    assert [event for event, _ in told(world)] == ["initiated", "answered", "detected", "completed"]
    assert {fields.get("ParentCallSid", sid) for _, fields in told(world)} <= {sid}
    assert told(world)[2][1]["AnsweredBy"] == "machine_start"


def test_a_whispered_document_runs_before_the_legs_talk(world: World, ask: Ask) -> None:
    url = "https://texml.example.com/screen"
    world.documents[url] = "<Response><Say>A customer waits for you</Say></Response>"
    sid = place(ask, f"<Dial><Number url='{url}'>+13125550151</Number></Dial>")
    world.advance(7)
    assert world.hears() == {}
    world.advance(2)
    assert sid in world.hears()


def test_a_whispered_document_may_refuse_the_call(world: World, ask: Ask) -> None:
    url = "https://texml.example.com/screen"
    world.documents[url] = "<Response><Hangup/></Response>"
    sid = place(ask, f"<Dial action='{THEN}'><Number url='{url}'>+13125550151</Number></Dial>")
    world.advance(10)
    assert [fields["DialCallStatus"] for _, fields in told(world, THEN)] == ["completed"]
    assert status(ask, sid) == "in-progress"


def test_the_action_learns_how_the_dial_ended(world: World, ask: Ask) -> None:
    world.script_callee({"match": "+13125550151", "hangs_up_after_seconds": 12})
    sid = place(ask, f"<Dial action='{THEN}' record='record-from-answer'>+13125550151</Dial><Play>no</Play>")
    world.advance(25)
    ((_, fields),) = told(world, THEN)
    assert (fields["DialCallStatus"], fields["DialCallDuration"]) == ("completed", "12")
    assert fields["RecordingSid"] in world.table("recordings")
    assert verbs(world, sid) == ["Dial", "Pause"]


@pytest.mark.parametrize(
    ("how", "channels", "seconds"),
    [
        ("record-from-answer", 1, 10),
        ("record-from-answer-dual", 2, 10),
        ("record-from-ringing", 1, 13),
        ("record-from-ringing-dual", 2, 13),
    ],
)
def test_a_dial_is_recorded_from_where_it_says(
    world: World, ask: Ask, how: str, channels: int, seconds: int
) -> None:
    world.script_callee({"match": "+13125550151", "hangs_up_after_seconds": 10})
    place(ask, f"<Dial record='{how}'>+13125550151</Dial>")
    world.advance(60)
    (recording,) = world.table("recordings").values()
    assert (recording["channels"], recording["duration"]) == (channels, seconds)


def test_a_recording_stops_at_its_longest(world: World, ask: Ask) -> None:
    place(ask, "<Dial record='record-from-answer' recordMaxLength='5'>+13125550151</Dial>")
    world.advance(60)
    (recording,) = world.table("recordings").values()
    assert (recording["status"], recording["duration"]) == ("completed", 5)


def test_a_star_leaves_the_dial_that_allows_it(world: World, ask: Ask) -> None:
    world.script_callee({"match": "+13125550142", "presses": "ww*"})
    sid = place(ask, "<Dial hangupOnStar='true'>+13125550151</Dial><Pause length='30'/>")
    other = place(ask, "<Dial>+13125550152</Dial>")
    world.advance(15)
    assert verbs(world, sid) == ["Dial", "Pause"]
    assert verbs(world, other) == ["Dial"]


def test_the_time_limit_and_the_caller_id_are_the_dialed_leg_s(world: World, ask: Ask) -> None:
    sid = place(
        ask,
        "<Dial timeLimit='60' callerId='+13125550177' fromDisplayName='Desk'>+13125550151</Dial><Pause/>",
    )
    world.advance(70)
    leg = next(each for each in world.table("calls").values() if each["parent"] == sid)
    assert (leg["from"], leg["caller_name"], leg["cause"]) == ("+13125550177", "Desk", "time_limit")


def test_a_conference_s_action_follows_for_who_outlives_it(world: World, ask: Ask) -> None:
    guest = place(ask, f"<Dial action='{THEN}'><Conference>ward</Conference></Dial>", "+13125550151")
    host = place(ask, "<Dial><Conference endConferenceOnExit='true'>ward</Conference></Dial>")
    world.advance(5)
    ask("update_call", call_sid=host, Status="completed")
    assert len(told(world, THEN)) == 1
    assert verbs(world, guest)[-1] == "Pause"


def test_who_waits_for_a_conference_hears_its_waiting_document(world: World, ask: Ask) -> None:
    url = "https://texml.example.com/music"
    world.documents[url] = "<Response><Play>tune.mp3</Play></Response>"
    conference = f"<Conference startConferenceOnEnter='false' waitUrl='{url}'>ward</Conference>"
    sid = place(ask, f"<Dial>{conference}</Dial>")
    world.advance(5)
    waits = [each for each in world.events if each["event"] == "waiting"]
    assert [(each["sid"], each["heard"]) for each in waits] == [(sid, ["tune.mp3"])]


def test_a_conference_takes_no_more_than_it_may_and_a_label_names_one(world: World, ask: Ask) -> None:
    room = "<Dial><Conference maxParticipants='2' participantLabel='me'>ward</Conference></Dial>"
    for number in (1, 2, 3):
        place(ask, room, f"+1312555015{number}")
    world.advance(5)
    (conference,) = world.table("conferences").values()
    assert [each["label"] for each in conference["participants"].values()] == ["me", None]
    assert sum(each["event"] == "conference-refused" for each in world.events) == 1


def test_a_conference_tells_its_events_with_what_the_participant_is(world: World, ask: Ask) -> None:
    events = "statusCallbackEvent='start end join leave' participantLabel='me' muted='true'"
    sid = place(ask, f"<Dial><Conference statusCallback='{HOOK}' {events}>ward</Conference></Dial>")
    world.advance(5)
    ask("update_call", call_sid=sid, Status="completed")
    assert [event for event, _ in told(world)] == ["join", "start", "leave", "end"]
    leave = dict(told(world))["leave"]
    assert (leave["ParticipantLabel"], leave["Muted"]) == ("me", "true")
    assert dict(told(world))["end"]["ReasonConferenceEnded"] == "last-participant-left"


# --- gather, record, refer


@pytest.mark.parametrize(
    ("attributes", "presses", "says", "fields"),
    [
        ("input='speech'", "", "I would like to book", {"SpeechResult": "I would like to book"}),
        ("input='dtmf speech'", "7#", "seven", {"Digits": "7"}),
        ("input='dtmf'", "", "seven", None),
        ("numDigits='2'", "123", "", {"Digits": "12"}),
        ("finishOnKey='*'", "12*3", "", {"Digits": "12"}),
        ("validDigits='12' numDigits='1'", "3", "", None),
        ("minDigits='3'", "12#", "", None),
    ],
)
def test_a_gather_hears_what_it_asks_for(
    world: World, ask: Ask, attributes: str, presses: str, says: str, fields: dict[str, str] | None
) -> None:
    world.script_callee({"match": "*", "presses": presses, "says": says})
    place(ask, f"<Gather action='{THEN}' {attributes}/><Pause length='40'/>")
    world.advance(30)
    found = [{name: each[name] for name in ("Digits", "SpeechResult") if name in each}
             for _, each in told(world, THEN)]  # fmt: skip
    assert found == ([fields] if fields else [])


def test_wrong_digits_go_to_their_own_address(world: World, ask: Ask) -> None:
    world.script_callee({"match": "*", "presses": "9#"})
    gather = f"<Gather validDigits='12' action='https://x.example.com/' invalidDigitsAction='{THEN}'/>"
    place(ask, gather)
    world.advance(10)
    assert [fields["Digits"] for _, fields in told(world, THEN)] == ["9"]


def test_what_was_said_once_is_not_heard_again(world: World, ask: Ask) -> None:
    world.script_callee({"match": "*", "says": "yes please"})
    gather = f"<Gather input='speech' timeout='2' action='{THEN}'/>"
    world.documents[THEN] = f"<Response>{gather}<Pause length='30'/></Response>"
    sid = place(ask, gather)
    world.advance(20)
    assert verbs(world, sid) == ["Gather", "Gather", "Pause"]


def test_a_key_ends_a_recording_and_the_action_learns_it(world: World, ask: Ask) -> None:
    world.script_callee({"match": "*", "presses": "wwwww#"})
    place(ask, f"<Record action='{THEN}' finishOnKey='#' maxLength='60'/>")
    world.advance(20)
    ((_, fields),) = told(world, THEN)
    assert (fields["Digits"], fields["RecordingDuration"]) == ("#", "3")
    assert fields["RecordingUrl"].endswith(".mp3")


def test_a_referred_call_is_over_and_its_action_told(world: World, ask: Ask) -> None:
    sid = place(ask, f"<Refer action='{THEN}'><Sip>sip:desk@pbx.example.com</Sip></Refer>")
    world.advance(5)
    assert status(ask, sid) == "completed"
    ((event, fields),) = told(world, THEN)
    assert (event, fields["ReferCallStatus"], fields["ReferSipResponseCode"]) == ("refer", "completed", "202")


def test_relative_addresses_start_where_the_document_came_from(world: World, ask: Ask) -> None:
    world.documents["https://texml.example.com/a/start"] = "<Response><Redirect>/then</Redirect></Response>"
    sid = place(ask, None, Url="https://texml.example.com/a/start")
    world.advance(5)
    assert verbs(world, sid) == ["Redirect", "Pause"]


# --- detection


@pytest.mark.parametrize(
    ("person", "mode", "word", "kept", "after"),
    [
        ({"does": "answers"}, "Enable", "human", "human", 2),
        ({"does": "fax"}, "Enable", "fax", "machine", 2),
        ({"does": "silence"}, "Enable", "unknown", "not_sure", 20),
        ({"does": "voicemail"}, "Enable", "machine_start", "machine", 2),
        ({"does": "voicemail"}, "DetectMessageEnd", "machine_end_beep", "machine", 8),
        ({"does": "voicemail", "beeps": False}, "DetectMessageEnd", "machine_end_silence", "machine", 8),
        (
            {"does": "voicemail", "greeting_seconds": 50},
            "DetectMessageEnd",
            "machine_end_other",
            "machine",
            20,
        ),
    ],
)
def test_detection_says_who_answered(
    world: World, ask: Ask, person: dict[str, Any], mode: str, word: str, kept: str, after: int
) -> None:
    world.script_callee({"match": "*", **person})
    more = {
        "MachineDetection": mode,
        "MachineDetectionTimeout": 20_000,
        "AsyncAmd": True,
        "AsyncAmdStatusCallback": HOOK,
    }
    sid = place(ask, "<Pause length='60'/>", **more)
    world.advance(40)
    ((_, fields),) = told(world)
    assert (fields["AnsweredBy"], fields["MachineDetectionDuration"]) == (word, str(after * 1000))
    assert ask("get_call", call_sid=sid)[1]["answered_by"] == kept


# --- what is refused


@pytest.mark.parametrize(
    ("texml", "named"),
    [
        ("<Fax/>", "<Fax>"),
        ("<AIAssistant id='a'/>", "<AIAssistant>"),
        ("<Pay/>", "<Pay>"),
        ("<Gather><Dial>+13125550142</Dial></Gather>", "<Dial> inside <Gather>"),
        ("<Dial><Client>me</Client></Dial>", "<Client> inside <Dial>"),
        ("<Dial><Queue url='https://x.example.com/'>a</Queue></Dial>", "url of <Queue>"),
        ("<Dial><Conference coach='v3:a'>a</Conference></Dial>", "no attribute 'coach'"),
        ("<Dial timeout='soon'>+13125550142</Dial>", "Dial timeout='soon'"),
        ("<Dial timeout='99999'>+13125550142</Dial>", "from 5 to 120"),
        ("<Gather input='smell'/>", "use one or more of dtmf, speech"),
        ("<Reject reason='bored'/>", "choose one of rejected, busy"),
        ("<Say/>", "<Say> is empty"),
        ("<Refer/>", "<Refer> is empty"),
        ("<Start><Stream/></Start>", "Stream needs url"),
        ("<Hangup>now</Hangup>", "<Hangup> takes no text"),
    ],
)
def test_what_this_network_does_not_do_is_refused_by_name_and_rings_nobody(
    world: World, ask: Ask, texml: str, named: str
) -> None:
    body = {"To": DESK, "From": DESK, "ApplicationSid": APPLICATION}
    code, answer = ask("create_call", **body, Texml=f"<Response>\n{texml}</Response>")
    assert code == 400
    assert named in answer["errors"][0]["detail"]
    assert "Line 2" in answer["errors"][0]["detail"]
    assert not world.table("calls")
