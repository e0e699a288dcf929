"""What happens on the sandbox's network: calls on the clock, conferences, queues, recordings, documents."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.phone import BUSY, HANGS_UP, HUMAN, REJECTS, SILENT, VOICEMAIL, Phone


@pytest.fixture
def phone() -> Iterator[Phone]:
    made = Phone()
    with made.http:
        yield made


STORY = """
from tests.sandbox.phone import Phone
import sys
phone = Phone()
sid = phone.live()
phone.post(f"/Calls/{sid}/Recordings.json")
phone.advance(30)
phone.invite("huddle", "+13125550147", Label="expert")
for _ in range(int(sys.argv[1])):
    phone.dial("+13125550148")
phone.post(f"/Calls/{sid}", Status="completed")
phone.advance(60)
print(phone.world.hash())
"""


def told(hash_seed: str, dials: int = 1) -> str:
    return run_story(STORY, hash_seed, str(dials))


def run_story(story: str, hash_seed: str, argument: str) -> str:
    """The hash that a story ends with, told by a process of its own."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", story, argument]
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True, cwd=_root()
    )
    return ran.stdout.strip()


def _root() -> str:
    import tests

    (folder,) = tests.__path__
    return str(Path(folder).parent)


@pytest.mark.long
def test_the_same_story_ends_in_the_same_state_in_every_process() -> None:
    first, second = told("0"), told("4711")
    assert len(first) == 64
    assert first == second


def test_a_person_rung_twice_is_another_outcome() -> None:
    assert told("0", dials=2) != told("0", dials=1)


INTERLEAVED = """
import random, sys
from collections.abc import Iterator
from tests.sandbox.phone import BUSY, VOICEMAIL, Phone
phone = Phone()

def recorded() -> Iterator[None]:
    sid = phone.dial("+13125550151")
    yield
    phone.advance(4)
    path = phone.post(f"/Calls/{sid}/Recordings.json")["sid"]
    yield
    phone.post(f"/Calls/{sid}/Recordings/{path}.json", Status="stopped")

def conferring() -> Iterator[None]:
    phone.invite("huddle", "+13125550152", Label="agent")
    yield
    phone.invite("huddle", "+13125550153", Label="coach")
    room = phone.room("huddle")["sid"]
    agent = phone.get(f"/Conferences/{room}/Participants/agent")["call_sid"]
    yield
    phone.post(f"/Conferences/{room}/Participants/coach", Coaching=True, CallSidToCoach=agent)

def waiting() -> Iterator[None]:
    phone.dial("+13125550154", Texml="<Response><Enqueue>desk</Enqueue></Response>")
    yield
    phone.advance(3)

def dialing() -> Iterator[None]:
    start = "<Start><Transcription transcriptionCallback='https://h.example.com/'/></Start>"
    sid = phone.dial("+13125550155", Texml=f"<Response>{start}<Dial>+13125550156</Dial></Response>")
    yield
    phone.advance(8)
    phone.dial("+13125550157", SuperviseCallSid=sid, SupervisingRole="whisper", Texml="")
    yield
    phone.advance(5)

def failing() -> Iterator[None]:
    phone.dial(BUSY)
    yield
    phone.dial(VOICEMAIL, MachineDetection="DetectMessageEnd")

stories = [each() for each in (recorded, conferring, waiting, dialing, failing)]
order = random.Random(int(sys.argv[1]))
while stories:
    story = order.choice(stories)
    if next(story, story) is story:
        stories.remove(story)
phone.advance(40)
print(phone.world.hash())
"""


def test_independent_stories_end_alike_however_they_are_interleaved() -> None:
    found = {run_story(INTERLEAVED, hash_seed, order) for hash_seed, order in
             (("0", "1"), ("4711", "1"), ("0", "2"), ("99", "3"), ("random", "4"))}  # fmt: skip
    assert len(found) == 1


def test_a_slower_telling_ends_in_the_same_state() -> None:
    hashes: set[str] = set()
    for pause in (0, 7, 100):
        phone = Phone()
        sid = phone.live()
        phone.advance(pause)
        phone.post(f"/Calls/{sid}", Status="completed")
        hashes.add(phone.world.hash())
    assert len(hashes) == 1


def test_a_restored_world_is_what_it_was_and_goes_on_alike(phone: Phone) -> None:
    sid = phone.dial()
    kept, before = phone.world.snapshot(), phone.world.hash()
    phone.advance(10)
    after = phone.world.hash()
    assert after != before
    phone.post(f"/Calls/{sid}", Status="completed")
    phone.world.restore(kept)
    assert phone.world.hash() == before
    assert phone.call(sid)["status"] == "ringing"
    phone.advance(10)
    assert phone.world.hash() == after


def test_a_snapshot_does_not_change_with_the_world(phone: Phone) -> None:
    sid = phone.live()
    kept = phone.world.snapshot()
    phone.post(f"/Calls/{sid}", Status="completed")
    for _ in range(2):
        phone.world.restore(kept)
        assert phone.call(sid)["status"] == "in-progress"
        phone.post(f"/Calls/{sid}", Status="completed")


def test_time_goes_only_forward(phone: Phone) -> None:
    for span in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            phone.advance(span)


def test_reading_moves_nothing(phone: Phone) -> None:
    sid = phone.dial()
    now = phone.world.clock.now
    for _ in range(20):
        assert phone.call(sid)["status"] == "ringing"
        phone.get("/Calls")
    assert phone.world.clock.now == now


# --- calls


def test_a_call_rings_and_is_answered(phone: Phone) -> None:
    sid = phone.dial()
    assert phone.call(sid)["status"] == "ringing"
    phone.advance(2)
    assert phone.call(sid)["status"] == "ringing"
    phone.advance(2)
    assert phone.call(sid)["status"] == "in-progress"
    phone.advance(60)
    assert 58 <= int(phone.call(sid)["duration"]) <= 62


@pytest.mark.parametrize(
    ("to", "ends"), [(BUSY, "busy"), (SILENT, "no-answer"), (REJECTS, "failed"), (HANGS_UP, "completed")]
)
def test_what_the_callee_does_decides_how_a_call_ends(phone: Phone, to: str, ends: str) -> None:
    sid = phone.dial(to)
    phone.advance(60)
    call = phone.call(sid)
    assert call["status"] == ends
    assert call["end_time"]
    assert (call["duration"] == "0") == (ends != "completed")


def test_nobody_answers_within_the_ring_time(phone: Phone) -> None:
    sid = phone.dial(SILENT, Timeout=10)
    phone.advance(9)
    assert phone.call(sid)["status"] == "ringing"
    phone.advance(2)
    assert phone.call(sid)["status"] == "no-answer"


def test_a_call_given_up_while_it_rings_is_canceled(phone: Phone) -> None:
    sid = phone.dial()
    assert phone.post(f"/Calls/{sid}", Status="completed")["status"] == "canceled"
    phone.advance(60)
    assert phone.call(sid)["status"] == "canceled"


def test_voicemail_is_a_machine_only_to_those_who_ask(phone: Phone) -> None:
    asked, not_asked = phone.dial(VOICEMAIL, MachineDetection="Enable"), phone.dial(VOICEMAIL)
    human = phone.dial(HUMAN, MachineDetection="Enable")
    phone.advance(20)
    assert phone.call(asked)["answered_by"] == "machine"
    assert phone.call(human)["answered_by"] == "human"
    assert "answered_by" not in phone.call(not_asked)


def test_the_time_limit_ends_a_call(phone: Phone) -> None:
    sid = phone.live(TimeLimit=60)
    phone.advance(50)
    assert phone.call(sid)["status"] == "in-progress"
    phone.advance(20)
    call = phone.call(sid)
    assert (call["status"], call["duration"]) == ("completed", "60")


def test_what_was_due_for_a_call_that_is_over_does_not_come_back(phone: Phone) -> None:
    sid = phone.live(HANGS_UP)
    phone.post(f"/Calls/{sid}", Status="completed")
    ended = phone.call(sid)
    phone.advance(20_000)
    assert phone.call(sid) == ended


# --- documents


def test_a_document_ends_the_call_when_it_is_through(phone: Phone) -> None:
    sid = phone.live(Texml="<Response><Say>Good morning.</Say><Pause length='10'/></Response>")
    phone.advance(20)
    assert phone.call(sid)["status"] == "completed"


def test_hangup_ends_the_call_at_once_and_nothing_after_it_runs(phone: Phone) -> None:
    sid = phone.dial(Texml="<Response><Hangup/><Dial><Conference>never</Conference></Dial></Response>")
    phone.advance(10)
    assert phone.call(sid)["status"] == "completed"
    assert phone.get("/Conferences", FriendlyName="never")["conferences"] == []


def test_new_instructions_replace_the_running_ones(phone: Phone) -> None:
    sid = phone.live(Texml="<Response><Pause length='10'/><Hangup/></Response>")
    phone.post(f"/Calls/{sid}", Texml="<Response><Pause length='100'/></Response>")
    phone.advance(50)
    # The old document's pause is over by now: it must not drive the new document on.
    assert phone.call(sid)["status"] == "in-progress"
    phone.advance(60)
    assert phone.call(sid)["status"] == "completed"


def test_a_leg_given_new_instructions_leaves_its_conference(phone: Phone) -> None:
    sid = phone.live(Texml="<Response><Dial><Conference>huddle</Conference></Dial></Response>")
    other = phone.invite("huddle", "+13125550147")
    room = phone.room("huddle")["sid"]
    assert sorted(phone.members(room)) == sorted([sid, other])
    phone.post(f"/Calls/{sid}", Texml="<Response><Pause length='100'/></Response>")
    assert phone.members(room) == [other]
    assert phone.call(sid)["status"] == "in-progress"


def test_a_record_verb_records_for_as_long_as_it_says(phone: Phone) -> None:
    sid = phone.live(Texml="<Response><Record maxLength='20'/><Pause length='3000'/></Response>")
    phone.advance(100)
    (recording,) = phone.get(f"/Calls/{sid}/Recordings.json")["recordings"]
    assert recording["source"] == "RecordVerb"
    assert recording["status"] == "completed"
    assert int(recording["duration"]) <= 20


# --- conferences


def test_the_last_to_leave_ends_the_conference(phone: Phone) -> None:
    first, second = phone.invite("huddle"), phone.invite("huddle", "+13125550147")
    room = phone.room("huddle")["sid"]
    phone.post(f"/Calls/{first}", Status="completed")
    assert phone.get(f"/Conferences/{room}")["status"] == "in-progress"
    phone.post(f"/Calls/{second}", Status="completed")
    over = phone.get(f"/Conferences/{room}")
    assert (over["status"], over["reason_conference_ended"]) == ("completed", "last-participant-left")
    assert over["call_sid_ending_conference"] == second


def test_a_leaver_who_ends_the_conference_hangs_up_everybody(phone: Phone) -> None:
    host = phone.invite("huddle", EndConferenceOnExit=True)
    guest = phone.invite("huddle", "+13125550147")
    room = phone.room("huddle")["sid"]
    phone.post(f"/Calls/{host}", Status="completed")
    over = phone.get(f"/Conferences/{room}")
    assert over["reason_conference_ended"] == "participant-with-end-conference-on-exit-left"
    assert phone.call(guest)["status"] == "completed"
    assert phone.members(room) == []


def test_the_api_ends_a_conference_once_and_it_takes_nobody_any_more(phone: Phone) -> None:
    guest = phone.invite("huddle")
    room = phone.room("huddle")["sid"]
    over = phone.post(f"/Conferences/{room}", Status="completed")
    assert (over["status"], over["reason_conference_ended"]) == ("completed", "conference-ended-via-api")
    assert phone.call(guest)["status"] == "completed"
    body = {"To": HUMAN, "From": HUMAN}
    assert phone.send("POST", f"/Conferences/{room}/Participants", json=body).status_code == 400


def test_a_name_that_is_free_again_is_a_new_conference(phone: Phone) -> None:
    phone.invite("huddle")
    first = phone.room("huddle")["sid"]
    phone.post(f"/Conferences/{first}", Status="completed")
    phone.advance(1)
    phone.invite("huddle")
    assert phone.room("huddle")["sid"] != first


def test_a_participant_connects_when_answered_and_is_found_by_label(phone: Phone) -> None:
    phone.invite("huddle")
    room = phone.room("huddle")["sid"]
    body = {"To": "+13125550147", "From": "+13125550100", "Label": "expert"}
    assert phone.post(f"/Conferences/{room}/Participants", **body)["status"] == "connecting"
    phone.advance(5)
    expert = phone.get(f"/Conferences/{room}/Participants/expert")
    assert expert["status"] == "connected"
    muted = phone.post(f"/Conferences/{room}/Participants/expert", Muted=True, Hold=True)
    assert (muted["muted"], muted["hold"]) == (True, True)
    assert phone.delete(f"/Conferences/{room}/Participants/expert") == 204
    assert expert["call_sid"] not in phone.members(room)


@pytest.mark.parametrize("to", [BUSY, SILENT, REJECTS])
def test_somebody_who_never_answers_does_not_stay_in_the_conference(phone: Phone, to: str) -> None:
    phone.invite("huddle")
    sid = phone.invite("huddle", to)
    phone.advance(60)
    assert sid not in phone.members(phone.room("huddle")["sid"])


# --- queues and recordings


def test_callers_wait_in_order_and_leave_when_they_hang_up(phone: Phone) -> None:
    waits = "<Response><Enqueue>desk</Enqueue></Response>"
    first, second = phone.live(Texml=waits), phone.live("+13125550147", Texml=waits)
    phone.advance(30)
    queue = phone.get("/Queues/desk")
    assert queue["current_size"] == 2
    assert queue["average_wait_time"] >= 30
    phone.post(f"/Calls/{first}", Status="completed")
    assert phone.get("/Queues/desk")["current_size"] == 1
    phone.post(f"/Calls/{second}", Texml="<Response><Pause length='60'/></Response>")
    assert phone.get("/Queues/desk")["current_size"] == 0
    assert phone.call(second)["status"] == "in-progress"


def test_a_full_queue_takes_nobody(phone: Phone) -> None:
    phone.post("/Queues", FriendlyName="tiny", MaxSize=1)
    waits = "<Response><Enqueue>tiny</Enqueue></Response>"
    phone.live(Texml=waits)
    turned_away = phone.dial("+13125550147", Texml=waits)
    phone.advance(10)
    assert phone.get("/Queues/tiny")["current_size"] == 1
    assert phone.call(turned_away)["status"] == "completed"


def test_a_recording_counts_only_what_it_heard(phone: Phone) -> None:
    call = phone.live()
    start = phone.post(f"/Calls/{call}/Recordings.json", RecordingChannels="single")
    assert start["channels"] == 1
    path = f"/Calls/{call}/Recordings/{start['sid']}.json"
    phone.advance(20)
    phone.post(path, Status="paused")
    assert phone.get(f"/Recordings/{start['sid']}.json")["status"] == "paused"
    phone.advance(500)
    phone.post(path, Status="in-progress")
    phone.advance(10)
    phone.post(path, Status="stopped")
    assert phone.get(f"/Recordings/{start['sid']}.json")["status"] == "stopped"
    phone.advance(5)
    done = phone.get(f"/Recordings/{start['sid']}.json")
    assert done["status"] == "completed"
    assert 30 <= int(done["duration"]) <= 34


def test_a_call_that_ends_finishes_its_recordings_and_media(phone: Phone) -> None:
    call = phone.live()
    recording = phone.post(f"/Calls/{call}/Recordings.json")["sid"]
    stream = phone.post(f"/Calls/{call}/Streams.json", Url="wss://media.example.com/live")
    assert stream["status"] == "in-progress"
    phone.advance(15)
    phone.post(f"/Calls/{call}", Status="completed")
    phone.advance(5)
    assert phone.get(f"/Recordings/{recording}.json")["status"] == "completed"
    streams = phone.world.table("streams")
    assert streams[stream["sid"]]["status"] == "stopped"


def test_ending_a_conference_finishes_even_a_paused_recording(phone: Phone) -> None:
    call = phone.invite("huddle", ConferenceRecord="true")
    room = phone.room("huddle")["sid"]
    (recording,) = phone.get(f"/Conferences/{room}/Recordings.json")["recordings"]
    phone.post(f"/Calls/{call}/Recordings/{recording['sid']}.json", Status="paused")
    phone.post(f"/Conferences/{room}", Status="completed")
    phone.advance(5)
    assert phone.get(f"/Recordings/{recording['sid']}.json")["status"] == "completed"
