"""Calls: list, place, read, and change while they last."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    CALL_SID,
    F_ACCOUNT,
    F_CREATED,
    F_SID,
    F_UPDATED,
    F_URI,
    PAGE_FIELDS,
    PAGING,
    callback_with_verb,
    choice,
    flag,
    number,
    url,
    verb,
)
from texml_mcp.catalog.conditions import Both, Given, Is, Not
from texml_mcp.catalog.dialing import (
    AMD_BEEP,
    AMD_PLAYBACK,
    AMD_THRESHOLDS,
    CALLER_ID,
    CUSTOM_HEADERS,
    FROM,
    LEG_RECORDING,
    PREFERRED_CODECS,
    SIP_AUTH,
    STATUS_CALLBACK_EVENT,
    TIME_LIMIT,
    TIMEOUT,
    TO,
    leg_rules,
)
from texml_mcp.catalog.model import (
    Effect,
    Endpoint,
    Field,
    Kind,
    Page,
    PageStyle,
    Param,
    Risk,
    RiskClass,
    Shape,
)
from texml_mcp.catalog.rules import AtLeastOne, AtMostOne, NoEffect

FINAL_STATUSES = ("canceled", "completed", "failed", "busy", "no-answer")
LIVE_STATUSES = ("ringing", "in-progress")

CALL = Shape(
    "call",
    (
        F_SID,
        Field("status", enum=(*LIVE_STATUSES, *FINAL_STATUSES)),
        Field("from", kind=Kind.NUMBER),
        Field("to", kind=Kind.NUMBER),
        Field("direction", enum=("inbound", "outbound")),
        Field("start_time", kind=Kind.TIME),
        Field("end_time", kind=Kind.TIME),
        Field("duration", kind=Kind.SECONDS),
        Field("answered_by", enum=("human", "machine", "not_sure")),
        Field("caller_name", kind=Kind.UNTRUSTED),
        Field("price", kind=Kind.MONEY),
        Field("price_unit"),
        Field("from_formatted"),
        Field("to_formatted"),
        F_ACCOUNT,
        F_CREATED,
        F_UPDATED,
        F_URI,
    ),
)

CREATED_CALL = Shape(
    "created_call",
    (
        Field("sid", kind=Kind.SID, documented=False),
        Field("status"),
        Field("from", kind=Kind.NUMBER),
        Field("to", kind=Kind.NUMBER),
    ),
)


def _day(name: str, doc: str = "", *aliases: str) -> Param:
    return Param(name, doc=doc, kind=Kind.DATE, aliases=aliases)


LIST_CALLS = Endpoint(
    "list_calls",
    "List calls",
    "GET",
    "/texml/Accounts/{account_sid}/Calls",
    "calls",
    "List calls, newest first; a new one may lag seconds.",
    effect=Effect.READ,
    shape=CALL,
    page=Page(PageStyle.PAGE_TOKEN, "calls", PAGE_FIELDS),
    path_params=(ACCOUNT_SID,),
    query=(
        number("To", ""),
        number("From", ""),
        choice("Status", *FINAL_STATUSES, doc=""),
        _day("StartTime", "YYYY-MM-DD"),
        _day("StartTime>", "", "StartTime_gt"),
        _day("StartTime<", "", "StartTime_lt"),
        _day("EndTime"),
        _day("EndTime>", "", "EndTime_gt"),
        _day("EndTime<", "", "EndTime_lt"),
        *PAGING,
    ),
    lagging=True,
    idempotent=True,
    errors=(404,),
)

_RECORDS = Is("Record", True)
_SUPERVISES = Given("SuperviseCallSid")

CREATE_CALL = Endpoint(
    "create_call",
    "Place a call",
    "POST",
    "/texml/Accounts/{account_sid}/Calls",
    "calls",
    "Ring a real phone, then run TeXML: Url, Texml, or the application's. "
    "Costs money; a repeat dials again. MachineDetection* in ms or Hz, other times in s. "
    "Into a conference: dial_conference_participant.",
    effect=Effect.CREATE,
    shape=CREATED_CALL,
    body="json",
    path_params=(ACCOUNT_SID,),
    body_params=(
        TO,
        FROM,
        Param("ApplicationSid", kind=Kind.SID, required=True),
        url("Url"),
        verb("UrlMethod"),
        url("FallbackUrl"),
        Param("Texml", doc="<Response><Say>Hi</Say></Response>", kind=Kind.TEXML),
        CALLER_ID,
        TIMEOUT,
        TIME_LIMIT,
        *callback_with_verb("StatusCallback"),
        STATUS_CALLBACK_EVENT,
        choice(
            "MachineDetection",
            "Enable",
            "Disable",
            "DetectMessageEnd",
            default="Disable",
        ),
        choice("DetectionMode", "Premium", "Regular", "PremiumCallScreening", default="Regular"),
        Param(
            "MachineDetectionTimeout",
            "integer",
            default=30000,
            minimum=500,
            maximum=60000,
            unit="ms",
        ),
        *AMD_THRESHOLDS,
        Param("MachineDetectionPromptEndTimeout", "integer", minimum=1000, maximum=120000, unit="ms"),
        *AMD_BEEP,
        flag("AsyncAmd", "Detect while TeXML runs", False),
        *callback_with_verb("AsyncAmdStatusCallback"),
        *AMD_PLAYBACK,
        choice("DeepfakeDetection", "Enable"),
        url("DeepfakeDetectionCallbackUrl"),
        verb("DeepfakeDetectionCallbackMethod"),
        *LEG_RECORDING,
        Param("RecordingTimeout", "integer", "Of silence; 0 never", default=0, minimum=0, unit="s"),
        flag("SendRecordingUrl", default=True),
        Param("SuperviseCallSid", doc="Live call to listen to", kind=Kind.SID),
        choice(
            "SupervisingRole",
            "barge",
            "whisper",
            "monitor",
            default="barge",
        ),
        *SIP_AUTH,
        choice("SipRegion", "US", "Europe", "Canada", "Australia", "Middle East", default="US"),
        choice("MediaEncryption", "disabled", "SRTP", "DTLS", default="disabled"),
        PREFERRED_CODECS,
        CUSTOM_HEADERS,
    ),
    rules=(
        AtMostOne("Url", "Texml"),
        NoEffect(("UrlMethod", "FallbackUrl"), unless=Given("Url")),
        *leg_rules("RecordingTimeout", "SendRecordingUrl"),
        NoEffect(
            ("MachineDetectionSilenceTimeout", "MachineDetectionSpeechThreshold"),
            unless=Not(Is("DetectionMode", "Premium", "PremiumCallScreening")),
        ),
        NoEffect(
            ("MachineDetectionSpeechEndThreshold",),
            unless=Not(Is("DetectionMode", "Premium", "PremiumCallScreening")),
        ),
        NoEffect(("MachineDetectionPromptEndTimeout",), unless=Is("DetectionMode", "PremiumCallScreening")),
        NoEffect(("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"), unless=Is("AsyncAmd", True)),
        NoEffect(
            ("DeepfakeDetectionCallbackUrl", "DeepfakeDetectionCallbackMethod"),
            unless=Is("DeepfakeDetection", "Enable"),
        ),
        NoEffect(("SupervisingRole",), unless=_SUPERVISES),
    ),
    risks=(
        Risk(RiskClass.SPENDS, "rings a phone and bills minutes"),
        Risk(RiskClass.INTERRUPTS, "a person's phone rings"),
        Risk(RiskClass.LISTENS_IN, "records the call", when=_RECORDS),
        Risk(
            RiskClass.LISTENS_IN,
            "a supervisor hears the call",
            when=_SUPERVISES,
        ),
        Risk(
            RiskClass.INTERRUPTS,
            "the supervisor is heard by everyone on the call",
            when=Both(_SUPERVISES, Is("SupervisingRole", "barge", default="barge")),
        ),
        Risk(RiskClass.EXPOSES, "sends a SIP password", when=Given("SipAuthPassword")),
    ),
    settles="list_calls",
    errors=(422,),
)

GET_CALL = Endpoint(
    "get_call",
    "Read a call",
    "GET",
    "/texml/Accounts/{account_sid}/Calls/{call_sid}",
    "calls",
    "Read a call; a new one may lag seconds.",
    effect=Effect.READ,
    shape=CALL,
    path_params=(ACCOUNT_SID, CALL_SID),
    lagging=True,
    idempotent=True,
    errors=(404,),
)

_NEW_INSTRUCTIONS = Given("Url", "Texml")

UPDATE_CALL = Endpoint(
    "update_call",
    "Change a live call",
    "POST",
    "/texml/Accounts/{account_sid}/Calls/{call_sid}",
    "calls",
    "Hang up a live call (Status=completed), or run new TeXML (Url or Texml), which takes it out of its "
    "conference. Cuts people off. For conference members: participant tools.",
    effect=Effect.UPDATE,
    shape=CALL,
    body="form",
    path_params=(ACCOUNT_SID, CALL_SID),
    body_params=(
        choice("Status", "completed"),
        url("Url"),
        verb("Method", None),
        url("FallbackUrl"),
        verb("FallbackMethod", None),
        Param("Texml", kind=Kind.TEXML),
        *callback_with_verb("StatusCallback", default=None),
    ),
    rules=(
        AtMostOne("Status", "Url", "Texml"),
        AtLeastOne("Status", "Url", "Texml", "StatusCallback"),
        NoEffect(("Method", "FallbackUrl", "FallbackMethod"), unless=Given("Url")),
    ),
    risks=(
        Risk(RiskClass.INTERRUPTS, "hangs up on the people talking", when=Is("Status", "completed")),
        Risk(
            RiskClass.INTERRUPTS,
            "breaks off what the call is doing and takes it out of its conference",
            when=_NEW_INSTRUCTIONS,
        ),
        Risk(RiskClass.SPENDS, "new instructions may dial", when=_NEW_INSTRUCTIONS),
        Risk(RiskClass.EXPOSES, "call events go to another server", when=Given("StatusCallback")),
    ),
    settles="get_call",
    errors=(404, 422),
)

ENDPOINTS = (LIST_CALLS, CREATE_CALL, GET_CALL, UPDATE_CALL)
