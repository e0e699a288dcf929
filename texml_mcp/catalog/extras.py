"""Calls placed by an application's connection id: with TeXML of one's own, or with an AI assistant.

Newer than the other endpoints, and offered only where the toolset is named. What no document says is declared
on the safe side: one source of instructions at a time, no default that is not stated.
"""

from __future__ import annotations

from dataclasses import replace

from texml_mcp.catalog.common import callback_with_verb, choice, flag, url, urls, verb, words
from texml_mcp.catalog.conditions import Given, Is, Not
from texml_mcp.catalog.dialing import (
    AMD_BEEP,
    AMD_THRESHOLDS,
    CALLER_ID,
    CUSTOM_HEADERS,
    FROM,
    LEG_RECORDING,
    PREFERRED_CODECS,
    SIP_AUTH,
    TIME_LIMIT,
    TIMEOUT,
    TO,
    leg_rules,
)
from texml_mcp.catalog.model import Effect, Endpoint, Field, Kind, Param, Risk, RiskClass, Shape
from texml_mcp.catalog.rules import AtMostOne, NoEffect

ENDED = ("completed", "no-answer", "busy", "canceled", "failed")
AI_CALL_EVENTS = ("initiated", "ringing", "answered", *ENDED, "analyzed")

_CONNECTION_ID = Param("connection_id", doc="Application's id", kind=Kind.SID, required=True)
_SID = Field("call_sid", kind=Kind.SID)
_NUMBERS = (Field("from", kind=Kind.NUMBER), Field("to", kind=Kind.NUMBER))

PLACED_CALL = Shape("placed_call", (_SID, Field("status", enum=("queued",)), *_NUMBERS))
AI_CALL = Shape("ai_call", (_SID, Field("status"), *_NUMBERS))

_SPENDS = Risk(RiskClass.SPENDS, "rings a phone and bills minutes")
_INTERRUPTS = Risk(RiskClass.INTERRUPTS, "a person's phone rings")
_CONVERSATION_LEAVES = Given("ConversationCallback", "ConversationCallbacks")

CREATE_CONNECTION_CALL = Endpoint(
    "create_connection_call",
    "Place a call by connection",
    "POST",
    "/texml/calls/{connection_id}",
    "extras",
    "Ring a real phone through an application's connection, then run TeXML: Url, Texml, or the "
    "application's. Costs money; a repeat dials again. Takes no time limit.",
    effect=Effect.CREATE,
    shape=PLACED_CALL,
    body="json",
    path_params=(_CONNECTION_ID,),
    body_params=(
        TO,
        FROM,
        url("Url"),
        verb("Method", None),
        Param("Texml", doc="<Response><Say>Hi</Say></Response>", kind=Kind.TEXML),
    ),
    rules=(AtMostOne("Url", "Texml"), NoEffect(("Method",), unless=Given("Url"))),
    risks=(_SPENDS, _INTERRUPTS),
    settles="list_calls",
    listed="list_applications",
)

INITIATE_AI_CALL = Endpoint(
    "initiate_ai_call",
    "Place a call by an AI assistant",
    "POST",
    "/texml/ai_calls/{connection_id}",
    "extras",
    "Ring a real phone; when it is answered, an AI assistant of the account listens and talks. Costs money; "
    "a repeat dials again. MachineDetection* in ms or Hz, other times in s. With words of your own: "
    "create_connection_call.",
    effect=Effect.CREATE,
    shape=AI_CALL,
    body="json",
    path_params=(_CONNECTION_ID,),
    body_params=(
        TO,
        FROM,
        Param("AIAssistantId", kind=Kind.SID, required=True),
        Param("AIAssistantVersion"),
        Param(
            "AIAssistantDynamicVariables",
            "object",
            "What the assistant is told, by name",
            values=Param(""),
        ),
        CALLER_ID,
        TIMEOUT,
        TIME_LIMIT,
        *callback_with_verb("StatusCallback", default=None),
        urls("StatusCallbacks"),
        words("StatusCallbackEvent", *AI_CALL_EVENTS, default=None),
        *callback_with_verb("ConversationCallback", default=None),
        urls("ConversationCallbacks"),
        choice("MachineDetection", "Enable", "Disable", "DetectMessageEnd"),
        choice("DetectionMode", "Premium", "Regular", "PremiumCallScreening"),
        Param("MachineDetectionTimeout", "integer", unit="ms"),
        *(replace(each, default=None) for each in AMD_THRESHOLDS),
        Param("MachineDetectionPromptEndTimeout", "integer", unit="ms"),
        *AMD_BEEP,
        flag("AsyncAmd", "Detect while the assistant talks", False),
        *callback_with_verb("AsyncAmdStatusCallback", default=None),
        *LEG_RECORDING,
        Param("RecordingTimeout", "integer", "Of silence; 0 never", default=0, minimum=0, unit="s"),
        flag("SendRecordingUrl"),
        *SIP_AUTH,
        choice("SipRegion", "US", "Europe", "Canada", "Australia", "Middle East"),
        Param("Passports", doc="Passport ids"),
        PREFERRED_CODECS,
        CUSTOM_HEADERS,
    ),
    rules=(
        *leg_rules("RecordingTimeout", "SendRecordingUrl"),
        NoEffect(
            (
                "MachineDetectionSilenceTimeout",
                "MachineDetectionSpeechThreshold",
                "MachineDetectionSpeechEndThreshold",
            ),
            unless=Not(Is("DetectionMode", "Premium")),
        ),
        NoEffect(("MachineDetectionPromptEndTimeout",), unless=Is("DetectionMode", "PremiumCallScreening")),
        NoEffect(("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"), unless=Is("AsyncAmd", True)),
        NoEffect(("ConversationCallbackMethod",), unless=_CONVERSATION_LEAVES),
        NoEffect(("StatusCallbackMethod",), unless=Given("StatusCallback", "StatusCallbacks")),
    ),
    risks=(
        _SPENDS,
        _INTERRUPTS,
        Risk(RiskClass.LISTENS_IN, "an AI assistant listens and talks"),
        Risk(RiskClass.LISTENS_IN, "records the call", when=Is("Record", True)),
        Risk(
            RiskClass.EXPOSES,
            "events of the conversation go to another server",
            when=_CONVERSATION_LEAVES,
        ),
        Risk(RiskClass.EXPOSES, "sends a SIP password", when=Given("SipAuthPassword")),
    ),
    settles="list_calls",
    listed="list_applications",
    errors=(422,),
    refuses=("Twiml", "Texml", "Url"),
)

ENDPOINTS = (CREATE_CONNECTION_CALL, INITIATE_AI_CALL)
