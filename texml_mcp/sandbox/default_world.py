"""The default world: one business day of a clinic, with something in every state.

Told through the same verbs that requests use, so that it cannot hold what could not have happened.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.handlers.applications import new_application
from texml_mcp.sandbox.world import Record, World

ACCOUNT_SID = "61bf923e-5e4d-4595-a110-56190ea18a1b"
DESK = "+13125550100"
MAIN_APPLICATION = "1293384261075731499"

CALLEES: tuple[Record, ...] = (
    {"match": "+13125550141", "does": "busy"},
    {"match": "+13125550143", "does": "no-answer"},
    {"match": "+13125550144", "does": "rejects", "rings_seconds": 2},
    {"match": "+13125550145", "does": "voicemail", "rings_seconds": 8},
    {"match": "+13125550146", "hangs_up_after_seconds": 20},
)
# What stands in for every document that would be fetched: a minute of talk.
UNKNOWN_DOCUMENT = '<Response><Pause length="60"/></Response>'
_EARLIER = ("completed", "busy", "no-answer", "failed", "canceled", "completed", "completed")
_SAID = (
    "Good morning, this is the clinic. I am calling about your appointment on Thursday.",
    "I would like to move my appointment to next week, please.",
    "Thank you for calling. Your prescription is ready to be picked up.",
)


def default_world(seed: str = "default") -> World:
    """A copy of the default world. What it holds is named alike in every copy; `seed` names what comes."""
    world = World("default", ACCOUNT_SID)
    world.origin = _told(), {}
    world.seed = seed
    world.reset()
    return world


@cache
def _told() -> bytes:
    world = World("default", ACCOUNT_SID)
    for each in CALLEES:
        world.script_callee(each)
    world.documents["*"] = UNKNOWN_DOCUMENT
    _applications(world)
    _earlier_calls(world)
    _recordings(world)
    _queues(world)
    _conferences(world)
    _live_calls(world)
    world.events.clear()
    world.outbox.clear()
    world.noted = world.sent = 0
    return world.snapshot()


def _applications(world: World) -> None:
    for sid, name, url in (
        (MAIN_APPLICATION, "Clinic reminders", "https://texml.example.com/reminders"),
        ("", "Clinic front desk", "https://texml.example.com/desk"),
        ("", "Clinic night line", "https://texml.example.com/night"),
    ):
        settings = {"friendly_name": name, "voice_url": url, "active": name != "Clinic night line"}
        new_application(world, settings, sid)
        world.advance(60)


def _leg(world: World, to: str, **more: Any) -> Record:
    return world.dial(to, DESK, runs_document=False, **more)


def _earlier_calls(world: World) -> None:
    """Forty-five calls that are over, in every way a call can be."""
    for index in range(45):
        status = _EARLIER[index % len(_EARLIER)]
        call = _leg(
            world,
            f"+13125550{110 + index % 25}",
            ring_limit=120,
            answered_by="human" if index % 35 == 0 else None,
        )
        world.clock.due.clear()
        world.advance(4)
        if status == "completed":
            world.answer(call["sid"])
            world.clock.due.clear()
            world.advance(20 + index)
        world.end(call["sid"], status)
        world.advance(90)


def _recordings(world: World) -> None:
    for index, said in enumerate(_SAID):
        call = _leg(world, f"+1312555015{index}", caller_name=("Dr. Vale", "Sam Field", None)[index])
        world.clock.due.clear()
        world.answer(call["sid"])
        recording = world.start_recording(call["sid"], source="StartCallRecordingAPI")
        world.advance(30 + 10 * index)
        world.end(call["sid"], "completed")
        world.advance(10)
        sid = ids.uuid_sid(*world.fresh("transcription", recording["sid"]))
        made = {"recording": recording["sid"], "call": call["sid"], "says": said, "hook": None}
        made |= {"text": said, "status": "completed", "duration": recording["duration"]}
        world.new("transcriptions", sid, made)
    recording = next(iter(world.table("recordings").values()))
    sid = ids.uuid_sid(*world.fresh("transcription", "running"))
    made = {"recording": recording["sid"], "call": recording["call"], "says": "", "hook": None}
    world.new("transcriptions", sid, made | {"text": "", "status": "in-progress", "duration": 30})
    world.clock.due.clear()


def _queues(world: World) -> None:
    world.queue_named("support", 10)
    for index in range(3):
        call = _leg(world, f"+1312555016{index}")
        world.clock.due.clear()
        world.answer(call["sid"])
        world.enqueue(call["sid"], "support")
        world.advance(25)
    world.queue_named("billing", 5)
    world.clock.due.clear()


def _conferences(world: World) -> None:
    """One that is over, and one with three people in it."""
    for name, live in (("standup", False), ("care-team", True)):
        conference = world.conference_named(name)
        last = ""
        for index, label in enumerate(("agent", "customer", "supervisor")):
            call = _leg(world, f"+131255501{70 + index + (0 if live else 10)}")
            world.clock.due.clear()
            world.answer(call["sid"])
            world.join(call["sid"], conference["sid"], label=label, muted=label == "supervisor")
            last = call["sid"]
            world.advance(15)
        if live:
            world.start_recording(last, conference=conference["sid"], source="Conference")
        else:
            recording = world.start_recording(last, conference=conference["sid"], source="Conference")
            world.advance(300)
            world.stop_recording(recording)
            world.end_conference(conference, "conference-ended-via-api")
            world.advance(60)
    world.clock.due.clear()


def _live_calls(world: World) -> None:
    call = _leg(world, "+13125550190")
    world.clock.due.clear()
    world.answer(call["sid"])
    world.advance(40)
    world.clock.due.clear()
    _leg(world, "+13125550191", ring_limit=120)
    # It keeps ringing until someone lets the clock run: an answer that is due would race the first read.
    world.clock.due.clear()
    world.plan(120, "end", next(reversed(world.table("calls"))), "no-answer")
