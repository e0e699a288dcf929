"""State as the API shows it: the documented fields in the documented forms."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from texml_mcp.sandbox.clock import iso, iso_millis, rfc2822
from texml_mcp.sandbox.media import media_url
from texml_mcp.sandbox.queues import average_wait
from texml_mcp.sandbox.world import Record, World

CENTS_A_MINUTE = 1


def _uri(world: World, path: str) -> str:
    return f"/v2/texml/Accounts/{world.account_sid}/{path}"


def national(number: str) -> str:
    """`(312) 555-0100` for a North American number, the number itself otherwise."""
    if number.startswith("+1") and len(number) == 12 and number[1:].isdigit():
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def call(world: World, record: Record) -> dict[str, Any]:
    answered, ended = record["answered"], record["ended"]
    last = world.clock.now if ended is None else ended
    shown: dict[str, Any] = {
        "account_sid": world.account_sid,
        "caller_name": record["caller_name"],
        "date_created": rfc2822(record["created"]),
        "date_updated": rfc2822(record["updated"]),
        "direction": record["direction"],
        "duration": str(int(last - answered)) if answered is not None else "0",
        "end_time": rfc2822(ended),
        "from": record["from"],
        "from_formatted": national(record["from"]),
        **_price(world, record),
        "sid": record["sid"],
        "start_time": rfc2822(record["started"]),
        "status": record["status"],
        "to": record["to"],
        "to_formatted": national(record["to"]),
        "uri": _uri(world, f"Calls/{record['sid']}.json"),
    }
    if record["answered_by"]:
        shown["answered_by"] = record["answered_by"]
    return {name: value for name, value in shown.items() if value is not None}


def _price(world: World, record: Record) -> dict[str, str]:
    """What a call that is over cost, where its application has call cost switched on: by the begun minute."""
    application = world.table("applications").get(record["application"] or "")
    answered, ended = record["answered"], record["ended"]
    if application is None or not application["settings"].get("call_cost_in_webhooks"):
        return {}
    if answered is None or ended is None:
        return {}
    minutes = max(1, math.ceil((ended - answered) / 60))
    return {"price": f"{minutes * CENTS_A_MINUTE / 100:.2f}", "price_unit": "USD"}


def _recorded(world: World, record: Record) -> dict[str, Any]:
    """What the account's and a call's own view of a recording have in common."""
    return {
        "account_sid": world.account_sid,
        "call_sid": record["call"],
        "channels": record["channels"],
        "conference_sid": record["conference"],
        "date_created": iso(record["created"]),
        "date_updated": iso(record["updated"]),
        "duration": None if record["duration"] is None else str(record["duration"]),
        "error_code": None,
        "sid": record["sid"],
        "source": record["source"],
        "start_time": iso(record["started"]),
    }


def recording(world: World, record: Record) -> dict[str, Any]:
    sid = record["sid"]
    return {
        **_recorded(world, record),
        "media_url": media_url(sid),
        "status": record["status"],
        "subresources_uris": {"transcriptions": _uri(world, f"Recordings/{sid}/Transcriptions.json")},
        "uri": _uri(world, f"Recordings/{sid}.json"),
    }


def recording_change(world: World, record: Record) -> dict[str, Any]:
    return {
        **_recorded(world, record),
        "price": None,
        "price_unit": None,
        "track": record["track"],
        "uri": _uri(world, f"Calls/{record['call']}/Recordings/{record['sid']}.json"),
    }


_CONFERENCE_STATES = {"in-progress": "processing", "paused": "processing", "stopped": "processing"}


def conference_recording(world: World, record: Record) -> dict[str, Any]:
    sid = record["sid"]
    return _present(
        {
            "account_sid": world.account_sid,
            "call_sid": record["call"],
            "channels": record["channels"],
            "conference_sid": record["conference"],
            "date_created": rfc2822(record["created"]),
            "date_updated": rfc2822(record["updated"]),
            "duration": record["duration"] or 0,
            "error_code": None,
            "media_url": media_url(sid),
            "sid": sid,
            "source": record["source"],
            "start_time": rfc2822(record["started"]),
            "status": _CONFERENCE_STATES.get(record["status"], "completed"),
            "subresource_uris": {"transcriptions": None},
            "uri": _uri(world, f"Recordings/{sid}.json"),
        }
    )


def siprec(world: World, record: Record) -> dict[str, Any]:
    return {
        "account_sid": world.account_sid,
        "call_sid": record["call"],
        "date_created": rfc2822(record["created"]),
        "date_updated": rfc2822(record["updated"]),
        "error_code": "",
        "sid": record["sid"],
        "start_time": rfc2822(record["created"]),
        "status": record["status"],
        "track": record["track"],
        "uri": _uri(world, f"Calls/{record['call']}/Siprec/{record['sid']}"),
    }


def siprec_change(world: World, record: Record) -> dict[str, Any]:
    kept = ("account_sid", "call_sid", "date_updated", "error_code", "sid", "status", "uri")
    return {name: value for name, value in siprec(world, record).items() if name in kept}


def stream(world: World, record: Record) -> dict[str, Any]:
    return {**stream_change(world, record), "name": record["name"]}


def stream_change(world: World, record: Record) -> dict[str, Any]:
    return {
        "account_sid": world.account_sid,
        "call_sid": record["call"],
        "date_updated": iso(record["updated"]),
        "sid": record["sid"],
        "status": record["status"],
        "uri": _uri(world, f"Calls/{record['call']}/Streams/{record['sid']}.json"),
    }


def conference(world: World, record: Record) -> dict[str, Any]:
    path = f"Conferences/{record['sid']}"
    shown: dict[str, Any] = {
        "account_sid": world.account_sid,
        "api_version": "v2/texml",
        "call_sid_ending_conference": record["ended_by"],
        "date_created": rfc2822(record["created"]),
        "date_updated": rfc2822(record["updated"]),
        "friendly_name": record["friendly_name"],
        "reason_conference_ended": record["reason"],
        "region": "dc2",
        "sid": record["sid"],
        "status": record["status"],
        "subresource_uris": {
            "participants": _uri(world, f"{path}/Participants.json"),
            "recordings": _uri(world, f"{path}/Recordings.json"),
        },
        "uri": _uri(world, f"{path}.json"),
    }
    return {name: value for name, value in shown.items() if value is not None}


def participant(world: World, conference_sid: str, record: Record) -> dict[str, Any]:
    return _present(
        {
            **dialed_participant(world, conference_sid, record),
            "api_version": "v2/texml",
            "call_sid_legacy": record["call"],
            "coaching_call_sid_legacy": record["coached"],
            "date_created": rfc2822(record["created"]),
            "date_updated": rfc2822(record["updated"]),
        }
    )


def dialed_participant(world: World, conference_sid: str, record: Record) -> dict[str, Any]:
    return _present(
        {
            "account_sid": world.account_sid,
            "call_sid": record["call"],
            "coaching": record["coaching"],
            "coaching_call_sid": record["coached"],
            "conference_sid": conference_sid,
            "end_conference_on_exit": record["ends"],
            "hold": record["hold"],
            "muted": record["muted"],
            "status": record["status"],
            "uri": _uri(world, f"Conferences/{conference_sid}/Participants/{record['call']}.json"),
        }
    )


def queue(world: World, record: Record) -> dict[str, Any]:
    # A queue is named by a person: a slash or a space in its name must not change the path.
    path = f"/Accounts/{world.account_sid}/Queues/{quote(record['sid'], safe='')}"
    return {
        "account_sid": world.account_sid,
        "average_wait_time": average_wait(record, world.clock.now),
        "current_size": len(record["waiting"]),
        "date_created": rfc2822(record["created"]),
        "date_updated": rfc2822(record["updated"]),
        "max_size": record["max_size"],
        "sid": record["sid"],
        "subresource_uris": {"members": f"{path}/Members.json"},
        "uri": f"{path}.json",
    }


def transcription(world: World, record: Record) -> dict[str, Any]:
    return {
        "account_sid": world.account_sid,
        "api_version": "2010-04-01",
        "call_sid": record["call"],
        "date_created": iso(record["created"]),
        "date_updated": iso(record["updated"]),
        "duration": str(record["duration"]),
        "recording_sid": record["recording"],
        "sid": record["sid"],
        "status": record["status"],
        "transcription_text": record["text"] if record["status"] == "completed" else "",
        "uri": _uri(world, f"Transcriptions/{record['sid']}.json"),
    }


def application(world: World, record: Record) -> dict[str, Any]:
    return _present(
        {
            **record["settings"],
            "inbound": _present(record["settings"]["inbound"]),
            "outbound": _present(record["settings"]["outbound"]),
            "id": record["sid"],
            "record_type": "texml_application",
            "created_at": iso_millis(record["created"]),
            "updated_at": iso_millis(record["updated"]),
        }
    )


def _present(shown: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that have no value: the documented shapes do not let them be null or empty."""
    return {name: value for name, value in shown.items() if value not in (None, "")}
