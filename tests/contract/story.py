"""One story of all operations, told in the official SDK's own method names.

`METHODS` is where the SDK puts each endpoint; a step names the endpoint, the SDK arguments, and what is
kept of the answer for later steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from texml_mcp.sandbox import World

_ACCOUNT = "texml.accounts"
METHODS = {
    "list_calls": f"{_ACCOUNT}.calls.retrieve_calls",
    "create_call": f"{_ACCOUNT}.calls.calls",
    "get_call": f"{_ACCOUNT}.calls.retrieve",
    "update_call": f"{_ACCOUNT}.calls.update",
    "list_call_recordings": f"{_ACCOUNT}.calls.recordings_json.retrieve_recordings_json",
    "start_call_recording": f"{_ACCOUNT}.calls.recordings_json.recordings_json",
    "update_call_recording": f"{_ACCOUNT}.calls.recordings.recording_sid_json",
    "start_call_siprec": f"{_ACCOUNT}.calls.siprec_json",
    "update_call_siprec": f"{_ACCOUNT}.calls.siprec.siprec_sid_json",
    "start_call_stream": f"{_ACCOUNT}.calls.streams_json",
    "update_call_stream": f"{_ACCOUNT}.calls.streams.streaming_sid_json",
    "list_conferences": f"{_ACCOUNT}.conferences.retrieve_conferences",
    "get_conference": f"{_ACCOUNT}.conferences.retrieve",
    "update_conference": f"{_ACCOUNT}.conferences.update",
    "list_conference_participants": f"{_ACCOUNT}.conferences.participants.retrieve_participants",
    "dial_conference_participant": f"{_ACCOUNT}.conferences.participants.participants",
    "get_conference_participant": f"{_ACCOUNT}.conferences.participants.retrieve",
    "update_conference_participant": f"{_ACCOUNT}.conferences.participants.update",
    "remove_conference_participant": f"{_ACCOUNT}.conferences.participants.delete",
    "list_conference_recordings": f"{_ACCOUNT}.conferences.retrieve_recordings",
    "list_conference_recordings_json": f"{_ACCOUNT}.conferences.retrieve_recordings_json",
    "list_queues": f"{_ACCOUNT}.queues.list",
    "create_queue": f"{_ACCOUNT}.queues.create",
    "get_queue": f"{_ACCOUNT}.queues.retrieve",
    "update_queue": f"{_ACCOUNT}.queues.update",
    "delete_queue": f"{_ACCOUNT}.queues.delete",
    "list_recordings": f"{_ACCOUNT}.retrieve_recordings_json",
    "get_recording": f"{_ACCOUNT}.recordings.json.retrieve_recording_sid_json",
    "delete_recording": f"{_ACCOUNT}.recordings.json.delete_recording_sid_json",
    "list_transcriptions": f"{_ACCOUNT}.retrieve_transcriptions_json",
    "get_transcription": f"{_ACCOUNT}.transcriptions.json.retrieve_recording_transcription_sid_json",
    "delete_transcription": f"{_ACCOUNT}.transcriptions.json.delete_recording_transcription_sid_json",
    "create_secret": "texml.secrets",
    "list_applications": "texml_applications.list",
    "create_application": "texml_applications.create",
    "get_application": "texml_applications.retrieve",
    "update_application": "texml_applications.update",
    "delete_application": "texml_applications.delete",
    "create_connection_call": "texml.calls.create",
    "initiate_ai_call": "texml.initiate_ai_call",
}


@dataclass
class Step:
    """`arguments` may hold callables, which are given the notes; `before` runs on the world first."""

    endpoint: str
    positional: Any = None
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    keep: Callable[[Any], dict[str, Any]] | None = None
    before: Callable[[World], None] | None = None


def _sid_as(name: str, attribute: str = "sid") -> Callable[[Any], dict[str, Any]]:
    return lambda answer: {name: getattr(answer, attribute)}


def _of(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda notes: notes[name]


def steps(account: str, application: str) -> Iterator[Step]:
    a: dict[str, Any] = {"account_sid": account}
    call: dict[str, Any] = {**a, "call_sid": _of("call")}
    room: dict[str, Any] = {**a, "conference_sid": _of("room")}
    yield Step("create_application", None, {"friendly_name": "Story", "voice_url": "https://texml.example.com/s"},
               lambda answer: {"application": answer.data.id})  # fmt: skip
    yield Step("list_applications", None, {"filter": {"friendly_name": "stor"}})
    yield Step("get_application", "application")
    yield Step(
        "update_application",
        "application",
        {"friendly_name": "Story 2", "voice_url": "https://texml.example.com/s2", "tags": ["a"]},
    )
    yield Step("create_secret", None, {"name": "My Secret", "value": "hidden"})
    yield Step(
        "create_call",
        account,
        {
            "body": {
                "To": "+13125550142",
                "From": "+13125550100",
                "ApplicationSid": application,
                "Texml": "<Response><Pause length='300'/></Response>",
            }
        },
    )
    yield Step("list_calls", account, {"page_size": 5, "to": "+13125550142"},
               lambda answer: {"call": answer.calls[0].sid})  # fmt: skip
    yield Step("get_call", "call", a, before=lambda world: world.advance(5))
    yield Step("start_call_recording", "call", {**a, "recording_channels": "dual"}, _sid_as("recording"))
    yield Step("update_call_recording", "recording", {**call, "status": "paused"})
    yield Step("list_call_recordings", "call", a)
    yield Step("start_call_siprec", "call", {**a, "connector_name": "recorder"}, _sid_as("siprec"))
    yield Step("update_call_siprec", "siprec", {**call, "status": "stopped"})
    yield Step("start_call_stream", "call", {**a, "url": "wss://media.example.com/s"}, _sid_as("stream"))
    yield Step("update_call_stream", "stream", {**call, "status": "stopped"})
    yield Step("update_call", "call", {**a, "status": "completed"})
    yield Step("list_recordings", account, {"page": 0, "page_size": 3}, before=lambda world: world.advance(5))
    yield Step("get_recording", "recording", a)
    yield Step("delete_recording", "recording", a)
    yield Step("list_transcriptions", account, {"page_size": 2},
               lambda answer: {"transcription": answer.transcriptions[0].sid})  # fmt: skip
    yield Step("get_transcription", "transcription", a)
    yield Step("delete_transcription", "transcription", a)
    yield Step("list_conferences", account, {"status": "in-progress"},
               lambda answer: {"room": answer.conferences[0].sid})  # fmt: skip
    yield Step("get_conference", "room", a)
    yield Step("list_conference_participants", "room", a)
    yield Step(
        "dial_conference_participant",
        "room",
        {**a, "to": "+13125550147", "from_": "+13125550100", "label": "expert", "timeout_seconds": 20},
        _sid_as("leg", "call_sid"),
    )
    yield Step("get_conference_participant", "leg", room, before=lambda world: world.advance(5))
    yield Step("update_conference_participant", "leg", {**room, "muted": True})
    yield Step("remove_conference_participant", "leg", room)
    yield Step("list_conference_recordings", "room", a)
    yield Step("list_conference_recordings_json", "room", a)
    yield Step("update_conference", "room", {**a, "status": "completed"})
    yield Step("create_queue", account, {"friendly_name": "story", "max_size": 3}, _sid_as("queue"))
    yield Step("list_queues", account, {"date_created": ">=2023-05-22"})
    yield Step("get_queue", "queue", a)
    yield Step("update_queue", "queue", {**a, "max_size": 7})
    yield Step("delete_queue", "queue", a)
    yield Step("delete_application", "application")
    yield from _by_connection(application)


def _by_connection(application: str) -> Iterator[Step]:
    dial = {"to": "+13125550142", "from_": "+13125550100"}
    yield Step("create_connection_call", application, {**dial, "url": "https://texml.example.com/s"})
    assistant = {"ai_assistant_id": "assistant-1", "ai_assistant_dynamic_variables": {"name": "Ana"}}
    more = {"custom_headers": [{"name": "X-A", "value": "1"}], "status_callbacks": ["https://example.com/a"]}
    yield Step("initiate_ai_call", application, {**dial, **assistant, **more, "time_limit": 60})


def settled(step: Step, notes: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The step's positional and keyword arguments, with what earlier answers said filled in."""
    positional = [] if step.positional is None else [notes.get(step.positional, step.positional)]
    return positional, {
        name: value(notes) if callable(value) else value for name, value in step.arguments.items()
    }


def method(client: Any, endpoint: str) -> Callable[..., Any]:
    for part in METHODS[endpoint].split("."):
        client = getattr(client, part)
    return client
