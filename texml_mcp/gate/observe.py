"""What a risky call is about to touch, read just before anyone is asked.

An observation is one sentence that a supervisor would understand, and a digest of the facts that must
not have changed by the time the call runs. Durations and waiting times are told but not bound: they
change by themselves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from texml_mcp.catalog import Endpoint, endpoint
from texml_mcp.client import Upstream, UpstreamError, items_of
from texml_mcp.results.shape import unwrap
from texml_mcp.results.values import record
from texml_mcp.results.words import lasted
from texml_mcp.text import clean, mask_url

T = TypeVar("T")
S = TypeVar("S")
Wire = Mapping[str, Any]
Now = Callable[[], datetime]

# How many live conferences are searched for the call: a preview must not cost dozens of requests.
MOST_CONFERENCES = 5
NAME_CAP = 40
URL_CAP = 200


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen: words for a person, and a digest of what the approval depends on."""

    words: str = ""
    digest: str = ""


NOTHING = Observation()


class _Reader:
    """Reads through the same client as everything else, under the account of the call."""

    def __init__(self, upstream: Upstream, wire: Wire, now: Now) -> None:
        self._upstream = upstream
        self.wire = wire
        self.now = now

    async def body(self, tool: str, **arguments: Any) -> dict[str, Any]:
        read = endpoint(tool)
        known = {param.name for _, param in read.params()}
        wire = {name: value for name, value in {**self.wire, **arguments}.items() if name in known}
        wire = {name: value for name, value in wire.items() if name in arguments or name in _path(read)}
        answer = await self._upstream.send(read, wire)
        return unwrap(read, answer.body)

    async def one(self, tool: str, **arguments: Any) -> dict[str, Any]:
        shape = endpoint(tool).shape
        assert shape is not None, "a read has a shape"
        return record(shape.fields, await self.body(tool, **arguments))

    async def many(self, tool: str, **arguments: Any) -> list[dict[str, Any]]:
        read = endpoint(tool)
        assert read.shape is not None, "a read has a shape"
        items = items_of(read, await self.body(tool, **arguments))
        return [
            record(read.shape.fields, cast("dict[str, Any]", item))
            for item in items
            if isinstance(item, dict)
        ]


def _path(read: Endpoint) -> set[str]:
    return {param.name for param in read.path_params}


def utc_now() -> datetime:
    return datetime.now(UTC)


async def observe(upstream: Upstream, known: Endpoint, wire: Wire, now: Now = utc_now) -> Observation:
    """The live facts behind a call; `NOTHING` for one that touches nothing that exists yet.

    Raises `UpstreamError` when they cannot be read: what cannot be seen is not approved.
    """
    look = _LOOKS.get(known.id)
    return NOTHING if look is None else await look(_Reader(upstream, wire, now))


async def _at_once(one: Callable[[], Awaitable[T]], other: Callable[[], Awaitable[S]]) -> tuple[T, S]:
    """Two reads, in the time of the slower one. Raises the `UpstreamError` of the first that failed."""
    import anyio

    found: dict[int, Any] = {}
    failed: dict[int, UpstreamError] = {}

    async def read(place: int, reading: Callable[[], Awaitable[Any]]) -> None:
        try:
            found[place] = await reading()
        except UpstreamError as error:
            failed[place] = error

    async with anyio.create_task_group() as group:
        group.start_soon(read, 1, other)
        await read(0, one)
    if failed:
        raise failed[min(failed)]
    return found[0], found[1]


def _bound(*facts: Any) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _name(value: Any) -> str:
    """Third-party words inside a question: short, clean, in quotes, so that they cannot word it."""
    # Masked before it is cut: half a credential is one that no pattern finds.
    text = clean(mask_url(clean(str(value or ""), 10 * NAME_CAP)), NAME_CAP).replace('"', "'")
    return f'"{text}"' if text else ""


def _for_how_long(call: Mapping[str, Any], now: Now) -> str:
    if isinstance(duration := call.get("duration"), (int, float)) and duration > 0:
        return f" for {lasted(duration)}"
    try:
        started = datetime.fromisoformat(str(call.get("start_time") or ""))
    except ValueError:
        return ""
    elapsed = (now() - started).total_seconds()
    return f" for {lasted(elapsed)}" if 0 <= elapsed < 7 * 86_400 else ""


def _say_call(call: Mapping[str, Any], now: Now) -> str:
    way = "from" if call.get("direction") == "inbound" else "to"
    # A SIP caller chooses its own address: as long as a real one may be, and no longer.
    other = clean(str(call.get(way) or ""), 120)
    live = call.get("status") == "in-progress"
    return f"the call {way} {other}, {call.get('status')}{_for_how_long(call, now) if live else ''}"


async def _call(reader: _Reader) -> Observation:
    call, (conference, others) = await _at_once(
        lambda: reader.one("get_call"), lambda: _conference_of(reader, str(reader.wire["call_sid"]))
    )
    words = _say_call(call, reader.now)
    if conference is not None:
        words += f", in conference {_name(conference.get('friendly_name'))} with {others} others"
    return Observation(
        f"This is {words}.",
        _bound(
            call.get("sid"),
            call.get("status"),
            call.get("to"),
            call.get("from"),
            conference and conference["sid"],
        ),
    )


async def _conference_of(reader: _Reader, call_sid: str) -> tuple[dict[str, Any] | None, int]:
    """The live conference a call sits in, and how many others do."""
    try:
        live = await reader.many("list_conferences", Status="in-progress", PageSize=MOST_CONFERENCES)
        for conference in live[:MOST_CONFERENCES]:
            members = await reader.many("list_conference_participants", conference_sid=conference["sid"])
            if any(member.get("call_sid") == call_sid for member in members):
                return conference, len(members) - 1
    except UpstreamError:
        # Extra colour only: the call itself has been read, and its own state is bound.
        return None, 0
    return None, 0


async def _recording_of_call(reader: _Reader) -> Observation:
    call, recording = await _at_once(lambda: reader.one("get_call"), lambda: reader.one("get_recording"))
    return Observation(
        f"Recording {recording.get('status')} of {_say_call(call, reader.now)}.",
        _bound(recording.get("sid"), recording.get("status"), call.get("status")),
    )


async def _members(reader: _Reader) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A conference, and who is in it."""
    return await _at_once(
        lambda: reader.one("get_conference"), lambda: reader.many("list_conference_participants")
    )


async def _conference(reader: _Reader) -> Observation:
    conference, members = await _members(reader)
    return Observation(
        f"Conference {_name(conference.get('friendly_name'))} is {conference.get('status')} "
        f"with {len(members)} participants.",
        _bound(
            conference.get("sid"), conference.get("status"), sorted(str(m.get("call_sid")) for m in members)
        ),
    )


async def _joined(reader: _Reader) -> Observation:
    """A participant may be dialed into a conference that exists, or into a name that does not yet."""
    try:
        return await _conference(reader)
    except UpstreamError as error:
        if error.status != 404:
            raise
        return Observation("There is no such conference yet; it is created.", _bound("new"))


async def _participant(reader: _Reader) -> Observation:
    participant, (conference, members) = await _at_once(
        lambda: reader.one("get_conference_participant"),
        lambda: _members(reader),
    )
    sid = str(participant.get("call_sid") or "")
    call = await reader.one("get_call", call_sid=sid)
    ends = ""
    if participant.get("end_conference_on_exit"):
        ends = " The conference ends for everyone when they leave."
    return Observation(
        f"This is {_say_call(call, reader.now)}, in conference {_name(conference.get('friendly_name'))} "
        f"with {max(0, len(members) - 1)} others.{ends}",
        _bound(sid, participant.get("status"), conference.get("sid"), conference.get("status"), bool(ends)),
    )


async def _queue(reader: _Reader) -> Observation:
    queue = await reader.one("get_queue")
    return Observation(
        f"Queue {_name(queue.get('sid'))} has {queue.get('current_size')} callers waiting, "
        f"of at most {queue.get('max_size')}.",
        _bound(queue.get("sid"), queue.get("current_size"), queue.get("max_size")),
    )


async def _recording(reader: _Reader) -> Observation:
    recording = await reader.one("get_recording")
    return Observation(
        f"Recording of {recording.get('start_time')}, "
        f"{lasted(recording.get('duration')) or 'unknown length'}, {recording.get('status')}, "
        f"call {recording.get('call_sid')}.",
        _bound(recording.get("sid"), recording.get("status"), recording.get("duration")),
    )


async def _transcription(reader: _Reader) -> Observation:
    transcription = await reader.one("get_transcription")
    return Observation(
        f"Transcription of {transcription.get('date_created')}, "
        f"{len(str(transcription.get('transcription_text') or ''))} characters, "
        f"recording {transcription.get('recording_sid')}.",
        _bound(transcription.get("sid"), transcription.get("status")),
    )


async def _application(reader: _Reader) -> Observation:
    application = await reader.one("get_application")
    url = clean(mask_url(clean(str(application.get("voice_url") or ""), 2000)), URL_CAP)
    active = "active" if application.get("active") else "inactive"
    return Observation(
        f"Application {_name(application.get('friendly_name'))} now fetches {url} and is {active}.",
        _bound(application),
    )


_LOOKS: dict[str, Callable[[_Reader], Awaitable[Observation]]] = {
    "update_call": _call,
    "start_call_recording": _call,
    "update_call_recording": _recording_of_call,
    "start_call_siprec": _call,
    "update_call_siprec": _call,
    "start_call_stream": _call,
    "update_call_stream": _call,
    "update_conference": _conference,
    "dial_conference_participant": _joined,
    "update_conference_participant": _participant,
    "remove_conference_participant": _participant,
    "update_queue": _queue,
    "delete_queue": _queue,
    "delete_recording": _recording,
    "delete_transcription": _transcription,
    "update_application": _application,
    "delete_application": _application,
}
