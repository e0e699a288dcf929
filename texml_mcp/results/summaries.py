"""The words of an answer: which fields a person asks for first, and one sentence for each endpoint.

A resource has a `Summary` (its brief fields, and how one of it reads in a line); a write has a
sentence that says what has happened. Records arrive here already shaped by `values.record`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from texml_mcp.results.words import join, lasted, quoted

Record = Mapping[str, Any]


def _nothing(record: Record) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Summary:
    """How one resource is told.

    `brief` are the fields of the summary shape, identifiers first. `line` is one item of a list as text, and
    `row` its fields, where it has fewer; of those, `flags` stand in it only when they are set. `state` heads
    a resource that is read alone, whose fields follow. What is only ever written has neither: a sentence
    heads it.
    """

    noun: str
    brief: tuple[str, ...]
    line: Callable[[Record], str] = _nothing
    state: Callable[[Record], str] = _nothing
    row: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def item(self) -> tuple[str, ...]:
        return self.row or self.brief


def _call(call: Record) -> str:
    by = call.get("answered_by")
    price = call.get("price")
    return join(
        call.get("status"),
        f"{call.get('from') or '?'}>{call.get('to') or '?'}",
        call.get("direction"),
        call.get("start_time"),
        lasted(call.get("duration")),
        by and f"answered by {by}",
        price and f"{price} {call.get('price_unit') or ''}".strip(),
    )


def _state(record: Record) -> str:
    """What a call, a recording or a transcription has come to."""
    error = record.get("error_code")
    return join(record.get("status"), lasted(record.get("duration")), error and f"error {error}")


def _recording(recording: Record) -> str:
    return join(
        recording.get("status"),
        lasted(recording.get("duration")),
        recording.get("start_time"),
        recording.get("source"),
        recording.get("call_sid") and f"call {recording['call_sid']}",
        recording.get("conference_sid") and f"conference {recording['conference_sid']}",
        recording.get("error_code") and f"error {recording['error_code']}",
    )


def _conference(conference: Record) -> str:
    return join(
        quoted(conference.get("friendly_name")),
        conference.get("status"),
        conference.get("date_created") and f"since {conference['date_created']}",
        conference.get("reason_conference_ended"),
    )


def _conference_state(conference: Record) -> str:
    return join(conference.get("status"), conference.get("reason_conference_ended"))


def _participant(participant: Record) -> str:
    return join(
        participant.get("status"),
        participant.get("muted") and "muted",
        participant.get("hold") and "on hold",
        participant.get("coaching") and f"coaching {participant.get('coaching_call_sid') or ''}".strip(),
        participant.get("end_conference_on_exit") and "ends the conference on leaving",
    )


def _queue(queue: Record) -> str:
    return join(
        f"{queue.get('current_size', '?')} of {queue.get('max_size', '?')} waiting",
        queue.get("average_wait_time") and f"average wait {lasted(queue['average_wait_time'])}",
    )


def _transcription(transcription: Record) -> str:
    return join(
        transcription.get("status"),
        lasted(transcription.get("duration")),
        transcription.get("date_created"),
        transcription.get("recording_sid") and f"recording {transcription['recording_sid']}",
        transcription.get("transcription_text")
        and f"untrusted: {quoted(transcription['transcription_text'])}",
    )


def _application(application: Record) -> str:
    return join(
        quoted(application.get("friendly_name")),
        _application_state(application),
        application.get("voice_url"),
    )


def _application_state(application: Record) -> str:
    return "active" if application.get("active") else "inactive"


_CALL_BRIEF = (
    "sid",
    "status",
    "from",
    "to",
    "direction",
    "start_time",
    "end_time",
    "duration",
    "answered_by",
    "caller_name",
    "price",
    "price_unit",
)
_CALL_ROW = tuple(name for name in _CALL_BRIEF if name != "end_time")
_RECORDING_BRIEF = (
    "sid",
    "status",
    "call_sid",
    "conference_sid",
    "duration",
    "start_time",
    "source",
    "media_url",
    "error_code",
)
_RECORDING_ROW = tuple(name for name in _RECORDING_BRIEF if name != "media_url")
_PARTICIPANT_FLAGS = ("muted", "hold", "coaching", "end_conference_on_exit")
_PARTICIPANT_BRIEF = (
    "call_sid",
    "status",
    "muted",
    "hold",
    "coaching",
    "coaching_call_sid",
    "end_conference_on_exit",
    "conference_sid",
)

BY_SHAPE: dict[str, Summary] = {
    "call": Summary("call", _CALL_BRIEF, _call, _state, _CALL_ROW),
    "created_call": Summary("call", ("sid", "status", "from", "to")),
    "recording": Summary("recording", _RECORDING_BRIEF, _recording, _state, _RECORDING_ROW),
    "recording_change": Summary(
        "recording",
        (
            "sid",
            "call_sid",
            "conference_sid",
            "duration",
            "start_time",
            "source",
            "error_code",
            "track",
            "channels",
        ),
    ),
    "placed_call": Summary("call", ("call_sid", "status", "from", "to")),
    "ai_call": Summary("call", ("call_sid", "status", "from", "to")),
    "conference_recording": Summary("recording", _RECORDING_BRIEF, _recording, row=_RECORDING_ROW),
    "siprec": Summary("SIPREC session", ("sid", "status", "track", "call_sid", "start_time", "error_code")),
    "siprec_change": Summary("SIPREC session", ("sid", "status", "call_sid", "error_code")),
    "stream": Summary("stream", ("sid", "status", "name", "call_sid")),
    "stream_change": Summary("stream", ("sid", "status", "call_sid")),
    "conference": Summary(
        "conference",
        (
            "sid",
            "friendly_name",
            "status",
            "date_created",
            "reason_conference_ended",
            "call_sid_ending_conference",
        ),
        _conference,
        _conference_state,
    ),
    "participant": Summary(
        "participant", _PARTICIPANT_BRIEF, _participant, _participant, flags=_PARTICIPANT_FLAGS
    ),
    "dialed_participant": Summary("participant", _PARTICIPANT_BRIEF),
    "queue": Summary("queue", ("sid", "current_size", "max_size", "average_wait_time"), _queue, _queue),
    "transcription": Summary(
        "transcription",
        ("sid", "status", "transcription_text", "recording_sid", "call_sid", "duration", "date_created"),
        _transcription,
        _state,
        ("sid", "status", "transcription_text", "recording_sid", "duration", "date_created"),
    ),
    "secret": Summary("secret", ("name",)),
    "application": Summary(
        "application",
        (
            "id",
            "friendly_name",
            "active",
            "voice_url",
            "voice_fallback_url",
            "status_callback",
            "inbound",
            "outbound",
            "tags",
        ),
        _application,
        _application_state,
        ("id", "friendly_name", "active", "voice_url"),
    ),
}

Sentence = Callable[[Record, Record], str]
"""(record, arguments under wire names) -> what has happened."""


def _placed_call(call: Record, given: Record) -> str:
    return join(
        f"Call placed to {given.get('To')} from {given.get('From')}:",
        f"{call.get('status') or 'accepted'}.",
        "" if call.get("sid") or call.get("call_sid") else "The API named no call SID: list_calls finds it.",
    )


def _ai_call(call: Record, given: Record) -> str:
    assistant = given.get("AIAssistantId")
    return join(_placed_call(call, given), f"Assistant {assistant} talks once it is answered.")


def _changed_call(call: Record, given: Record) -> str:
    if given.get("Status") == "completed":
        return join("Hung up.", _state(call))
    if given.get("Url") or given.get("Texml"):
        return join("The call runs its new TeXML.", _state(call))
    return join("Call updated.", _state(call))


def _changed_recording(recording: Record, given: Record) -> str:
    done = {"in-progress": "resumed", "paused": "paused", "stopped": "stopped"}
    return f"Recording {given['recording_sid']} {done.get(str(given.get('Status')), 'updated')}."


def _changed_conference(conference: Record, given: Record) -> str:
    done = "Conference ended, everyone hung up." if given.get("Status") else "Announcement playing."
    return join(done, _conference_state(conference))


def _changed_participant(participant: Record, given: Record) -> str:
    states = {
        "Muted": ("muted", "unmuted"),
        "Hold": ("put on hold", "taken off hold"),
        "Coaching": ("made a coach", "no longer a coach"),
    }
    done = [yes if given[name] else no for name, (yes, no) in states.items() if name in given]
    if given.get("AnnounceUrl"):
        done.append("hears the announcement")
    who = given["call_sid_or_participant_label"]
    return f"Participant {who} {', '.join(done) or 'updated'}. Now: {_participant(participant)}."


SENTENCES: dict[str, Sentence] = {
    "create_call": _placed_call,
    "create_connection_call": _placed_call,
    "initiate_ai_call": _ai_call,
    "update_call": _changed_call,
    "start_call_recording": lambda recording, given: f"Recording {recording.get('sid', '?')} started.",
    "update_call_recording": _changed_recording,
    "start_call_siprec": lambda siprec, given: f"SIPREC session {siprec.get('sid', '?')} started.",
    "update_call_siprec": lambda siprec, given: f"SIPREC session {given['siprec_sid']} stopped.",
    "start_call_stream": lambda stream, given: f"Stream {stream.get('sid', '?')} started.",
    "update_call_stream": lambda stream, given: f"Stream {given['streaming_sid']} stopped.",
    "update_conference": _changed_conference,
    "dial_conference_participant": lambda participant, given: join(
        f"Dialing {given.get('To')} into conference",
        f"{participant.get('conference_sid') or given['conference_sid']}:",
        f"{participant.get('status') or 'accepted'}.",
    ),
    "update_conference_participant": _changed_participant,
    "remove_conference_participant": lambda _, given: join(
        f"Participant {given['call_sid_or_participant_label']} removed",
        f"from conference {given['conference_sid']}.",
    ),
    "create_queue": lambda queue, given: f"Queue {queue.get('sid') or given.get('FriendlyName')} created.",
    "update_queue": lambda queue, given: (
        f"Queue {given['queue_sid']} now holds up to {given['MaxSize']} calls."
    ),
    "delete_queue": lambda _, given: f"Queue {given['queue_sid']} deleted.",
    "delete_recording": lambda _, given: f"Recording {given['recording_sid']} deleted.",
    "delete_transcription": lambda _, given: f"Transcription {given['recording_transcription_sid']} deleted.",
    "create_secret": lambda secret, given: (
        f"Secret {given['name']} stored. Use it in TeXML as {{{{{given['name']}}}}}; it cannot be read back."
    ),
    "create_application": lambda application, given: join(
        f"Application {application.get('id', '?')} created:", _application_state(application)
    ),
    "update_application": lambda application, given: join(
        f"Application {given['id']} changed:", _application_state(application)
    ),
    "delete_application": lambda application, given: f"Application {given['id']} deleted.",
}
