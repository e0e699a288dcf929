"""Who hears whom: supervisors, coaches, mute and hold, and what happens when one of them leaves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import APPLICATION, DESK, Ask, place
from texml_mcp.sandbox import World

TALKS = "<Pause length='3000'/>"
PEOPLE = {"customer": "+13125550151", "agent": "+13125550152", "coach": "+13125550153"}


def supervise(ask: Ask, sid: str, **more: Any) -> tuple[int, Any]:
    given = {"To": "+13125550160", "From": DESK, "ApplicationSid": APPLICATION, "SuperviseCallSid": sid}
    return ask("create_call", **given | more)


def told(answer: Any) -> tuple[str, str]:
    (error,) = answer["errors"]
    return error["detail"], error["source"]["pointer"]


@pytest.fixture
def talk(world: World, ask: Ask) -> tuple[str, str]:
    """A call and the leg its document dialed, in conversation."""
    sid = place(ask, "<Dial>+13125550151</Dial>")
    world.advance(10)
    peer = world.table("calls")[sid]["peer"]
    assert peer is not None
    return sid, peer


@pytest.fixture
def room(world: World, ask: Ask) -> dict[str, str]:
    """A conference of three; call SIDs by label, and the conference's own as `room`."""
    sids: dict[str, str] = {}
    for label, to in PEOPLE.items():
        given = {"To": to, "From": DESK, "ApplicationSid": APPLICATION, "Label": label}
        sids[label] = ask("dial_conference_participant", conference_sid="ward", **given)[1]["call_sid"]
    world.advance(5)
    sids["room"] = ask("list_conferences")[1]["conferences"][0]["sid"]
    return sids


def change(ask: Ask, room: dict[str, str], label: str, **changes: Any) -> tuple[int, Any]:
    place = {"conference_sid": room["room"], "call_sid_or_participant_label": label}
    return ask("update_conference_participant", **place, **changes)


def heard(world: World, sids: dict[str, str], label: str) -> set[str]:
    names = {sid: name for name, sid in sids.items()}
    return {names[sid] for sid in world.hears().get(sids[label], ())}


# --- supervisors


@pytest.mark.parametrize(
    ("role", "caller_hears", "callee_hears"),
    [("barge", True, True), ("whisper", True, False), ("monitor", False, False)],
)
def test_a_role_decides_who_hears_the_supervisor(
    world: World, ask: Ask, talk: tuple[str, str], role: str, caller_hears: bool, callee_hears: bool
) -> None:
    sid, peer = talk
    supervisor = supervise(ask, sid, SupervisingRole=role)[1]["sid"]
    assert supervisor not in str(world.hears())
    world.advance(10)
    assert ask("get_call", call_sid=supervisor)[1]["status"] == "in-progress"
    hears = world.hears()
    assert hears[supervisor] == sorted([sid, peer])
    assert (supervisor in hears[sid], supervisor in hears[peer]) == (caller_hears, callee_hears)


def test_a_supervisor_barges_unless_told_otherwise(world: World, ask: Ask, talk: tuple[str, str]) -> None:
    supervisor = supervise(ask, talk[0])[1]["sid"]
    world.advance(5)
    assert world.table("calls")[supervisor]["role"] == "barge"
    assert supervisor in world.hears()[talk[1]]


@pytest.mark.parametrize("answered", [True, False])
def test_a_supervisor_ends_with_the_call_and_not_the_other_way_round(
    world: World, ask: Ask, talk: tuple[str, str], answered: bool
) -> None:
    gone, stays = supervise(ask, talk[0])[1]["sid"], supervise(ask, talk[0], To="+13125550161")[1]["sid"]
    world.advance(5 if answered else 1)
    ask("update_call", call_sid=gone, Status="completed")
    assert ask("get_call", call_sid=talk[0])[1]["status"] == "in-progress"
    ask("update_call", call_sid=talk[0], Status="completed")
    assert ask("get_call", call_sid=stays)[1]["status"] == ("completed" if answered else "canceled")
    assert world.hears() == {}


def test_a_supervisor_tells_no_callbacks(world: World, ask: Ask, talk: tuple[str, str]) -> None:
    url = "https://hooks.example.com/s"
    supervisor = supervise(ask, talk[0], StatusCallback=url, StatusCallbackEvent="initiated completed")
    world.advance(5)
    ask("update_call", call_sid=supervisor[1]["sid"], Status="completed")
    assert url not in [each["url"] for each in world.outbox]


def test_a_supervisor_with_a_document_stays_after_it(world: World, ask: Ask, talk: tuple[str, str]) -> None:
    sid = supervise(ask, talk[0], Texml="<Response><Say>You supervise now</Say></Response>")[1]["sid"]
    world.advance(30)
    assert ask("get_call", call_sid=sid)[1]["status"] == "in-progress"


def test_only_a_call_that_goes_on_can_be_supervised(world: World, ask: Ask, talk: tuple[str, str]) -> None:
    ringing = place(ask, TALKS, "+13125550170")
    supervisor = supervise(ask, talk[0])[1]["sid"]
    over = place(ask, "<Hangup/>", "+13125550171")
    before = len(world.table("calls"))
    for sid, why in (("v3:none", "no such call"), (ringing, "still rings")):
        code, answer = supervise(ask, sid)
        assert code == 422
        assert why in told(answer)[0]
        assert told(answer)[1] == "/SuperviseCallSid"
    world.advance(5)
    assert "supervises another call" in told(supervise(ask, supervisor)[1])[0]
    assert supervise(ask, over)[1]["errors"][0]["code"] == "90018"
    assert len(world.table("calls")) == before


# --- conferences


def test_everybody_in_a_conference_hears_everybody(world: World, room: dict[str, str]) -> None:
    assert heard(world, room, "customer") == {"agent", "coach"}
    assert heard(world, room, "agent") == {"customer", "coach"}


def test_nobody_hears_anybody_before_the_conference_starts(world: World, ask: Ask) -> None:
    for to in PEOPLE.values():
        waits = "<Dial><Conference startConferenceOnEnter='false'>ward</Conference></Dial>"
        place(ask, waits, to)
    world.advance(5)
    assert world.hears() == {}


def test_mute_silences_and_hold_silences_and_deafens(world: World, ask: Ask, room: dict[str, str]) -> None:
    change(ask, room, "agent", Muted=True)
    assert heard(world, room, "customer") == {"coach"}
    assert heard(world, room, "agent") == {"customer", "coach"}
    change(ask, room, "agent", Muted=False, Hold=True, HoldUrl="https://media.example.com/hold.mp3")
    assert heard(world, room, "agent") == set()
    assert heard(world, room, "customer") == {"coach"}
    assert world.events[-1] | {"number": 0} == {
        "number": 0,
        "at": world.clock.now,
        "event": "held",
        "sid": room["agent"],
        "url": "https://media.example.com/hold.mp3",
        "heard": "sound",
    }
    change(ask, room, "agent", Hold=False)
    assert heard(world, room, "customer") == {"agent", "coach"}
    assert "hold.mp3" not in str(world.state)


def test_a_coach_hears_all_and_is_heard_by_one(world: World, ask: Ask, room: dict[str, str]) -> None:
    code, shown = change(ask, room, "coach", Coaching=True, CallSidToCoach=room["agent"])
    assert (code, shown["coaching"], shown["coaching_call_sid"]) == (200, True, room["agent"])
    assert heard(world, room, "coach") == {"agent", "customer"}
    assert heard(world, room, "agent") == {"customer", "coach"}
    assert heard(world, room, "customer") == {"agent"}


def test_a_coach_changes_sides_and_stops(world: World, ask: Ask, room: dict[str, str]) -> None:
    change(ask, room, "coach", Coaching=True, CallSidToCoach=room["agent"])
    assert change(ask, room, "coach", CallSidToCoach=room["customer"])[0] == 200
    assert heard(world, room, "customer") == {"agent", "coach"}
    assert heard(world, room, "agent") == {"customer"}
    shown = change(ask, room, "coach", Coaching=False)[1]
    assert (shown["coaching"], shown.get("coaching_call_sid")) == (False, None)
    assert heard(world, room, "agent") == {"customer", "coach"}


def test_a_coach_whose_agent_leaves_is_heard_by_nobody_until_told(
    world: World, ask: Ask, room: dict[str, str]
) -> None:
    change(ask, room, "coach", Coaching=True, CallSidToCoach=room["agent"])
    ask("update_call", call_sid=room["agent"], Status="completed")
    assert heard(world, room, "customer") == set()
    assert heard(world, room, "coach") == {"customer"}
    shown = change(ask, room, "coach", Muted=False)[1]
    assert (shown["coaching"], shown.get("coaching_call_sid")) == (True, None)
    change(ask, room, "coach", Coaching=False)
    assert heard(world, room, "customer") == {"coach"}


def test_a_coach_can_be_dialed_in(world: World, ask: Ask, room: dict[str, str]) -> None:
    given = {"To": "+13125550165", "From": DESK, "Coaching": True, "CallSidToCoach": room["agent"]}
    code, shown = ask("dial_conference_participant", conference_sid=room["room"], **given)
    assert (code, shown["coaching_call_sid"]) == (200, room["agent"])
    world.advance(5)
    assert shown["call_sid"] in world.hears()[room["agent"]]
    assert shown["call_sid"] not in world.hears()[room["customer"]]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Coaching": True}, "Can't be blank: CallSidToCoach"),
        ({"Coaching": True, "CallSidToCoach": "v3:none"}, "not a participant of this conference"),
        ({"CallSidToCoach": "agent"}, "no effect without Coaching=true"),
        ({"Coaching": False, "CallSidToCoach": "agent"}, "no effect without Coaching=true"),
        ({"Coaching": True, "CallSidToCoach": "coach"}, "nobody coaches themselves"),
    ],
)
def test_coaching_that_makes_no_sense_is_refused_and_changes_nothing(
    world: World, ask: Ask, room: dict[str, str], changes: dict[str, Any], why: str
) -> None:
    before = world.hash()
    changes = {name: room.get(value, value) if value in room else value for name, value in changes.items()}
    code, answer = change(ask, room, "coach", **changes)
    assert code == 422
    assert why in told(answer)[0]
    assert told(answer)[1] == "/CallSidToCoach"
    assert world.hash() == before


def test_a_call_elsewhere_cannot_be_coached_into_a_new_conference(world: World, ask: Ask) -> None:
    sid = place(ask, TALKS)
    world.advance(5)
    given = {"To": "+13125550165", "From": DESK, "ApplicationSid": APPLICATION}
    code, answer = ask(
        "dial_conference_participant", conference_sid="new", **given, Coaching=True, CallSidToCoach=sid
    )
    assert (code, told(answer)[1]) == (422, "/CallSidToCoach")
    assert not world.table("conferences")


def test_a_supervisor_of_a_participant_hears_the_conference(
    world: World, ask: Ask, room: dict[str, str]
) -> None:
    room["supervisor"] = supervise(ask, room["agent"], SupervisingRole="whisper")[1]["sid"]
    world.advance(5)
    assert heard(world, room, "supervisor") == {"agent", "customer", "coach"}
    assert heard(world, room, "agent") == {"customer", "coach", "supervisor"}
    assert heard(world, room, "customer") == {"agent", "coach"}


def test_a_supervisor_in_the_same_conference_does_not_hear_itself(
    world: World, ask: Ask, room: dict[str, str]
) -> None:
    sid = supervise(ask, room["agent"])[1]["sid"]
    world.advance(5)
    ask("update_call", call_sid=sid, Texml="<Response><Dial><Conference>ward</Conference></Dial></Response>")
    assert sorted(world.hears()[sid]) == sorted(room[label] for label in PEOPLE)


def test_an_announcement_is_heard_and_stays_in_the_state(
    world: World, ask: Ask, room: dict[str, str]
) -> None:
    before = world.hash()
    url, song = "https://texml.example.com/closing", "https://media.example.com/song.mp3"
    world.documents[url] = "<Response><Say>We close soon</Say></Response>"
    world.documents["*"] = "<Response><Hangup/></Response>"
    ask("update_conference", conference_sid=room["room"], AnnounceUrl=url)
    assert world.events[-1]["heard"] == ["We close soon"]
    change(ask, room, "agent", AnnounceUrl=song)
    assert (world.events[-1]["sid"], world.events[-1]["heard"]) == (room["agent"], "sound")
    announced = world.table("conferences")[room["room"]]["announced"]
    assert announced == [{"to": None, "url": url}, {"to": room["agent"], "url": song}]
    assert world.hash() != before
    assert ask("get_call", call_sid=room["agent"])[1]["status"] == "in-progress"


@pytest.mark.parametrize("together", [True, False])
def test_an_announcement_to_somebody_on_hold_is_refused(
    world: World, ask: Ask, room: dict[str, str], together: bool
) -> None:
    if not together:
        change(ask, room, "agent", Hold=True)
    before = world.hash()
    code, answer = change(
        ask, room, "agent", AnnounceUrl="https://m.example.com/a.mp3", **({"Hold": True} if together else {})
    )
    assert (code, answer["errors"][0]["code"]) == (400, "90047")
    assert world.hash() == before
    assert change(ask, room, "agent", AnnounceUrl="https://m.example.com/a.mp3", Hold=False)[0] == 200


def test_nobody_is_changed_in_a_conference_that_is_over(world: World, ask: Ask, room: dict[str, str]) -> None:
    ask("update_conference", conference_sid=room["room"], Status="completed")
    code, answer = change(ask, room, "agent", Muted=True)
    assert (code, answer["errors"][0]["code"]) == (400, "90019")


def test_beeps_follow_what_was_asked(world: World, ask: Ask, room: dict[str, str]) -> None:
    given = {"To": "+13125550166", "From": DESK, "Beep": "onExit", "Label": "quiet"}
    ask("dial_conference_participant", conference_sid=room["room"], **given)
    world.advance(5)
    joined = [each["beep"] for each in world.events if each["event"] == "participant-joined"]
    assert joined == [True, True, True, False]
    change(ask, room, "quiet", BeepOnExit=False)
    ask(
        "remove_conference_participant",
        conference_sid=room["room"],
        call_sid_or_participant_label="quiet",
    )
    left = [each["beep"] for each in world.events if each["event"] == "participant-left"]
    assert left == [False]


def test_early_media_joins_before_the_answer(world: World, ask: Ask) -> None:
    given = {"To": "+13125550151", "From": DESK, "ApplicationSid": APPLICATION, "EarlyMedia": True}
    ask("dial_conference_participant", conference_sid="ward", **given)
    (room,) = ask("list_conferences")[1]["conferences"]
    assert room["status"] == "in-progress"
    world.advance(5)
    assert len([each for each in world.events if each["event"] == "participant-joined"]) == 1
