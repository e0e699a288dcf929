"""Conferences: who is in one, how it starts and ends, what its participants are told."""

from __future__ import annotations

from typing import Any

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.clock import iso
from texml_mcp.sandbox.queues import Queues
from texml_mcp.sandbox.store import Record

LONGEST_CONFERENCE = 4 * 3600.0


class Rooms(Queues):
    """Conferences with their participants."""

    def proceed(self, sid: str) -> None:
        """Have a call go on with its document."""
        raise NotImplementedError

    def play(self, sid: str, what: str, url: str, method: str) -> None:
        """Have a leg, or a conference, hear what is behind a URL."""
        raise NotImplementedError

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
        return self.new("conferences", sid, made | {"participants": {}, "hook": None, "announced": []})

    def join(self, sid: str, conference_sid: str, **flags: Any) -> Record:
        """A leg becomes a participant; it is connected once it is answered, or at once with early media."""
        self.leave(sid)
        self.leave_queue(sid, "redirected")
        conference = self.state["conferences"][conference_sid]
        participant: Record = {
            "call": sid,
            "label": None,
            "status": "connecting",
            "muted": False,
            "hold": False,
            "hold_url": None,
            "coaching": False,
            "coached": None,
            "ends": False,
            "starts": True,
            "beeps": "true",
            "early": False,
            "wait": None,
            "joined": self.clock.now,
            "created": self.clock.now,
            "updated": self.clock.now,
            **flags,
        }
        conference["participants"][sid] = participant
        self.state["calls"][sid]["conference"] = conference_sid
        if self.state["calls"][sid]["status"] == "in-progress" or participant["early"]:
            self.connect(sid)
        return participant

    def connect(self, sid: str) -> None:
        """The participant is there, which may start the conference."""
        conference = self.state["conferences"][self.state["calls"][sid]["conference"]]
        participant = conference["participants"][sid]
        if participant["status"] == "connected":
            return
        participant |= {"status": "connected", "updated": self.clock.now}
        beep = participant["beeps"] in ("true", "onEnter")
        self.note("participant-joined", sid, conference=conference["sid"], beep=beep)
        self._tell_conference(conference, "join", sid)
        if participant["starts"] and conference["status"] == "init":
            self.touch(conference, status="in-progress")
            self._tell_conference(conference, "start", sid)
            self.plan(LONGEST_CONFERENCE, "expire_conference", conference["sid"])
        elif conference["status"] == "init" and participant["wait"]:
            self.play(sid, "waiting", participant["wait"]["url"], participant["wait"]["method"])

    def leave(self, sid: str) -> None:
        """A leg leaves its conference, which may end it for everyone."""
        call = self.state["calls"][sid]
        if call["conference"] is None:
            return
        conference = self.state["conferences"][call["conference"]]
        participant = conference["participants"].pop(sid)
        call["conference"] = None
        beep = participant["status"] == "connected" and participant["beeps"] in ("true", "onExit")
        self.note("participant-left", sid, conference=conference["sid"], beep=beep)
        self._tell_conference(conference, "leave", sid, participant)
        for other in conference["participants"].values():
            if other["coached"] == sid:
                # Still coaching, now heard by nobody: to be heard by all at once could be an indiscretion.
                other |= {"coached": None, "updated": self.clock.now}
                self.note("coach-left-alone", other["call"], conference=conference["sid"])
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
        cut_off: dict[str, Record] = conference["participants"]
        conference["participants"] = {}
        for sid, participant in cut_off.items():
            self.state["calls"][sid]["conference"] = None
            self._tell_conference(conference, "leave", sid, participant)
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

    def announce(self, conference: Record, url: str, method: str, to: str | None = None) -> None:
        """Everybody in the conference, or one participant, hears what is behind the URL, once."""
        self.touch(conference, announced=[*conference["announced"], {"to": to, "url": url}])
        self.play(to or conference["sid"], "announced", url, method)

    def hold(self, participant: Record, url: str | None, method: str) -> None:
        """The participant hears the URL, or nothing, instead of the others, and is not heard."""
        participant |= {"hold": True, "hold_url": url, "updated": self.clock.now}
        if url:
            self.play(participant["call"], "held", url, method)

    def _tell_conference(
        self,
        conference: Record,
        what: str,
        call: str | None,
        participant: Record | None = None,
        **more: Any,
    ) -> None:
        member = participant or conference["participants"].get(call, {})
        told = {}
        if member:
            told = {
                "Muted": str(member["muted"]).lower(),
                "Hold": str(member["hold"]).lower(),
                "Coaching": str(member["coaching"]).lower(),
                "EndConferenceOnExit": str(member["ends"]).lower(),
                "StartConferenceOnEnter": str(member["starts"]).lower(),
            }
        self.send(
            conference["hook"],
            what,
            "conference-events",
            ConferenceSid=conference["sid"],
            FriendlyName=conference["friendly_name"],
            StatusCallbackEvent=f"participant-{what}" if what in ("join", "leave") else f"conference-{what}",
            CallSid=call,
            ParticipantLabel=member.get("label"),
            Timestamp=iso(self.clock.now),
            **told,
            **more,
        )
