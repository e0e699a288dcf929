"""The life of a call: it rings, is answered or not, talks to another leg, gets new instructions, ends."""

from __future__ import annotations

from typing import Any

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.clock import iso
from texml_mcp.sandbox.detection import recorded, verdict
from texml_mcp.sandbox.people import ANSWERING, answering
from texml_mcp.sandbox.rooms import Rooms
from texml_mcp.sandbox.store import Record

FINAL = frozenset({"canceled", "completed", "failed", "busy", "no-answer"})
RETENTION_SECONDS = 30 * 86_400.0
_CALL: Record = {
    "direction": "outbound",
    "status": "ringing",
    "application": None,
    "answered": None,
    "ended": None,
    "answered_by": None,
    "caller_name": None,
    "cause": None,
    "by": None,
    "conference": None,
    "queue": None,
    "enqueued": None,  # what its <Enqueue> asked for, and how the wait ended
    "serves": None,  # the queue whose next caller this leg waits for
    "peer": None,  # the leg it talks to
    "parent": None,  # the leg whose <Dial> made it
    "screens": False,  # whether it runs a document of its own before it is put through
    "dialing": None,  # what to do when its own <Dial> is over
    "supervises": None,
    "role": None,
    "ring_limit": 30,
    "time_limit": 14_400,
    "detection": None,
    "asks": None,  # the document to ask for once it is answered
    "script": [],
    "after": [],
    "step": 0,
    "runs_document": False,
    "collecting": None,
    "hook": None,
    "sequence": 0,
    "says": "",
    "spoke": False,  # whether a <Gather> has already heard what it says
    "presses": "",
    "suppression": None,
    "connected": None,  # the stream that has the call
    "connect_action": None,  # what its <Connect> asks for when that stream is over
    "from_url": None,  # where its document came from: relative URLs in it start there
}


class Legs(Rooms):
    """Calls, one leg each."""

    # What verbs have a say in; the world knows them.

    def dial_bridged(self, parent: Record) -> None:
        """Somebody whom the `<Dial>` of this leg rang has been put through."""
        raise NotImplementedError

    def dial_over(self, parent: Record, status: str, leg: Record) -> None:
        """The `<Dial>` of this leg has ended as `leg` did."""
        raise NotImplementedError

    def wait_given_up(self, call: Record) -> None:
        """A leg that may have waited in a queue is gone, or does something else."""
        raise NotImplementedError

    def talk_over(self, call: Record) -> None:
        """A leg that an assistant may have talked to is gone, or does something else."""
        raise NotImplementedError

    # --- the start

    def new_leg(self, to: str, from_: str, **more: Any) -> Record:
        sid = ids.call_sid(*self.fresh("call", more.get("direction", "outbound"), to, from_))
        made = {"to": to, "from": from_, **_CALL, "started": self.clock.now, **more}
        call = self.new("calls", sid, made)
        self.tell(call, "initiated")
        return call

    def dial(self, to: str, from_: str, **more: Any) -> Record:
        """A new outbound leg that rings, and whatever its callee does about it."""
        person = answering(self.callees, to)
        call = self.new_leg(to, from_, says=person["says"], presses=person["presses"], **more)
        sid, rings = call["sid"], person["rings_seconds"]
        self.tell(call, "ringing")
        match person["does"]:
            case "busy":
                self.plan(min(1.0, rings), "end", sid, "busy", "callee", "user_busy")
            case "rejects":
                self.plan(rings, "end", sid, "failed", "callee", "call_rejected")
            case "unreachable":
                self.plan(0, "end", sid, "failed", "system", "unallocated_number")
            case does if does in ANSWERING and rings < call["ring_limit"]:
                self.plan(rings, "answer", sid)
                if person["hangs_up_after_seconds"] is not None:
                    self.plan(rings + person["hangs_up_after_seconds"], "end", sid, "completed", "callee")
            case _:
                pass
        self.plan(call["ring_limit"], "give_up", sid)
        return call

    def give_up(self, sid: str) -> None:
        """The ring time is over."""
        if self.state["calls"][sid]["status"] == "ringing":
            self.end(sid, "no-answer", "system", "timeout")

    def answer(self, sid: str) -> None:
        """Somebody, or something, picks up."""
        call = self.state["calls"].get(sid)
        if call is None or call["status"] != "ringing":
            return
        self.touch(call, status="in-progress", answered=self.clock.now)
        self.note("call-answered", sid)
        self.tell(call, "answered")
        self.hear(sid)
        self.plan(call["time_limit"], "end", sid, "completed", "system", "time_limit")
        if call["conference"] is not None:
            self.connect(sid)
        if call["detection"]:
            self._detect(call)
        if call["parent"] is not None and not call["screens"]:
            self.put_through(call)
        elif not call["detection"] or call["detection"]["async"]:
            self.proceed(sid)

    def _detect(self, call: Record) -> None:
        after, word = verdict(answering(self.callees, call["to"]), call["detection"])
        self.plan(after, "detected", call["sid"], word)

    def detected(self, sid: str, word: str) -> None:
        """The verdict on who answered is there; instructions that waited for it begin."""
        call = self.state["calls"][sid]
        if call["status"] != "in-progress":
            return
        self.touch(call, answered_by=recorded(word))
        taken = int((self.clock.now - call["answered"]) * 1000)
        self.send(
            call["detection"]["hook"],
            "detected",
            "amd-events",
            CallSid=sid,
            CallSidLegacy=sid,
            AnsweredBy=word,
            MachineDetectionDuration=taken,
        )
        if not call["detection"]["async"]:
            self.proceed(sid)

    # --- the end

    def end(self, sid: str, status: str, by: str = "system", cause: str = "") -> None:
        """A call is over: it leaves its conference, its queue and the leg it talks to."""
        call = self.state["calls"].get(sid)
        if call is None or call["status"] in FINAL:
            return
        if status == "completed" and call["status"] == "ringing":
            status, cause = "canceled", cause or "originator_cancel"
        # Before it counts as over: what listens to it tells a last time.
        self.stop_media_of(sid)
        self.touch(call, status=status, ended=self.clock.now, script=[], after=[], collecting=None)
        call |= {
            "step": call["step"] + 1,
            "serves": None,
            "asks": None,
            "by": by,
            "cause": cause or "normal_clearing",
        }
        self.note("call-ended", sid, status=status, cause=call["cause"])
        self.leave(sid)
        self.leave_queue(sid, "hangup")
        self.wait_given_up(call)
        self.talk_over(call)
        self._part(call)
        self.tell(call, "completed")
        self.plan(RETENTION_SECONDS, "forget", sid)

    def forget(self, sid: str) -> None:
        """A record is kept for 30 days after the end."""
        call = self.state["calls"].get(sid)
        if call is not None and call["status"] in FINAL:
            del self.state["calls"][sid]
            self.versions.pop(sid, None)
            self.note("call-forgotten", sid)

    def redirect(self, call: Record, script: list[Any]) -> None:
        """Other instructions, from now on: the leg leaves its conference, queue and partner."""
        call |= {"step": call["step"] + 1, "script": [], "after": [], "collecting": None, "serves": None}
        call |= {"connected": None, "screens": False, "asks": None}
        self.leave(call["sid"])
        self.leave_queue(call["sid"], "redirected")
        self.wait_given_up(call)
        self.talk_over(call)
        self._part(call)
        self.touch(call, script=script, runs_document=True)
        if call["status"] == "in-progress":
            self.proceed(call["sid"])

    # --- legs that talk to each other

    def bridge(self, one: str, other: str) -> None:
        calls = self.state["calls"]
        for mine, theirs in ((one, other), (other, one)):
            calls[mine] |= {"peer": theirs, "step": calls[mine]["step"] + 1}
        self.note("bridged", one, with_=other)

    def put_through(self, leg: Record) -> None:
        """The first leg of a `<Dial>` that is answered wins; the others stop ringing."""
        leg["screens"] = False
        parent = self.state["calls"][leg["parent"]]
        if parent["status"] != "in-progress" or parent["dialing"] is None or parent["peer"] is not None:
            self.end(leg["sid"], "completed", "system")
            return
        self.bridge(parent["sid"], leg["sid"])
        for sid in parent["dialing"]["legs"]:
            if sid != leg["sid"]:
                self.end(sid, "canceled", "system", "originator_cancel")
        self.dial_bridged(parent)

    def star(self, sid: str, step: int) -> None:
        """The caller presses * to leave a `<Dial>` that allows it."""
        call = self.state["calls"][sid]
        if call["step"] == step and call["peer"] is not None:
            self.note("hung-up-on-star", sid)
            self.end(call["peer"], "completed", "caller")

    def _part(self, call: Record) -> None:
        """What the end, or other instructions, of one leg mean for the legs tied to it."""
        calls = self.state["calls"]
        dialing, peer = call["dialing"], call["peer"]
        call["dialing"] = call["peer"] = None
        for sid in dialing["legs"] if dialing else ():
            leg = calls[sid]
            leg["parent"] = None
            if peer == sid:
                leg["peer"] = None
                peer = None
            self.end(sid, "canceled" if leg["status"] == "ringing" else "completed", "system")
        for supervisor in list(calls.values()) if call["status"] in FINAL else ():
            if supervisor["supervises"] == call["sid"]:
                self.end(supervisor["sid"], "completed", "system")
        if peer is not None:
            partner = calls[peer]
            partner["peer"] = None
            if partner["dialing"] is not None:
                self.dial_over(partner, "completed", call)
            else:
                self.proceed(peer)
        elif call["parent"] is not None and call["status"] in FINAL:
            parent = calls.get(call["parent"])
            waiting = parent["dialing"] if parent else None
            if parent and waiting and all(calls[sid]["status"] in FINAL for sid in waiting["legs"]):
                self.dial_over(parent, call["status"], call)

    # --- callbacks

    def failover(self, call: str | None) -> str:
        """The one other address that the API documents for an account's callbacks: its application's."""
        leg = self.state["calls"].get(call or "")
        application = self.state["applications"].get((leg or {}).get("application") or "")
        return application["settings"].get("voice_fallback_url") or "" if application else ""

    def tell(self, call: Record, event: str) -> None:
        """Call progress, to who asked for it. Supervisors' legs tell nothing."""
        if call["supervises"] is not None:
            return
        # Of an assistant's call each way to end is an event of its own.
        named = call["status"] if event == "completed" and "assistant" in call else event
        call["sequence"] += 1
        over = call["ended"] is not None
        status = call["status"] if event in ("ringing", "answered", "completed") else event
        talked = int(call["ended"] - call["answered"]) if over and call["answered"] is not None else 0
        for hook in (call["hook"], *call.get("more_hooks", ())):
            self.send(
                hook,
                named,
                "call-progress-events",
                CallSid=call["sid"],
                CallSidLegacy=call["sid"],
                ParentCallSid=call["parent"],
                CallStatus=status,
                CallerId=call["caller_name"],
                ConnectionId=call["application"],
                From=call["from"],
                To=call["to"],
                SequenceNumber=call["sequence"] - 1,
                Timestamp=iso(self.clock.now),
                CallInitiatedAt=iso(call["started"]),
                AnsweredBy=call["answered_by"],
                CallDuration=talked if over else None,
                HangupSource=call["by"] if over else None,
                HangupCause=call["cause"] if over else None,
                StartTime=iso(call["started"]) if over else None,
                AnsweredTime=iso(call["answered"]) if over else None,
                EndTime=iso(call["ended"]) if over else None,
            )
