"""Conference participants: list, dial in, read, mute, hold, coach, remove."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    CONFERENCE_SID,
    F_ACCOUNT,
    F_API_VERSION,
    F_CALL,
    F_CREATED,
    F_UPDATED,
    F_URI,
    PARTICIPANT,
    RECORDING_EVENTS,
    callback_with_verb,
    choice,
    flag,
    nested_page,
    url,
    verb,
    words,
)
from texml_mcp.catalog.conditions import Given, Is
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
    TIMEOUT,
    TO,
    leg_rules,
)
from texml_mcp.catalog.model import Effect, Endpoint, Field, Kind, Param, Risk, RiskClass, Shape
from texml_mcp.catalog.rules import AtLeastOne, Needs, NoEffect

_STATUS = Field("status", enum=("connecting", "connected", "completed"))
_CONFERENCE = Field("conference_sid", kind=Kind.SID, format="uuid")
_FLAGS = (
    Field("muted", "boolean"),
    Field("hold", "boolean"),
    Field("coaching", "boolean"),
    Field("coaching_call_sid", kind=Kind.SID),
    Field("end_conference_on_exit", "boolean"),
)

PARTICIPANT_SHAPE = Shape(
    "participant",
    (
        F_CALL,
        _STATUS,
        *_FLAGS,
        _CONFERENCE,
        Field("call_sid_legacy", kind=Kind.SID),
        Field("coaching_call_sid_legacy", kind=Kind.SID),
        F_ACCOUNT,
        F_API_VERSION,
        F_CREATED,
        F_UPDATED,
        F_URI,
    ),
)

DIALED_PARTICIPANT = Shape("dialed_participant", (F_CALL, _STATUS, *_FLAGS, _CONFERENCE, F_ACCOUNT, F_URI))

_PATH = "/texml/Accounts/{account_sid}/Conferences/{conference_sid}/Participants"
_COACHES = Is("Coaching", True)

LIST_CONFERENCE_PARTICIPANTS = Endpoint(
    "list_conference_participants",
    "List conference participants",
    "GET",
    _PATH,
    "participants",
    "Who is in a conference now.",
    effect=Effect.READ,
    shape=PARTICIPANT_SHAPE,
    page=nested_page("participants"),
    path_params=(ACCOUNT_SID, CONFERENCE_SID),
    idempotent=True,
    errors=(404,),
)

DIAL_CONFERENCE_PARTICIPANT = Endpoint(
    "dial_conference_participant",
    "Dial someone into a conference",
    "POST",
    _PATH,
    "participants",
    "Ring a real phone and join it to a conference. Costs money; a repeat dials again. "
    "MachineDetection* in ms or Hz, other times in s. Without a conference: create_call.",
    effect=Effect.CREATE,
    shape=DIALED_PARTICIPANT,
    body="form",
    path_params=(ACCOUNT_SID, CONFERENCE_SID),
    body_params=(
        TO,
        FROM,
        Param("ApplicationSid", doc="Needed unless the conference exists", kind=Kind.SID),
        Param("Label", doc="Unique; usable as call SID"),
        flag("Muted"),
        flag("Coaching"),
        Param("CallSidToCoach", kind=Kind.SID),
        choice("Beep", "true", "false", "onEnter", "onExit"),
        flag("StartConferenceOnEnter", default=True),
        flag("EndConferenceOnExit", default=False),
        flag("EarlyMedia", default=False),
        url("WaitUrl"),
        Param(
            "MaxParticipants",
            "integer",
            default=250,
            minimum=2,
            maximum=800,
            unit="participants",
        ),
        CALLER_ID,
        TIMEOUT,
        Param("TimeLimit", "integer", unit="s"),
        *callback_with_verb("StatusCallback", default=None),
        STATUS_CALLBACK_EVENT,
        choice("MachineDetection", "Enable", "DetectMessageEnd"),
        Param("MachineDetectionTimeout", "integer", unit="ms"),
        *AMD_THRESHOLDS,
        *AMD_BEEP,
        *callback_with_verb("AmdStatusCallback"),
        *AMD_PLAYBACK,
        *LEG_RECORDING,
        choice(
            "ConferenceRecord",
            "true",
            "false",
            "record-from-start",
            "do-not-record",
            default="do-not-record",
        ),
        choice("ConferenceTrim", "trim-silence", "do-not-trim", default="trim-silence"),
        Param("ConferenceRecordingTimeout", "integer", default=0, minimum=0, unit="s"),
        *callback_with_verb("ConferenceRecordingStatusCallback"),
        words("ConferenceRecordingStatusCallbackEvent", *RECORDING_EVENTS, "failed"),
        *callback_with_verb("ConferenceStatusCallback"),
        words("ConferenceStatusCallbackEvent", "start", "end", "join", "leave", default=None),
        *SIP_AUTH,
        PREFERRED_CODECS,
        CUSTOM_HEADERS,
    ),
    rules=(
        Needs("CallSidToCoach", when=_COACHES),
        *leg_rules(),
        NoEffect(
            (
                "ConferenceTrim",
                "ConferenceRecordingTimeout",
                "ConferenceRecordingStatusCallback",
                "ConferenceRecordingStatusCallbackMethod",
                "ConferenceRecordingStatusCallbackEvent",
            ),
            unless=Is("ConferenceRecord", "true", "record-from-start"),
        ),
    ),
    risks=(
        Risk(RiskClass.SPENDS, "rings a phone and bills minutes"),
        Risk(RiskClass.INTERRUPTS, "a person's phone rings and the conference is joined"),
        Risk(RiskClass.LISTENS_IN, "records the new leg", when=Is("Record", True)),
        Risk(
            RiskClass.LISTENS_IN,
            "records the whole conference",
            when=Is("ConferenceRecord", "true", "record-from-start"),
        ),
        Risk(RiskClass.LISTENS_IN, "a coach hears the conference", when=_COACHES),
        Risk(
            RiskClass.INTERRUPTS,
            "the conference ends for everyone when this participant leaves",
            when=Is("EndConferenceOnExit", True),
        ),
        Risk(RiskClass.EXPOSES, "sends a SIP password", when=Given("SipAuthPassword")),
    ),
    settles="list_conference_participants",
    errors=(404,),
)

GET_CONFERENCE_PARTICIPANT = Endpoint(
    "get_conference_participant",
    "Read a conference participant",
    "GET",
    f"{_PATH}/{{call_sid_or_participant_label}}",
    "participants",
    "",
    effect=Effect.READ,
    shape=PARTICIPANT_SHAPE,
    path_params=(ACCOUNT_SID, CONFERENCE_SID, PARTICIPANT),
    idempotent=True,
    errors=(404,),
)

UPDATE_CONFERENCE_PARTICIPANT = Endpoint(
    "update_conference_participant",
    "Mute, hold, coach or announce to a participant",
    "POST",
    f"{_PATH}/{{call_sid_or_participant_label}}",
    "participants",
    "Mute, hold, coach or announce to one participant. To remove: remove_conference_participant.",
    effect=Effect.UPDATE,
    shape=PARTICIPANT_SHAPE,
    body="form",
    path_params=(ACCOUNT_SID, CONFERENCE_SID, PARTICIPANT),
    body_params=(
        flag("Muted"),
        flag("Hold"),
        url("HoldUrl"),
        verb("HoldMethod", None),
        url("AnnounceUrl", "MP3, WAV or TeXML"),
        verb("AnnounceMethod"),
        flag("Coaching"),
        Param("CallSidToCoach", kind=Kind.SID),
        flag("EndConferenceOnExit"),
        flag("BeepOnExit"),
        url("WaitUrl"),
    ),
    rules=(
        AtLeastOne(
            "Muted",
            "Hold",
            "AnnounceUrl",
            "Coaching",
            "CallSidToCoach",
            "EndConferenceOnExit",
            "BeepOnExit",
            "WaitUrl",
        ),
        Needs("CallSidToCoach", when=_COACHES),
        NoEffect(("HoldUrl", "HoldMethod"), unless=Is("Hold", True)),
        NoEffect(("AnnounceMethod",), unless=Given("AnnounceUrl")),
    ),
    risks=(
        Risk(
            RiskClass.CONFIG,
            "mutes or unmutes",
            when=Given("Muted"),
            reversible=True,
        ),
        Risk(RiskClass.CONFIG, "holds or resumes", when=Given("Hold"), reversible=True),
        Risk(
            RiskClass.CONFIG,
            "sets the exit beep or waiting audio",
            when=Given("BeepOnExit", "WaitUrl"),
            reversible=True,
        ),
        Risk(RiskClass.INTERRUPTS, "the participant hears the announcement", when=Given("AnnounceUrl")),
        Risk(RiskClass.LISTENS_IN, "changes who hears whom", when=Given("Coaching", "CallSidToCoach")),
        Risk(
            RiskClass.INTERRUPTS,
            "the conference ends for everyone when this participant leaves",
            when=Is("EndConferenceOnExit", True),
            reversible=True,
        ),
        Risk(
            RiskClass.CONFIG,
            "the conference goes on when this participant leaves",
            when=Is("EndConferenceOnExit", False),
            reversible=True,
        ),
    ),
    settles="get_conference_participant",
    errors=(404,),
)

REMOVE_CONFERENCE_PARTICIPANT = Endpoint(
    "remove_conference_participant",
    "Remove a participant from a conference",
    "DELETE",
    f"{_PATH}/{{call_sid_or_participant_label}}",
    "participants",
    "Take a participant out. To silence: update_conference_participant.",
    effect=Effect.DELETE,
    shape=None,
    success=204,
    path_params=(ACCOUNT_SID, CONFERENCE_SID, PARTICIPANT),
    risks=(Risk(RiskClass.INTERRUPTS, "the person is cut off from the conference"),),
    idempotent=True,
    settles="list_conference_participants",
    errors=(404,),
)

ENDPOINTS = (
    LIST_CONFERENCE_PARTICIPANTS,
    DIAL_CONFERENCE_PARTICIPANT,
    GET_CONFERENCE_PARTICIPANT,
    UPDATE_CONFERENCE_PARTICIPANT,
    REMOVE_CONFERENCE_PARTICIPANT,
)
