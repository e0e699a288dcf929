"""Where calls meet: conferences and queues."""

from __future__ import annotations

from typing import Any

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.clock import iso
from texml_mcp.sandbox.media import Media
from texml_mcp.sandbox.store import Record

LONGEST_CONFERENCE = 4 * 3600.0
DEFAULT_QUEUE_SIZE = 300


class Rooms(Media):
    """Conferences with their participants, and queues with their callers."""

    def proceed(self, sid: str) -> None:
        """Have a call go on with its document."""
        raise NotImplementedError

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
        made: Record = {"friendly_name": name, "status": "init", "reason": None, "ended_by": None}
        return self.new("conferences", sid, made | {"participants": {}, "hook": None})

    def join(self, sid: str, conference_sid: str, **flags: Any) -> Record:
        """A leg becomes a participant; it is connected once it is answered."""
        self.leave(sid)
        self.leave_queue(sid)
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
        """The participant is there, which may start the conference."""
        conference = self.state["conferences"][self.state["calls"][sid]["conference"]]
        participant = conference["participants"][sid]
        participant |= {"status": "connected", "updated": self.clock.now}
        self.note("participant-joined", sid, conference=conference["sid"])
        self._tell_conference(conference, "join", sid)
        if participant["starts"] and conference["status"] == "init":
            self.touch(conference, status="in-progress")
            self._tell_conference(conference, "start", sid)
            self.plan(LONGEST_CONFERENCE, "expire_conference", conference["sid"])

    def leave(self, sid: str) -> None:
        """A leg leaves its conference, which may end it for everyone."""
        call = self.state["calls"][sid]
        if call["conference"] is None:
            return
        conference = self.state["conferences"][call["conference"]]
        participant = conference["participants"].pop(sid)
        call["conference"] = None
        self.note("participant-left", sid, conference=conference["sid"])
        self._tell_conference(conference, "leave", sid)
        if participant["ends"] and participant["status"] == "connected":
            self.end_conference(conference, "participant-with-end-conference-on-exit-left", sid)
        elif not conference["participants"]:
            self.end_conference(conference, "last-participant-left", sid)

    def end_conference(self, conference: Record, reason: str, by: str | None = None) -> None:
        """The conference is over, and everybody still in it is hung up on."""
        if conference["status"] == "completed":
            return
        self.touch(conference, status="completed", reason=reason, ended_by=by)
        self.note("conference-ended", conference["sid"], reason=reason)
        self._tell_conference(conference, "end", by, ReasonConferenceEnded=reason)
        cut_off = list(conference["participants"])
        conference["participants"] = {}
        for sid in cut_off:
            self.state["calls"][sid]["conference"] = None
            self._tell_conference(conference, "leave", sid)
        for recording in list(self.state["recordings"].values()):
            if recording["conference"] == conference["sid"]:
                self.stop_recording(recording)
        for sid in cut_off:
            # A participant who only left an ended conference goes on with the document, as after any Dial;
            # an end by API hangs up on everyone, as documented.
            if (
                reason == "participant-with-end-conference-on-exit-left"
                and self.state["calls"][sid]["script"]
            ):
                self.proceed(sid)
            else:
                self.end(sid, "completed", "system", "normal_clearing")

    def expire_conference(self, sid: str) -> None:
        conference = self.state["conferences"].get(sid)
        if conference is not None:
            self.end_conference(conference, "time-exceeded")

    def _tell_conference(self, conference: Record, what: str, call: str | None, **more: Any) -> None:
        participant = conference["participants"].get(call, {})
        self.send(
            conference["hook"],
            what,
            "conference-events",
            ConferenceSid=conference["sid"],
            FriendlyName=conference["friendly_name"],
            StatusCallbackEvent=f"participant-{what}" if what in ("join", "leave") else f"conference-{what}",
            CallSid=call,
            ParticipantLabel=participant.get("label"),
            Timestamp=iso(self.clock.now),
            **more,
        )

    # --- queues

    def queue_named(self, name: str, max_size: int = DEFAULT_QUEUE_SIZE) -> Record:
        """The queue of this name; a new one when there is none, as `<Enqueue>` does it."""
        if name in self.state["queues"]:
            return self.state["queues"][name]
        uuid = ids.uuid_sid(*self.fresh("queue", name))
        return self.new("queues", name, {"max_size": max_size, "waiting": [], "waits": [], "uuid": uuid})

    def enqueue(self, sid: str, name: str, hook: Record | None = None) -> bool:
        """A call begins to wait; `False` when the queue is full."""
        queue = self.queue_named(name)
        if len(queue["waiting"]) >= queue["max_size"]:
            self.note("queue-full", sid, queue=name)
            return False
        queue["waiting"].append({"call": sid, "waiting_since": self.clock.now})
        self.touch(queue)
        self.state["calls"][sid]["queue"] = name
        position = len(queue["waiting"])
        self.send(
            hook,
            "enqueued",
            "queue-events",
            CallSid=sid,
            QueueSid=queue["uuid"],
            QueuePosition=position,
            CurrentQueueSize=position,
            QueueTime=0,
            AvgQueueTime=average_wait(queue, self.clock.now),
        )
        agents = (each for each in self.state["calls"].values() if each["serves"] == name)
        if (agent := next(agents, None)) is not None:
            self.serve(agent["sid"], name)
        return True

    def leave_queue(self, sid: str) -> None:
        call = self.state["calls"][sid]
        queue = self.state["queues"].get(call["queue"] or "")
        call["queue"] = None
        if queue is None:
            return
        for member in queue["waiting"]:
            if member["call"] == sid:
                queue["waits"] = [*queue["waits"][-99:], int(self.clock.now - member["waiting_since"])]
        queue["waiting"] = [member for member in queue["waiting"] if member["call"] != sid]
        self.touch(queue)

    def serve(self, agent: str, name: str) -> bool:
        """`<Dial><Queue>`: connect a leg to who has waited longest; `False` when nobody waits."""
        queue = self.queue_named(name)
        leg = self.state["calls"][agent]
        if not queue["waiting"]:
            leg["serves"] = name
            return False
        leg["serves"] = None
        caller = queue["waiting"][0]["call"]
        self.leave_queue(caller)
        self.bridge(agent, caller)
        return True

    def bridge(self, one: str, other: str) -> None:
        """Connect two legs."""
        raise NotImplementedError


def average_wait(queue: Record, now: float) -> int:
    """Seconds, over who waits and the latest who waited."""
    waits = queue["waits"] + [int(now - each["waiting_since"]) for each in queue["waiting"]]
    return round(sum(waits) / len(waits)) if waits else 0
