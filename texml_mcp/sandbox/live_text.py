"""What `<Start>` does to a live leg besides recording it: text of what is said, and noise suppressed.

A person's `says` is spoken from the answer on, a word every `SECONDS_A_WORD`. A session hears the words
that are spoken while it runs, and tells them when the person has finished, or when it is stopped.
"""

from __future__ import annotations

from typing import Any

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.clock import iso
from texml_mcp.sandbox.media import Media
from texml_mcp.sandbox.store import Record

SECONDS_A_WORD = 0.4
_CONFIDENCE = "0.95"


class LiveText(Media):
    """Live transcriptions, and the noise suppression of a leg."""

    def start_transcription(self, call: str, hook: Record | None, **more: Any) -> Record:
        """Begin to write down what the person at the other end of a leg says.

        `more` is `name`, `language`, `engine`, and `interim`: whether text that is not final is told too.
        """
        leg = self.state["calls"][call]
        sid = ids.uuid_sid(*self.fresh("live", call, more.get("name", "")))
        begun = self._spoken(leg)
        made = {"call": call, "status": "in-progress", "text": "", "first_word": begun, "hook": hook, **more}
        session = self.new("live_transcriptions", sid, made)
        left = len(leg["says"].split()) - begun
        if left > 0:
            if more.get("interim") and left > 1:
                self.plan(left / 2 * SECONDS_A_WORD, "overheard", sid, False)
            self.plan(left * SECONDS_A_WORD, "overheard", sid, True)
        return session

    def overheard(self, sid: str, final: bool) -> None:
        """The person has come to the middle of what they say, or to its end."""
        session = self.state["live_transcriptions"].get(sid)
        if session is not None and session["status"] == "in-progress":
            self._tell_text(session, final=final)

    def stop_transcription(self, session: Record) -> None:
        """No more is written down; what was heard and not told yet is told."""
        if session["status"] != "in-progress":
            return
        self._tell_text(session, final=True)
        self.touch(session, status="stopped")
        self.note("live-transcription-stopped", session["sid"])

    def stop_transcriptions_of(self, call: str, name: str = "") -> None:
        """`<Stop><Transcription>`: the one of this name, or all of the leg's."""
        for session in self.state["live_transcriptions"].values():
            if session["call"] == call and name in ("", session.get("name")):
                self.stop_transcription(session)

    def suppress(self, call: str, direction: str | None) -> None:
        """Filter noise out of what is heard in this direction; `None` no longer does."""
        leg = self.state["calls"][call]
        if leg["suppression"] != direction:
            self.touch(leg, suppression=direction)
            self.note("suppression", call, direction=direction)

    def stop_media_of(self, call: str) -> None:
        super().stop_media_of(call)
        self.stop_transcriptions_of(call)
        self.suppress(call, None)

    def _spoken(self, leg: Record) -> int:
        """How many words of its text the person has said by now."""
        if leg["answered"] is None:
            return 0
        # A hair more than the quotient: three words take 1.2000000000000002 seconds.
        return min(int((self.clock.now - leg["answered"]) / SECONDS_A_WORD + 1e-6), len(leg["says"].split()))

    def _tell_text(self, session: Record, *, final: bool) -> None:
        leg = self.state["calls"][session["call"]]
        text = " ".join(leg["says"].split()[session["first_word"] : self._spoken(leg)])
        if not text or (final and text == session["text"]):
            return
        if final:
            self.touch(session, text=text)
        self.send(
            session["hook"],
            "transcription",
            "transcription-events",
            CallSid=leg["sid"],
            CallSidLegacy=leg["sid"],
            TranscriptionSid=session["sid"],
            Transcript=text,
            IsFinal=str(final).lower(),
            Confidence=_CONFIDENCE,
            Timestamp=iso(self.clock.now),
        )
