"""What listens to a call: recordings, their transcriptions, streams and SIPREC sessions."""

from __future__ import annotations

from typing import Any

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.clock import iso
from texml_mcp.sandbox.store import Record, Store

READY_SECONDS = 2.0  # from stopping to the finished file
TRANSCRIBED_SECONDS = 5.0  # from the finished file to its text


class Media(Store):
    """Audio that is kept or sent elsewhere."""

    def start_recording(
        self, call: str | None, *, source: str, conference: str | None = None, **more: Any
    ) -> Record:
        """Begin to record a leg or a conference. A leg that still rings is recorded from its answer."""
        sid = ids.uuid_sid(*self.fresh("recording", source, call, conference))
        leg = self.state["calls"].get(call or "")
        silent = conference is None and leg is not None and leg["status"] == "ringing"
        recording = self.new(
            "recordings",
            sid,
            {
                "call": call,
                "conference": conference,
                "status": "in-progress",
                "started": self.clock.now,
                "duration": None,
                "heard": 0.0,
                "since": None if silent else self.clock.now,
                "channels": 2,
                "track": "both",
                "source": source,
                "hook": None,
                "transcribe": None,
                "absent": False,
                **more,
            },
        )
        if not silent:
            self._tell_recording(recording, "in-progress")
        return recording

    def hear(self, call: str) -> None:
        """The leg is answered: what was to be recorded from then on, is."""
        for recording in self.state["recordings"].values():
            if (
                recording["call"] == call
                and recording["since"] is None
                and recording["status"] == "in-progress"
            ):
                recording["since"] = recording["started"] = self.clock.now
                self._tell_recording(recording, "in-progress")

    def pause_recording(self, recording: Record) -> None:
        if recording["status"] == "in-progress":
            self._count(recording)
            self.touch(recording, status="paused")

    def resume_recording(self, recording: Record) -> None:
        if recording["status"] == "paused":
            self.touch(recording, status="in-progress", since=self.clock.now)

    def stop_recording(self, recording: Record) -> None:
        """Stopped at once; the file is ready, and the recording completed, a moment later."""
        if recording["status"] not in ("in-progress", "paused"):
            return
        absent = recording["since"] is None
        self.pause_recording(recording)
        heard = 0 if absent else max(1, round(recording["heard"]))
        self.touch(recording, status="stopped", duration=heard, absent=absent)
        self.plan(READY_SECONDS, "finish_recording", recording["sid"])

    def limit_recording(self, sid: str) -> None:
        """A recording has become as long as it may."""
        recording = self.state["recordings"].get(sid)
        if recording is not None:
            self.stop_recording(recording)

    def finish_recording(self, sid: str) -> None:
        recording = self.state["recordings"].get(sid)
        if recording is None or recording["status"] != "stopped":
            return
        self.touch(recording, status="completed")
        self._tell_recording(recording, "absent" if recording["absent"] else "completed")
        if recording["transcribe"] and not recording["absent"]:
            self.transcribe(recording)

    def _count(self, recording: Record) -> None:
        if recording["since"] is not None:
            recording["heard"] += self.clock.now - recording["since"]

    def stop_media_of(self, call: str) -> None:
        """The leg is over: nothing of it is heard any more."""
        for recording in list(self.state["recordings"].values()):
            if recording["call"] == call and recording["conference"] is None:
                self.stop_recording(recording)
        for table in ("siprecs", "streams"):
            for medium in self.state[table].values():
                if medium["call"] == call:
                    self.stop_medium(table, medium)

    def _tell_recording(self, recording: Record, event: str) -> None:
        with_url = event == "completed" and (
            recording["hook"] is None or recording["hook"].get("with_url", True)
        )
        self.send(
            recording["hook"],
            event,
            "recording-events",
            CallSid=recording["call"],
            ConferenceSid=recording["conference"],
            RecordingSid=recording["sid"],
            RecordingStatus=event,
            RecordingSource=recording["source"],
            RecordingChannels=recording["channels"],
            RecordingDuration=recording["duration"],
            RecordingUrl=media_url(recording["sid"]) if with_url else None,
        )

    # --- transcriptions

    def transcribe(self, recording: Record) -> Record:
        """Turn a finished recording into text: what the person at the other end was scripted to say."""
        sid = ids.uuid_sid(*self.fresh("transcription", recording["sid"]))
        leg = self.state["calls"].get(recording["call"] or "")
        transcription = self.new(
            "transcriptions",
            sid,
            {
                "recording": recording["sid"],
                "call": recording["call"],
                "status": "in-progress",
                "text": "",
                "says": (leg or {}).get("says") or "",
                "duration": recording["duration"],
                "hook": recording["transcribe"],
            },
        )
        self.plan(TRANSCRIBED_SECONDS, "finish_transcription", sid)
        return transcription

    def finish_transcription(self, sid: str) -> None:
        transcription = self.state["transcriptions"].get(sid)
        if transcription is None or transcription["status"] == "completed":
            return
        self.touch(transcription, status="completed", text=transcription["says"])
        self.send(
            transcription["hook"],
            "completed",
            "transcription-events",
            CallSid=transcription["call"],
            TranscriptionSid=sid,
            TranscriptionStatus="completed",
            TranscriptionText=transcription["text"],
            RecordingSid=transcription["recording"],
            RecordingUrl=media_url(transcription["recording"]),
        )

    # --- streams and SIPREC

    def start_medium(
        self, table: str, call: str, name: str, track: str, hook: Record | None = None
    ) -> Record:
        """Begin a stream (`streams`) or a SIPREC session (`siprecs`) of a leg."""
        sid = ids.uuid_sid(*self.fresh(table, call, name))
        made = {"call": call, "status": "in-progress", "name": name, "track": track, "hook": hook}
        medium = self.new(table, sid, made)
        self._tell_medium(table, medium, "started")
        return medium

    def stop_medium(self, table: str, medium: Record) -> None:
        if medium["status"] == "in-progress":
            self.touch(medium, status="stopped")
            self._tell_medium(table, medium, "stopped")

    def stop_named(self, table: str, call: str, name: str) -> None:
        """`<Stop>`: the one of this name, or all of the leg's when no name is given."""
        for medium in self.state[table].values():
            if medium["call"] == call and name in ("", medium["name"]):
                self.stop_medium(table, medium)

    def _tell_medium(self, table: str, medium: Record, what: str) -> None:
        kind = "stream" if table == "streams" else "siprec"
        title = kind.title()
        named = {
            f"{title}Event": f"{kind}-{what}",
            f"{title}Sid": medium["sid"],
            f"{title}Name": medium["name"] or None,
        }
        self.send(
            medium["hook"],
            f"{kind}-{what}",
            f"{kind}-events",
            CallSid=medium["call"],
            Timestamp=iso(self.clock.now),
            **named,
        )


def media_url(recording_sid: str) -> str:
    return f"https://media.example.com/recordings/{recording_sid}.mp3"
