"""Every documented field of every answer comes with a value in some story, or stands here with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.sandbox.conftest import APPLICATION, DESK, Ask, asker, place
from texml_mcp.catalog import ENDPOINTS, Endpoint, Field, PageStyle
from texml_mcp.sandbox import World

NO_PRICE = "a recording costs nothing here"
NO_ERROR = "no recording and no session fails here"
UNANSWERED = {
    "list_call_recordings error_code": NO_ERROR,
    "start_call_recording error_code": NO_ERROR,
    "update_call_recording error_code": NO_ERROR,
    "start_call_siprec error_code": NO_ERROR,
    "update_call_siprec error_code": NO_ERROR,
    "list_conference_recordings error_code": NO_ERROR,
    "list_conference_recordings_json error_code": NO_ERROR,
    "list_recordings error_code": NO_ERROR,
    "get_recording error_code": NO_ERROR,
    "start_call_recording price": NO_PRICE,
    "start_call_recording price_unit": NO_PRICE,
    "update_call_recording price": NO_PRICE,
    "update_call_recording price_unit": NO_PRICE,
    "start_call_recording conference_sid": "a recording that a call starts is of the call",
    "start_call_recording duration": "nothing has been recorded at the start",
    "update_conference call_sid_ending_conference": "one that a leg has ended takes no commands any more",
    "list_conference_recordings participants": "a list of what is documented nowhere: it is there, and empty",
}


def _paths(fields: Iterable[Field], before: str = "") -> set[str]:
    found: set[str] = set()
    for field in fields:
        path = before + field.name
        found |= _paths(field.fields, path + ".") if field.fields else {path}
    return found


def documented(endpoint: Endpoint) -> set[str]:
    found = _paths(endpoint.shape.fields) if endpoint.shape else set[str]()
    return found | (_paths(endpoint.page.fields) if endpoint.page else set())


def answered(value: Any, before: str = "") -> set[str]:
    """The paths in an answer that hold something."""
    if isinstance(value, dict):
        found: set[str] = set()
        for name, inner in value.items():
            found |= answered(inner, f"{before}{name}.")
        return found | ({before[:-1]} if before and value else set())
    return {before[:-1]} if value not in (None, "", []) else set()


def seen(endpoint: Endpoint, answer: Any) -> set[str]:
    if answer is None:
        return set()
    if endpoint.page is not None:
        around = answer["meta"] if endpoint.page.style is PageStyle.NUMBERED else answer
        items = answer[endpoint.page.items_key]
        return set().union(answered(around), *(answered(each) for each in items))
    return answered(answer[endpoint.envelope] if endpoint.envelope else answer)


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    """Which fields each endpoint has answered with in a story that leaves nothing out."""
    from texml_mcp.sandbox.default_world import default_world

    world: World = default_world()
    world.tick_seconds = 0
    fields: dict[str, set[str]] = {each.id: set() for each in ENDPOINTS}
    asked = asker(world)
    by_id = {each.id: each for each in ENDPOINTS}

    def ask(endpoint_id: str, query: dict[str, str] | None = None, **arguments: Any) -> tuple[int, Any]:
        if "application" in endpoint_id or "secret" in endpoint_id:
            # Their parameters are in lower case, and their paths without an account.
            path = {"id": arguments.pop("id")} if "id" in arguments else {}
            status, answer = world.request(endpoint_id, path, query, arguments)
        else:
            status, answer = asked(endpoint_id, query, **arguments)
        assert status < 300, (endpoint_id, answer)
        fields[endpoint_id] |= seen(by_id[endpoint_id], answer)
        return status, answer

    _story(world, ask)
    return fields


def _story(world: World, ask: Ask) -> None:
    sid = place(ask, "<Pause length='3000'/>", MachineDetection="Enable", CallerId="Desk")
    world.advance(10)
    recording = ask("start_call_recording", call_sid=sid)[1]["sid"]
    siprec = ask("start_call_siprec", call_sid=sid, ConnectorName="c", Name="s")[1]["sid"]
    stream = ask("start_call_stream", call_sid=sid, Url="wss://m.example.com/", Name="n")[1]["sid"]
    ask("update_call_siprec", call_sid=sid, siprec_sid=siprec, Status="stopped")
    ask("update_call_stream", call_sid=sid, streaming_sid=stream, Status="stopped")
    world.advance(10)
    ask("update_call_recording", call_sid=sid, recording_sid=recording, Status="stopped")
    world.advance(10)
    ask("start_call_recording", call_sid=sid)
    ask("list_call_recordings", {"PageSize": "1"}, call_sid=sid)
    ask("list_call_recordings", {"PageSize": "1", "Page": "1"}, call_sid=sid)
    ask("get_recording", recording_sid=recording)
    ask("update_call", call_sid=sid, Status="completed")
    ask("get_call", call_sid=sid)
    ask("list_calls", {"PageSize": "1"})
    invite = {"To": "+13125550151", "From": DESK, "ApplicationSid": APPLICATION, "ConferenceRecord": "true"}
    agent = ask("dial_conference_participant", conference_sid="ward", Label="agent", **invite)[1]
    world.advance(5)
    room = {"conference_sid": agent["conference_sid"]}
    coach = {"To": "+13125550152", "From": DESK, "Coaching": True, "CallSidToCoach": agent["call_sid"]}
    coached = ask("dial_conference_participant", **room, **coach)[1]
    world.advance(5)
    ask("list_conference_participants", {"PageSize": "1"}, **room)
    ask("list_conference_participants", **room)
    for to in ("+13125550153", "+13125550154"):
        ask("dial_conference_participant", **room, To=to, From=DESK, ConferenceRecord="true")
    (first, *_) = ask("list_conference_recordings_json", **room)[1]["recordings"]
    path = {"call_sid": first["call_sid"], "recording_sid": first["sid"]}
    ask("update_call_recording", **path, Status="stopped")
    ask("list_call_recordings", call_sid=first["call_sid"])
    ask("get_recording", recording_sid=first["sid"])
    member = {**room, "call_sid_or_participant_label": coached["call_sid"]}
    ask("get_conference_participant", **member)
    ask("update_conference_participant", **member, Muted=True)
    ask("update_conference", **room, AnnounceUrl="https://m.example.com/a.mp3")
    for page in ("0", "1"):
        ask("list_conference_recordings", {"PageSize": "1", "Page": page}, **room)
        ask("list_conference_recordings_json", {"PageSize": "1", "Page": page}, **room)
    ask("remove_conference_participant", **member)
    ask("update_call", call_sid=agent["call_sid"], Status="completed")
    ask("update_conference", **room, Status="completed")
    invite["EndConferenceOnExit"] = "true"
    host = ask("dial_conference_participant", conference_sid="hosted", **invite)[1]
    world.advance(5)
    ask("update_call", call_sid=host["call_sid"], Status="completed")
    ask("get_conference", conference_sid=host["conference_sid"])
    ask("list_conferences")
    for name in ("list_conferences", "list_queues"):
        ask(name, {"PageSize": "1"})
    for name in ("list_recordings", "list_transcriptions"):
        ask(name, {"PageSize": "1", "Page": "1"})
        ask(name)
    ask("create_queue", FriendlyName="q", MaxSize=4)
    ask("update_queue", queue_sid="q", MaxSize=5)
    ask("get_queue", queue_sid="q")
    ask("delete_queue", queue_sid="q")
    transcription = ask("list_transcriptions")[1]["transcriptions"][-1]["sid"]
    ask("get_transcription", recording_transcription_sid=transcription)
    ask("delete_transcription", recording_transcription_sid=transcription)
    ask("delete_recording", recording_sid=recording)
    ask("create_secret", name="a", value="b")
    _applications(world, ask)


def _applications(world: World, ask: Ask) -> None:
    settings: dict[str, Any] = {
        "friendly_name": "Whole",
        "voice_url": "https://texml.example.com/a",
        "voice_fallback_url": "https://texml.example.com/b",
        "status_callback": "https://hooks.example.com/c",
        "first_command_timeout": True,
        "first_command_timeout_secs": 20,
        "tags": ["a"],
        "call_cost_in_webhooks": True,
        "inbound": {"channel_limit": 5, "sip_subdomain": "whole", "shaken_stir_enabled": True},
        "outbound": {"channel_limit": 5, "outbound_voice_profile_id": "1293384261075731461"},
    }
    made = ask("create_application", **settings)[1]["data"]["id"]
    ask("list_applications")
    ask("get_application", id=made)
    ask("update_application", id=made, **settings)
    body = {
        "To": "+13125550155",
        "From": DESK,
        "ApplicationSid": made,
        "Texml": "<Response><Pause/></Response>",
    }
    priced = ask("create_call", **body)[1]["sid"]
    world.advance(3.5)
    ask("update_call", call_sid=priced, Status="completed")
    ask("get_call", call_sid=priced)
    ask("list_calls")
    for name in ("create_connection_call", "initiate_ai_call"):
        ask(name, connection_id=made, To="+13125550156", From=DESK, AIAssistantId="assistant-1")
    ask("delete_application", id=made)


@pytest.mark.parametrize("each", ENDPOINTS, ids=lambda each: each.id)
def test_every_documented_field_is_answered_or_excused(each: Endpoint, found: dict[str, set[str]]) -> None:
    absent = {f"{each.id} {field}" for field in documented(each) - found[each.id]}
    excused = {name for name in UNANSWERED if name.split()[0] == each.id}
    assert absent == excused


def test_nothing_undocumented_is_answered(found: dict[str, set[str]]) -> None:
    for each in ENDPOINTS:
        known = documented(each)
        more = {path for path in found[each.id] if path not in known and not _inside(path, known)}
        assert more <= {each.page.items_key if each.page else ""}, each.id


def _inside(path: str, known: set[str]) -> bool:
    """A part of a documented object, or an object whose parts are documented."""
    return any(path.startswith(each + ".") or each.startswith(path + ".") for each in known)
