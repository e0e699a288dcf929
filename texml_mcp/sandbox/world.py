"""A world: one account's telephone network, and what can happen to the calls in it.

Handlers, the TeXML interpreter and due events read and change it through the verbs here and in the
classes below it; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.clock import iso
from texml_mcp.sandbox.people import answering, callee
from texml_mcp.sandbox.rooms import Rooms
from texml_mcp.sandbox.store import Record

__all__ = ["FINAL", "Record", "World"]

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
    "serves": None,  # the queue whose next caller this leg waits for
    "peer": None,  # the leg it talks to
    "parent": None,  # the leg whose <Dial> made it
    "dialing": None,  # what to do when its own <Dial> is over
    "supervises": None,
    "role": None,
    "ring_limit": 30,
    "time_limit": 14_400,
    "detection": None,
    "script": [],
    "after": [],
    "step": 0,
    "runs_document": False,
    "collecting": None,
    "hook": None,
    "sequence": 0,
    "says": "",
    "presses": "",
    "connected": None,  # the stream that has the call
}


class World(Rooms):
    """One isolated network: calls, and everything they meet."""

    happenings: ClassVar[dict[str, str]] = {
        "answer": "answer",
        "end": "end",
        "give_up": "give_up",
        "detected": "detected",
        "proceed": "proceed_if",
        "collected": "collected",
        "finish_recording": "finish_recording",
        "finish_transcription": "finish_transcription",
        "expire_conference": "expire_conference",
        "forget": "forget",
    }

    def request(
        self,
        endpoint_id: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """One API request without HTTP: the status and the answer, errors among them."""
        from texml_mcp.sandbox.exchange import exchange

        reply = exchange(self, endpoint_id, path or {}, query or {}, body or {})
        return reply.status, reply.body

    # --- people

    def script_callee(self, given: Mapping[str, Any]) -> Record:
        """Say what one callee does from now on; the latest for a number counts. Raises `ValueError`."""
        made = callee(given)
        self.callees = [made, *(each for each in self.callees if each["match"] != made["match"])]
        return made

    def call_in(self, from_: str, application: str, to: str = "+13125550100", **more: Any) -> Record:
        """Somebody calls a number of an application: answered at once, as TeXML calls are.

        `says` and `presses` are the caller's. Raises `ValueError` for an unknown application.
        """
        known = self.state["applications"].get(application)
        if known is None:
            raise ValueError(f"no application {application}")
        person = callee({"match": from_, **more})
        settings = known["settings"]
        call = self._leg(
            to,
            from_,
            direction="inbound",
            application=application,
            runs_document=True,
            says=person["says"],
            presses=person["presses"],
            hook={"url": settings["status_callback"], "method": settings["status_callback_method"].upper()},
        )
        if not settings["active"]:
            self.end(call["sid"], "failed", "system", "call_rejected")
            return call
        self._answer_with_document(call, settings)
        if person["hangs_up_after_seconds"] is not None:
            self.plan(person["hangs_up_after_seconds"], "end", call["sid"], "completed", "caller")
        return call

    def _answer_with_document(self, call: Record, settings: Mapping[str, Any]) -> None:
        from texml_mcp.sandbox.interpreter import fetch

        call["script"] = fetch(self, call, settings["voice_url"], settings.get("voice_fallback_url"))
        self.answer(call["sid"])

    # --- the life of a call

    def _leg(self, to: str, from_: str, **more: Any) -> Record:
        sid = ids.call_sid(*self.fresh("call", more.get("direction", "outbound"), to, from_))
        made = {"to": to, "from": from_, **_CALL, "started": self.clock.now, **more}
        call = self.new("calls", sid, made)
        self.tell(call, "initiated")
        return call

    def dial(self, to: str, from_: str, **more: Any) -> Record:
        """A new outbound leg that rings, and whatever its callee does about it."""
        person = answering(self.callees, to)
        call = self._leg(to, from_, says=person["says"], presses=person["presses"], **more)
        sid, rings = call["sid"], person["rings_seconds"]
        self.tell(call, "ringing")
        match person["does"]:
            case "busy":
                self.plan(min(1.0, rings), "end", sid, "busy", "callee", "user_busy")
            case "rejects":
                self.plan(rings, "end", sid, "failed", "callee", "call_rejected")
            case "unreachable":
                self.plan(0, "end", sid, "failed", "system", "unallocated_number")
            case "answers" | "voicemail" if rings < call["ring_limit"]:
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
        if call["supervises"] is not None and self.state["calls"][call["supervises"]]["status"] in FINAL:
            self.end(sid, "completed", "system", "normal_clearing")
            return
        if call["conference"] is not None:
            self.connect(sid)
        if call["parent"] is not None:
            self._answered_dial(call)
        elif call["detection"]:
            self._detect(call)
        else:
            self.proceed(sid)

    def _detect(self, call: Record) -> None:
        """Answering-machine detection: the verdict comes after the greeting, or after a moment of speech."""
        person = answering(self.callees, call["to"])
        machine = person["does"] == "voicemail"
        waits_for_end = machine and call["detection"]["mode"] == "DetectMessageEnd"
        after = person["greeting_seconds"] if waits_for_end else 2.0
        after = min(after, call["detection"]["timeout"])
        verdict = "human" if not machine else "machine_end_beep" if waits_for_end else "machine_start"
        self.plan(after, "detected", call["sid"], verdict)
        if call["detection"]["async"]:
            self.proceed(call["sid"])

    def detected(self, sid: str, verdict: str) -> None:
        """The verdict on who answered is there; instructions that waited for it begin."""
        call = self.state["calls"][sid]
        if call["status"] != "in-progress":
            return
        self.touch(call, answered_by="human" if verdict == "human" else "machine")
        taken = int((self.clock.now - call["answered"]) * 1000)
        self.send(
            call["detection"]["hook"],
            "detected",
            "amd-events",
            CallSid=sid,
            AnsweredBy=verdict,
            MachineDetectionDuration=taken,
        )
        if not call["detection"]["async"]:
            self.proceed(sid)

    def end(self, sid: str, status: str, by: str = "system", cause: str = "") -> None:
        """A call is over: it leaves its conference, its queue and the leg it talks to."""
        call = self.state["calls"].get(sid)
        if call is None or call["status"] in FINAL:
            return
        if status == "completed" and call["status"] == "ringing":
            status, cause = "canceled", cause or "originator_cancel"
        self.touch(call, status=status, ended=self.clock.now, script=[], after=[], collecting=None)
        call |= {"step": call["step"] + 1, "serves": None, "by": by, "cause": cause or "normal_clearing"}
        self.note("call-ended", sid, status=status, cause=call["cause"])
        self.leave(sid)
        self.leave_queue(sid)
        self.stop_media_of(sid)
        self._part(call)
        self.tell(call, "completed")
        self.plan(RETENTION_SECONDS, "forget", sid)

    def forget(self, sid: str) -> None:
        """A record is kept for 30 days after the end."""
        call = self.state["calls"].get(sid)
        if call is not None and call["status"] in FINAL:
            del self.state["calls"][sid]
            self.note("call-forgotten", sid)

    def redirect(self, call: Record, script: list[Any]) -> None:
        """Other instructions, from now on: the leg leaves its conference, queue and partner."""
        call |= {"step": call["step"] + 1, "script": [], "after": [], "collecting": None, "serves": None}
        self.leave(call["sid"])
        self.leave_queue(call["sid"])
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

    def _answered_dial(self, leg: Record) -> None:
        """The first leg of a `<Dial>` that is answered wins; the others stop ringing."""
        parent = self.state["calls"][leg["parent"]]
        if parent["status"] != "in-progress" or parent["dialing"] is None:
            self.end(leg["sid"], "completed", "system")
            return
        self.bridge(parent["sid"], leg["sid"])
        for sid in parent["dialing"]["legs"]:
            if sid != leg["sid"]:
                self.end(sid, "canceled", "system", "originator_cancel")

    def _part(self, call: Record) -> None:
        """What the end, or other instructions, of one leg mean for the legs tied to it."""
        from texml_mcp.sandbox.interpreter import dial_over

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
        for supervisor in list(calls.values()):
            if supervisor["supervises"] == call["sid"] and call["status"] in FINAL:
                self.end(supervisor["sid"], "completed", "system")
        if peer is not None:
            partner = calls[peer]
            partner["peer"] = None
            if partner["dialing"] is not None:
                dial_over(self, partner, "completed", call)
            else:
                self.proceed(peer)
        elif call["parent"] is not None and call["status"] in FINAL:
            parent = calls[call["parent"]]
            waiting = parent["dialing"]
            if waiting and all(calls[sid]["status"] in FINAL for sid in waiting["legs"]):
                dial_over(self, parent, call["status"], call)

    # --- instructions

    def proceed(self, sid: str) -> None:
        from texml_mcp.sandbox.interpreter import run

        run(self, sid)

    def proceed_if(self, sid: str, step: int) -> None:
        """Go on with the document, unless something else has begun since this was planned."""
        if self.state["calls"][sid]["step"] == step:
            self.proceed(sid)

    def collected(self, sid: str, step: int) -> None:
        """A `<Gather>` or `<Record>` is over."""
        from texml_mcp.sandbox.interpreter import collected

        if self.state["calls"][sid]["step"] == step:
            collected(self, sid)

    # --- callbacks

    def tell(self, call: Record, event: str) -> None:
        """Call progress, to who asked for it. Supervisors' legs tell nothing."""
        if call["supervises"] is not None:
            return
        call["sequence"] += 1
        over = call["ended"] is not None
        status = call["status"] if event in ("ringing", "answered", "completed") else event
        talked = int(call["ended"] - call["answered"]) if over and call["answered"] is not None else 0
        self.send(
            call["hook"],
            event,
            "call-progress-events",
            CallSid=call["sid"],
            CallSidLegacy=call["sid"],
            CallStatus=status,
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
