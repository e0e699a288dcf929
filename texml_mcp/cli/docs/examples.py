"""One example call for each tool, on the sandbox's default world: its own, or one made of what it needs.

In texts, `$name` stands for something of that world (`rehearsal.things`), `$made` for what the call before
made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from texml_mcp.catalog import endpoint
from texml_mcp.catalog.common import ACCOUNT_SID
from texml_mcp.tools.offer import ALL_TOOLS

DESK = "+13125550100"
CUSTOMER = "+13125550142"
REMINDERS = "1293384261075731499"
GREETING = '<Response><Say>Your appointment is confirmed.</Say><Pause length="60"/></Response>'
MENU = (
    "<Response>\n"
    '  <Gather numDigits="1" action="https://texml.example.com/menu">\n'
    "    <Say>Press one for the desk.</Say>\n"
    "  </Gather>\n"
    f'  <Dial timeOut="20">{CUSTOMER}</Dial>\n'
    "</Response>"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A call to show, after `before`, which is carried out and not shown."""

    call: Call
    before: tuple[Call, ...] = ()


def _of(tool: str, before: tuple[Call, ...] = (), **arguments: Any) -> Example:
    return Example(Call(tool, arguments), before)


_SIPREC = Call("start_call_siprec", {"call_sid": "$talking", "ConnectorName": "archive"})
_STREAM = Call("start_call_stream", {"call_sid": "$talking", "Url": "wss://media.example.com/in"})
_RECORDING = Call("start_call_recording", {"call_sid": "$talking"})
_QUEUE = Call("create_queue", {"FriendlyName": "after-hours", "MaxSize": 20})

# What a needed argument is shown with, by its name; a name of many tools stands for many examples.
USUAL: Mapping[str, str] = {
    "To": CUSTOMER,
    "From": DESK,
    "ApplicationSid": REMINDERS,
    "connection_id": REMINDERS,
    "id": REMINDERS,
    "AIAssistantId": "assistant-front-desk",
    "call_sid": "$talking",
    "conference_sid": "$conference",
    "call_sid_or_participant_label": "customer",
    "queue_sid": "support",
    "recording_sid": "$recording",
    "recording_transcription_sid": "$transcription",
}

# Tools whose needed arguments alone would show too little.
_OWN: tuple[Example, ...] = (
    _of("list_calls", Status="completed", limit=2),
    _of("create_call", To=CUSTOMER, From=DESK, ApplicationSid=REMINDERS, Texml=GREETING),
    _of("update_call", call_sid="$talking", Status="completed"),
    _of("list_call_recordings", call_sid="$recorded"),
    _of("start_call_recording", call_sid="$talking", RecordingChannels="dual"),
    _of("update_call_recording", (_RECORDING,), call_sid="$talking", recording_sid="$made", Status="paused"),
    _of("start_call_siprec", call_sid="$talking", ConnectorName="archive", Track="both_tracks"),
    _of("update_call_siprec", (_SIPREC,), call_sid="$talking", siprec_sid="$made", Status="stopped"),
    _of("start_call_stream", call_sid="$talking", Url="wss://media.example.com/in", Track="inbound_track"),
    _of("update_call_stream", (_STREAM,), call_sid="$talking", streaming_sid="$made", Status="stopped"),
    _of("list_conferences", Status="in-progress"),
    _of("update_conference", conference_sid="$conference", Status="completed"),
    _of(
        "dial_conference_participant",
        conference_sid="$conference",
        To=CUSTOMER,
        From=DESK,
        ApplicationSid=REMINDERS,
        Label="doctor",
    ),
    _of(
        "update_conference_participant",
        conference_sid="$conference",
        call_sid_or_participant_label="customer",
        Muted=True,
    ),
    _of("create_queue", FriendlyName="after-hours", MaxSize=20),
    _of("update_queue", queue_sid="support", MaxSize=5),
    _of("delete_queue", (_QUEUE,), queue_sid="after-hours"),
    _of("list_recordings", limit=2),
    _of("list_transcriptions", limit=2),
    _of("create_secret", name="crm_password", value="an example, not a secret"),
    _of("create_application", friendly_name="Billing line", voice_url="https://texml.example.com/billing"),
    _of(
        "update_application",
        id=REMINDERS,
        friendly_name="Clinic reminders",
        voice_url="https://texml.example.com/reminders-2",
    ),
    _of("validate_texml", Texml=MENU),
)
_BY_TOOL = {each.call.tool: each for each in _OWN}


def examples() -> tuple[Example, ...]:
    """One for each tool there is, in the documented order. Raises `LookupError` as `example` does."""
    return tuple(example(tool) for tool in ALL_TOOLS)


def example(tool: str) -> Example:
    """The example of a tool: its own, or a call with the arguments that it needs.

    Raises `LookupError` for a needed argument that nothing is known to be shown with; it says what to do.
    """
    if tool in _BY_TOOL:
        return _BY_TOOL[tool]
    needed = [
        param.key for _, param in endpoint(tool).params() if param.required and param is not ACCOUNT_SID
    ]
    if unknown := [name for name in needed if name not in USUAL]:
        raise LookupError(
            f"{tool} has no example: give {', '.join(unknown)} a value in USUAL of "
            "texml_mcp/cli/docs/examples.py, or the tool a call of its own there"
        )
    return Example(Call(tool, {name: USUAL[name] for name in needed}))
