"""A world: one account's telephone network as plain data, and what can happen in it.

State is nothing but dictionaries, lists and scalars, so that a world can be copied, compared and
hashed. Handlers read and change it through the verbs here; nothing else does.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.clock import Clock

Record = dict[str, Any]

TABLES = (
    "applications",
    "calls",
    "conferences",
    "queues",
    "recordings",
    "transcriptions",
    "siprecs",
    "streams",
    "secrets",
    "callees",
)
MOST_EVENTS = 20_000
FINAL = frozenset({"canceled", "completed", "failed", "busy", "no-answer"})
DEFAULT_CALLEE: Record = {"does": "answers", "rings_seconds": 3}

# Data that tells when rather than what: two runs at different speeds are the same world.
_VOLATILE = frozenset({"created", "updated", "started", "answered", "ended", "joined", "waiting_since"})


class World:
    """One isolated network. `seed` names it and goes into its identifiers."""

    def __init__(self, seed: str, account_sid: str) -> None:
        self.seed = seed
        self.account_sid = account_sid
        self.clock = Clock()
        self.state: dict[str, dict[str, Record]] = {table: {} for table in TABLES}
        self.made = 0
        self.lag_seconds = 0.0
        self.answers_call_sid = True
        self.events: list[Record] = []  # what happened, outside the hash

    # --- copies and comparison

    def snapshot(self) -> Record:
        """Everything that makes this world, as plain data."""
        return copy.deepcopy(
            {
                "seed": self.seed,
                "account_sid": self.account_sid,
                "state": self.state,
                "made": self.made,
                "lag_seconds": self.lag_seconds,
                "answers_call_sid": self.answers_call_sid,
                "clock": {"now": self.clock.now, "order": self.clock.order, "due": self.clock.due},
            }
        )

    def restore(self, snapshot: Record) -> None:
        """Become what the snapshot was."""
        kept = copy.deepcopy(snapshot)
        self.seed, self.account_sid = kept["seed"], kept["account_sid"]
        self.state, self.made = kept["state"], kept["made"]
        self.lag_seconds, self.answers_call_sid = kept["lag_seconds"], kept["answers_call_sid"]
        clock = kept["clock"]
        self.clock = Clock(
            clock["now"], clock["order"], [(at, n, name, args) for at, n, name, args in clock["due"]]
        )

    def hash(self) -> str:
        """A digest of the state: the same for the same outcome, however fast it came about."""
        text = json.dumps(_settled(self.state), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    # --- time

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything that falls due happen. Raises `ValueError` for a negative span."""
        if not 0 <= seconds < 10**9:
            raise ValueError("time only goes forward")
        self.run_until(self.clock.now + seconds)

    def run_until(self, moment: float) -> None:
        """Move to a moment, with every event on the way in order."""
        while (event := self.clock.next_before(moment)) is not None:
            name, arguments = event
            _HAPPENINGS[name](self, *arguments)
        self.clock.now = max(self.clock.now, moment)

    def plan(self, after: float, happening: str, *arguments: Any) -> None:
        self.clock.plan(after, happening, *arguments)

    # --- making and finding

    def new(self, table: str, sid: str, record: Record) -> Record:
        """Put a record into a table, stamped with the time and a running number."""
        self.made += 1
        record |= {"sid": sid, "number": self.made, "created": self.clock.now, "updated": self.clock.now}
        self.state[table][sid] = record
        self.note(f"{table[:-1]}-created", sid)
        return record

    def fresh(self, *parts: object) -> tuple[object, ...]:
        """What an identifier of the next record derives from."""
        return (self.seed, self.made + 1, *parts)

    def touch(self, record: Record, **changes: Any) -> None:
        record.update(changes, updated=self.clock.now)

    def note(self, what: str, sid: str, **more: Any) -> None:
        self.events.append({"at": self.clock.now, "event": what, "sid": sid, **more})
        if len(self.events) > MOST_EVENTS:
            del self.events[: MOST_EVENTS // 2]

    def table(self, name: str) -> dict[str, Record]:
        return self.state[name]

    def visible(self, record: Record) -> bool:
        """Whether a trailing read already knows this record."""
        return record["created"] <= self.clock.now - self.lag_seconds or self.lag_seconds == 0

    # --- calls

    def dial(self, to: str, from_: str, **more: Any) -> Record:
        """A new outbound leg that rings, and whatever its callee does about it."""
        sid = ids.call_sid(*self.fresh("call", to, from_))
        call = self.new(
            "calls",
            sid,
            {
                "to": to,
                "from": from_,
                "direction": "outbound",
                "status": "ringing",
                "started": self.clock.now,
                "answered": None,
                "ended": None,
                "answered_by": None,
                "caller_name": None,
                "conference": None,
                "queue": None,
                "ring_limit": 30,
                "time_limit": 14_400,
                "detects": False,
                "script": [],
                "runs_document": False,
                **more,
            },
        )
        callee = self.state["callees"].get(to, DEFAULT_CALLEE)
        rings = float(callee.get("rings_seconds", 3))
        if callee["does"] == "no-answer" or rings >= call["ring_limit"]:
            self.plan(call["ring_limit"], "end", sid, "no-answer")
        elif callee["does"] == "busy":
            self.plan(1, "end", sid, "busy")
        elif callee["does"] == "rejects":
            self.plan(rings, "end", sid, "failed")
        else:
            self.plan(rings, "answer", sid, "machine" if callee["does"] == "voicemail" else "human")
            if hangs_up := callee.get("hangs_up_after_seconds"):
                self.plan(rings + float(hangs_up), "end", sid, "completed")
        return call

    def answer(self, sid: str, by: str) -> None:
        call = self.state["calls"][sid]
        if call["status"] != "ringing":
            return
        self.touch(call, status="in-progress", answered=self.clock.now)
        if call["detects"]:
            call["answered_by"] = by
        self.note("call-answered", sid)
        self.plan(call["time_limit"], "end", sid, "completed")
        if call["conference"] is not None:
            self.connect(sid)
        self.run_script(sid)

    def end(self, sid: str, status: str) -> None:
        """A call is over: it leaves its conference and queue, and its recordings finish."""
        call = self.state["calls"][sid]
        if call["status"] in FINAL:
            return
        self.leave(sid)
        self.leave_queue(sid)
        if status == "completed" and call["status"] == "ringing":
            status = "canceled"
        self.touch(call, status=status, ended=self.clock.now, script=[])
        self.note("call-ended", sid, status=status)
        for recording in list(self.state["recordings"].values()):
            if recording["call"] == sid and recording["status"] in ("in-progress", "paused"):
                self.stop_recording(recording)
        for table in ("siprecs", "streams"):
            for medium in self.state[table].values():
                if medium["call"] == sid and medium["status"] == "in-progress":
                    self.touch(medium, status="stopped")

    def run_script(self, sid: str) -> None:
        """Run the next step of the call's document; `(verb, seconds, detail)`, one after the other."""
        call = self.state["calls"][sid]
        while call["status"] == "in-progress" and call["script"]:
            verb, seconds, detail = call["script"].pop(0)
            self.note("verb", sid, verb=verb)
            if verb == "Hangup":
                self.end(sid, "completed")
            elif verb == "Reject":
                self.end(sid, "busy" if detail == "busy" else "failed")
            elif verb == "Conference":
                self.join(sid, self.conference_named(detail)["sid"])
                return
            elif verb == "Enqueue":
                self.enqueue(sid, detail)
                return
            elif verb == "Record":
                self.start_recording(sid, source="RecordVerb")
                self.plan(seconds, "next_step", sid)
                return
            elif seconds:
                self.plan(seconds, "next_step", sid)
                return
        if call["status"] == "in-progress" and call["runs_document"]:
            self.end(sid, "completed")

    # --- conferences

    def conference_named(self, name: str) -> Record:
        """The live conference of this name or SID, or a new one."""
        conferences = self.state["conferences"]
        if name in conferences:
            return conferences[name]
        for conference in conferences.values():
            if conference["friendly_name"] == name and conference["status"] != "completed":
                return conference
        sid = ids.uuid_sid(*self.fresh("conference", name))
        return self.new(
            "conferences",
            sid,
            {"friendly_name": name, "status": "init", "reason": None, "ended_by": None, "participants": {}},
        )

    def join(self, sid: str, conference_sid: str, **flags: Any) -> Record:
        """A leg becomes a participant; it is connected once it is answered."""
        self.leave(sid)
        conference = self.state["conferences"][conference_sid]
        participant: Record = {
            "call": sid,
            "label": None,
            "status": "connecting",
            "muted": False,
            "hold": False,
            "coaching": False,
            "coached": None,
            "ends": False,
            "starts": True,
            "joined": self.clock.now,
            "created": self.clock.now,
            "updated": self.clock.now,
            **flags,
        }
        conference["participants"][sid] = participant
        self.state["calls"][sid]["conference"] = conference_sid
        if self.state["calls"][sid]["status"] == "in-progress":
            self.connect(sid)
        return participant

    def connect(self, sid: str) -> None:
        conference = self.state["conferences"][self.state["calls"][sid]["conference"]]
        participant = conference["participants"][sid]
        participant |= {"status": "connected", "updated": self.clock.now}
        self.note("participant-joined", sid, conference=conference["sid"])
        if participant["starts"] and conference["status"] == "init":
            self.touch(conference, status="in-progress")

    def leave(self, sid: str) -> None:
        """A leg leaves its conference, which may end it for everyone."""
        call = self.state["calls"][sid]
        if call["conference"] is None:
            return
        conference = self.state["conferences"][call["conference"]]
        participant = conference["participants"].pop(sid, None)
        call["conference"] = None
        self.note("participant-left", sid, conference=conference["sid"])
        if participant is None or conference["status"] == "completed":
            return
        if participant["ends"]:
            self.end_conference(conference, "participant-with-end-conference-on-exit-left", sid)
        elif not conference["participants"]:
            self.end_conference(conference, "last-participant-left", sid)

    def end_conference(self, conference: Record, reason: str, by: str | None = None) -> None:
        self.touch(conference, status="completed", reason=reason, ended_by=by)
        self.note("conference-ended", conference["sid"], reason=reason)
        for sid in list(conference["participants"]):
            conference["participants"].pop(sid)
            self.state["calls"][sid]["conference"] = None
            self.end(sid, "completed")
        for recording in list(self.state["recordings"].values()):
            if recording["conference"] == conference["sid"] and recording["status"] == "in-progress":
                self.stop_recording(recording)

    # --- queues

    def queue_named(self, name: str, max_size: int = 300) -> Record:
        if name in self.state["queues"]:
            return self.state["queues"][name]
        return self.new("queues", name, {"max_size": max_size, "waiting": [], "waits": []})

    def enqueue(self, sid: str, name: str) -> None:
        queue = self.queue_named(name)
        if len(queue["waiting"]) >= queue["max_size"]:
            self.end(sid, "completed")
            return
        queue["waiting"].append({"call": sid, "waiting_since": self.clock.now})
        self.state["calls"][sid]["queue"] = name

    def leave_queue(self, sid: str) -> None:
        call = self.state["calls"][sid]
        queue = self.state["queues"].get(call["queue"] or "")
        call["queue"] = None
        if queue is None:
            return
        for member in queue["waiting"]:
            if member["call"] == sid:
                queue["waits"].append(int(self.clock.now - member["waiting_since"]))
        queue["waiting"] = [member for member in queue["waiting"] if member["call"] != sid]
        self.touch(queue)

    # --- recordings

    def start_recording(
        self, call: str | None, *, source: str, conference: str | None = None, **more: Any
    ) -> Record:
        sid = ids.uuid_sid(*self.fresh("recording", call, conference))
        return self.new(
            "recordings",
            sid,
            {
                "call": call,
                "conference": conference,
                "status": "in-progress",
                "started": self.clock.now,
                "duration": None,
                "heard": 0.0,
                "since": self.clock.now,
                "channels": 2,
                "track": "both",
                "source": source,
                **more,
            },
        )

    def pause_recording(self, recording: Record) -> None:
        if recording["status"] == "in-progress":
            recording["heard"] += self.clock.now - recording["since"]
            self.touch(recording, status="paused")

    def resume_recording(self, recording: Record) -> None:
        if recording["status"] == "paused":
            self.touch(recording, status="in-progress", since=self.clock.now)

    def stop_recording(self, recording: Record) -> None:
        """Stopped at once; the file is ready, and the recording completed, a moment later."""
        self.pause_recording(recording)
        self.touch(recording, status="stopped", duration=max(1, round(recording["heard"])))
        self.plan(2, "finish_recording", recording["sid"])

    def finish_recording(self, sid: str) -> None:
        recording = self.state["recordings"].get(sid)
        if recording is not None and recording["status"] == "stopped":
            self.touch(recording, status="completed")


_HAPPENINGS: dict[str, Callable[..., None]] = {
    "answer": World.answer,
    "end": World.end,
    "next_step": World.run_script,
    "finish_recording": World.finish_recording,
}


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        held: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {key: _settled(inner) for key, inner in held.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return [_settled(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3)
    return value
