"""A world: one account's telephone network, and what can happen to the calls in it.

Handlers, the TeXML interpreter and due events read and change it through the verbs here and in the
classes below it; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from texml_mcp.sandbox import assistants, dialing, prompts, scripts, waiting
from texml_mcp.sandbox.hearing import hears
from texml_mcp.sandbox.interpreter import run
from texml_mcp.sandbox.legs import FINAL, Legs
from texml_mcp.sandbox.people import callee
from texml_mcp.sandbox.store import Record

__all__ = ["FINAL", "Record", "World"]


class World(Legs):
    """One isolated network: calls, and everything they meet."""

    happenings: ClassVar[dict[str, str]] = {
        "answer": "answer",
        "end": "end",
        "give_up": "give_up",
        "detected": "detected",
        "proceed": "proceed_if",
        "collected": "collected",
        "star": "star",
        "waited_out": "waited_out",
        "limit_recording": "limit_recording",
        "finish_recording": "finish_recording",
        "finish_transcription": "finish_transcription",
        "analyzed": "analyzed",
        "overheard": "overheard",
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

    def hears(self) -> dict[str, list[str]]:
        """Which legs each leg hears now, mute, hold, coaching and supervision counted in."""
        return hears(self.state)

    def shown(self) -> Record:
        """The whole state with the clock and who hears whom, for people and graders; no secret values."""
        return {**super().shown(), "hears": self.hears()}

    # --- people

    def script_callee(self, given: Mapping[str, Any]) -> Record:
        """Say what one callee does from now on; the latest for a number counts. Raises `ValueError`."""
        made = callee(given)
        self.callees = [made, *(each for each in self.callees if each["match"] != made["match"])]
        return made

    def call_in(
        self,
        from_: str,
        application: str,
        to: str = "+13125550100",
        caller_name: str | None = None,
        **more: Any,
    ) -> Record:
        """Somebody calls a number of an application: answered at once, as TeXML calls are.

        `says` and `presses` are the caller's. Raises `ValueError` for an unknown application.
        """
        known = self.state["applications"].get(application)
        if known is None:
            raise ValueError(f"application: there is no application {application!r}")
        if not isinstance(to, str) or not to or not from_:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError("from, to: both must be numbers or SIP URIs")
        if not isinstance(caller_name, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError("caller_name: must be text")
        person = callee({"match": from_, **more})
        settings = known["settings"]
        call = self.new_leg(
            to,
            from_,
            direction="inbound",
            caller_name=caller_name,
            application=application,
            runs_document=True,
            says=person["says"],
            presses=person["presses"],
            hook={"url": settings["status_callback"], "method": settings["status_callback_method"].upper()},
        )
        if not settings["active"]:
            self.end(call["sid"], "failed", "system", "call_rejected")
            return call
        call["asks"] = {
            "url": settings["voice_url"],
            "fallback": settings.get("voice_fallback_url"),
            "method": settings["voice_method"],
        }
        self.answer(call["sid"])
        if person["hangs_up_after_seconds"] is not None:
            self.plan(person["hangs_up_after_seconds"], "end", call["sid"], "completed", "caller")
        return call

    # --- instructions

    def proceed(self, sid: str) -> None:
        run(self, sid)

    def proceed_if(self, sid: str, step: int) -> None:
        """Go on with the document, unless something else has begun since this was planned."""
        if self.state["calls"][sid]["step"] == step:
            self.proceed(sid)

    def collected(self, sid: str, step: int) -> None:
        """A `<Gather>` or `<Record>` is over."""
        if self.state["calls"][sid]["step"] == step:
            prompts.collected(self, sid)

    def waited_out(self, sid: str, turn: int) -> None:
        """The longest wait that an `<Enqueue>` allows is over."""
        waiting.waited_out(self, self.state["calls"][sid], turn)

    def wait_given_up(self, call: Record) -> None:
        waiting.tell_result(self, call)

    def talk_over(self, call: Record) -> None:
        assistants.over(self, call)

    def analyzed(self, sid: str) -> None:
        """What an assistant talked about has been looked through."""
        if sid in self.state["calls"]:
            self.tell(self.state["calls"][sid], "analyzed")

    def dial_bridged(self, parent: Record) -> None:
        dialing.bridged(self, parent)

    def dial_over(self, parent: Record, status: str, leg: Record) -> None:
        dialing.dial_over(self, parent, status, leg)

    def play(self, sid: str, what: str, url: str, method: str) -> None:
        scripts.play(self, sid, what, url, method)
