"""What each write can do, for its mildest and its worst arguments, and whether it is asked about.

A `~` marks a risk that the API itself can take back. The table is the contract: a declaration that
changes what a call is taken for has to change it here too.
"""

from __future__ import annotations

from typing import Any

import pytest

from texml_mcp.catalog import ENDPOINTS, endpoint
from texml_mcp.gate.policy import carried_risks, default_action
from texml_mcp.tools.arguments import parse

ACCOUNT = "00000000-0000-0000-0000-000000000000"
URL = "https://example.com/x"
DIAL = {"To": "+15555550100", "From": "+15555550101"}
APPLICATION = {"friendly_name": "Desk", "voice_url": URL}
AI = {**DIAL, "AIAssistantId": "assistant-1"}

# tool, arguments, what they can do, default action
MILD: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_call", {**DIAL, "ApplicationSid": "1"}, "interrupts spends", "confirm"),
    ("update_call", {"StatusCallback": URL}, "exposes", "confirm"),
    ("start_call_recording", {"PlayBeep": False}, "listens_in spends", "confirm"),
    ("update_call_recording", {"Status": "in-progress"}, "listens_in~", "confirm"),
    ("start_call_siprec", {}, "exposes listens_in spends", "confirm"),
    ("update_call_siprec", {"Status": "stopped"}, "destroys", "confirm"),
    ("start_call_stream", {"Url": "wss://example.com/x"}, "exposes listens_in spends", "confirm"),
    ("update_call_stream", {}, "interrupts", "confirm"),
    ("update_conference", {"AnnounceUrl": URL}, "interrupts", "confirm"),
    ("dial_conference_participant", DIAL, "interrupts spends", "confirm"),
    ("update_conference_participant", {"Muted": True}, "config~", "allow"),
    ("remove_conference_participant", {}, "interrupts", "confirm"),
    ("create_queue", {"FriendlyName": "q"}, "config~", "allow"),
    ("update_queue", {"MaxSize": 100}, "config", "confirm"),
    ("delete_queue", {}, "destroys interrupts", "confirm"),
    ("delete_recording", {}, "destroys", "confirm"),
    ("delete_transcription", {}, "destroys", "confirm"),
    ("create_secret", {"name": "n", "value": "v"}, "destroys exposes", "confirm"),
    ("create_application", APPLICATION, "config", "confirm"),
    ("update_application", APPLICATION, "config", "confirm"),
    ("delete_application", {}, "config destroys interrupts", "confirm"),
    ("create_connection_call", DIAL, "interrupts spends", "confirm"),
    ("initiate_ai_call", AI, "interrupts listens_in spends", "confirm"),
]

WORST: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "create_call",
        {
            **DIAL,
            "ApplicationSid": "1",
            "Record": True,
            "SuperviseCallSid": "c",
            "SupervisingRole": "barge",
            "SipAuthUsername": "u",
            "SipAuthPassword": "p",
        },
        "exposes interrupts listens_in spends",
        "confirm",
    ),
    (
        "update_call",
        {"Texml": "<Response><Hangup/></Response>", "StatusCallback": URL},
        "exposes interrupts spends",
        "confirm",
    ),
    ("start_call_recording", {"PlayBeep": True}, "interrupts listens_in spends", "confirm"),
    ("update_call_recording", {"Status": "stopped"}, "destroys", "confirm"),
    ("start_call_siprec", {"Track": "both_tracks"}, "exposes listens_in spends", "confirm"),
    ("update_call_siprec", {"Status": "stopped"}, "destroys", "confirm"),
    (
        "start_call_stream",
        {"Url": "wss://example.com/x", "BidirectionalMode": "rtp"},
        "exposes interrupts listens_in spends",
        "confirm",
    ),
    ("update_call_stream", {"Status": "stopped"}, "interrupts", "confirm"),
    ("update_conference", {"Status": "completed"}, "interrupts", "confirm"),
    (
        "dial_conference_participant",
        {
            **DIAL,
            "Record": True,
            "ConferenceRecord": "record-from-start",
            "Coaching": True,
            "CallSidToCoach": "c",
            "EndConferenceOnExit": True,
            "SipAuthUsername": "u",
            "SipAuthPassword": "p",
        },
        "exposes interrupts listens_in spends",
        "confirm",
    ),
    (
        "update_conference_participant",
        {"Coaching": True, "CallSidToCoach": "c", "AnnounceUrl": URL, "EndConferenceOnExit": True},
        "interrupts interrupts~ listens_in",
        "confirm",
    ),
    ("remove_conference_participant", {}, "interrupts", "confirm"),
    ("create_queue", {"FriendlyName": "q", "MaxSize": 1000}, "config~", "allow"),
    ("update_queue", {"MaxSize": 1}, "config", "confirm"),
    ("delete_queue", {}, "destroys interrupts", "confirm"),
    ("delete_recording", {}, "destroys", "confirm"),
    ("delete_transcription", {}, "destroys", "confirm"),
    ("create_secret", {"name": "n", "value": "v"}, "destroys exposes", "confirm"),
    (
        "create_application",
        {**APPLICATION, "inbound": {"sip_subdomain": "open"}},
        "config exposes",
        "confirm",
    ),
    (
        "update_application",
        {**APPLICATION, "active": False, "inbound": {"sip_subdomain": "open"}},
        "config exposes interrupts",
        "confirm",
    ),
    ("delete_application", {}, "config destroys interrupts", "confirm"),
    ("create_connection_call", {**DIAL, "Url": URL}, "interrupts spends", "confirm"),
    (
        "initiate_ai_call",
        {
            **AI,
            "Record": True,
            "ConversationCallbacks": [URL],
            "SipAuthUsername": "u",
            "SipAuthPassword": "p",
        },
        "exposes interrupts listens_in spends",
        "confirm",
    ),
]

# Between the two: what one argument makes of a call that several can change.
BETWEEN: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "create_call",
        {**DIAL, "ApplicationSid": "1", "SuperviseCallSid": "c"},
        "interrupts listens_in spends",
        "confirm",
    ),
    (
        "create_call",
        {**DIAL, "ApplicationSid": "1", "SuperviseCallSid": "c", "SupervisingRole": "monitor"},
        "interrupts listens_in spends",
        "confirm",
    ),
    ("update_call", {"Status": "completed"}, "interrupts", "confirm"),
    ("update_call", {"Texml": "<Response><Hangup/></Response>"}, "interrupts spends", "confirm"),
    ("update_call_recording", {"Status": "paused"}, "destroys~", "confirm"),
    ("update_conference_participant", {"Hold": True}, "config~", "allow"),
    ("update_conference_participant", {"Hold": True, "AnnounceUrl": URL}, "config~ interrupts", "confirm"),
    ("update_conference_participant", {"EndConferenceOnExit": False}, "config~", "allow"),
    ("update_conference_participant", {"EndConferenceOnExit": True}, "interrupts~", "confirm"),
    ("update_conference_participant", {"Coaching": False}, "listens_in", "confirm"),
]

EVERY = [*MILD, *WORST, *BETWEEN]
WRITES = [each.id for each in ENDPOINTS if not each.reads]


def wire_of(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the pipeline has them, with ids for what is addressed."""
    known = endpoint(tool)
    ids = {param.key: "x1" for param in known.path_params if param.key != "account_sid"}
    return parse(known, {**ids, **arguments}, ACCOUNT).wire


@pytest.mark.parametrize(("tool", "arguments", "risks", "action"), EVERY)
def test_the_risks_of_a_call(tool: str, arguments: dict[str, Any], risks: str, action: str) -> None:
    known, wire = endpoint(tool), wire_of(tool, arguments)
    found = {risk.kind.value + "~" * risk.reversible for risk in known.risks_of(wire)}
    assert " ".join(sorted(found)) == risks
    assert default_action(known, wire) == action


@pytest.mark.parametrize("table", [MILD, WORST], ids=["mild", "worst"])
def test_every_write_is_in_the_table(table: list[tuple[str, dict[str, Any], str, str]]) -> None:
    assert [tool for tool, *_ in table] == WRITES


@pytest.mark.parametrize("tool", [each.id for each in ENDPOINTS if each.reads])
def test_a_read_carries_no_risk_and_runs(tool: str) -> None:
    assert carried_risks(endpoint(tool), {}) == {"reads"}
    assert default_action(endpoint(tool), {}) == "allow"


def test_a_write_that_nothing_is_known_about_is_asked_about() -> None:
    assert carried_risks(endpoint("update_call"), {}) == frozenset()
    assert default_action(endpoint("update_call"), {}) == "confirm"
