"""What one would do next: complete, ready calls, at most three."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from texml_mcp.catalog import Endpoint, listing
from texml_mcp.catalog import endpoint as lookup
from texml_mcp.results.model import Next

Record = Mapping[str, Any]
MOST = 3


def after(endpoint: Endpoint, given: Record, record: Record) -> list[Next]:
    """Ready calls that follow a success. `record` is the answer, or the first item of a list."""
    suggest = _AFTER.get(endpoint.id) or (_started_call if endpoint.starts_call else None)
    return [] if suggest is None else list(suggest(given, record))[:MOST]


def settling(endpoint: Endpoint, given: Record) -> list[Next]:
    """The read that tells whether a write with an unknown outcome happened."""
    if not endpoint.settles:
        return []
    read = lookup(endpoint.settles)
    names = {param.name: param.key for _, param in read.params()}
    # A renamed resource is looked for where its create call would have put it.
    arguments = {names[name]: given[name] for name in names if name in given and name != "Status"}
    return [Next(read.id, arguments, "shows whether it happened; do this before trying again")]


def finding(endpoint: Endpoint, given: Record) -> list[Next]:
    """The list that shows what there is, for a call that named what there is not."""
    read = listing(endpoint)
    if read is None:
        return []
    keys = [param.key for param in read.path_params]
    return [Next(read.id, {key: given[key] for key in keys if key in given}, "what there is")]


def _started_call(given: Record, call: Record) -> Iterator[Next]:
    if sid := call.get("sid") or call.get("call_sid"):
        yield Next("get_call", {"call_sid": sid, "wait_for": "in-progress"}, "wait until it is answered")
        yield Next("update_call", {"call_sid": sid, "Status": "completed"}, "hang up")
    else:
        yield Next("list_calls", {"To": given.get("To")}, "find the call's SID")


def _call(given: Record, call: Record) -> Iterator[Next]:
    sid = call.get("sid")
    if not sid:
        return
    if call.get("status") == "ringing":
        yield Next("get_call", {"call_sid": sid, "wait_for": "in-progress"}, "wait until it is answered")
    if call.get("status") == "completed":
        yield Next("list_call_recordings", {"call_sid": sid}, "what was recorded")


def _started_recording(given: Record, recording: Record) -> Iterator[Next]:
    if sid := recording.get("sid"):
        yield Next(
            "update_call_recording",
            {"call_sid": given["call_sid"], "recording_sid": sid, "Status": "stopped"},
            "stop it",
        )


def _stopped_recording(given: Record, recording: Record) -> Iterator[Next]:
    if given.get("Status") == "stopped":
        yield Next("get_recording", {"recording_sid": given["recording_sid"]}, "the finished audio")


def _started_siprec(given: Record, siprec: Record) -> Iterator[Next]:
    if sid := siprec.get("sid"):
        arguments = {"call_sid": given["call_sid"], "siprec_sid": sid, "Status": "stopped"}
        yield Next("update_call_siprec", arguments, "stop it")


def _started_stream(given: Record, stream: Record) -> Iterator[Next]:
    if sid := stream.get("sid"):
        yield Next("update_call_stream", {"call_sid": given["call_sid"], "streaming_sid": sid}, "stop it")


def _conference(given: Record, conference: Record) -> Iterator[Next]:
    if conference.get("sid") and conference.get("status") != "completed":
        yield Next("list_conference_participants", {"conference_sid": conference["sid"]}, "who is in it now")


def _dialed(given: Record, participant: Record) -> Iterator[Next]:
    if sid := participant.get("call_sid"):
        yield Next("get_call", {"call_sid": sid, "wait_for": "in-progress"}, "wait until it is answered")


def _removed(given: Record, _: Record) -> Iterator[Next]:
    yield Next("list_conference_participants", {"conference_sid": given["conference_sid"]}, "who is left")


def _transcription(given: Record, transcription: Record) -> Iterator[Next]:
    if transcription.get("recording_sid"):
        yield Next("get_recording", {"recording_sid": transcription["recording_sid"]}, "the audio behind it")


_AFTER: dict[str, Callable[[Record, Record], Iterator[Next]]] = {
    "get_call": _call,
    "start_call_recording": _started_recording,
    "update_call_recording": _stopped_recording,
    "start_call_siprec": _started_siprec,
    "start_call_stream": _started_stream,
    "list_conferences": _conference,
    "get_conference": _conference,
    "dial_conference_participant": _dialed,
    "remove_conference_participant": _removed,
    "get_transcription": _transcription,
}
