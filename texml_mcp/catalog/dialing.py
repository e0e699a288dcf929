"""Parameters of a new call leg, shared by all that places one: a call, a participant, an assistant's call."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    CALL_EVENTS,
    RECORDING_EVENTS,
    TRACKS,
    callback_with_verb,
    choice,
    flag,
    number,
    words,
)
from texml_mcp.catalog.conditions import Is
from texml_mcp.catalog.model import Kind, Param, Role
from texml_mcp.catalog.rules import NoEffect, Rule

TO = number("To", "E.164 or SIP URI", required=True)
FROM = number("From", "Your number", required=True, role=Role.CALLER)
CALLER_ID = Param(
    "CallerId",
    doc="Display name",
    max_length=128,
    pattern=r"^[A-Za-z0-9 \-_~!.+]{0,128}$",
)
TIMEOUT = Param("Timeout", "integer", "Ring time", default=30, minimum=5, maximum=120, unit="s")
TIME_LIMIT = Param("TimeLimit", "integer", "", default=14400, minimum=30, maximum=14400, unit="s")
PREFERRED_CODECS = Param("PreferredCodecs", doc="Comma separated", kind=Kind.LIST)
CUSTOM_HEADERS = Param(
    "CustomHeaders",
    "array",
    "",
    items=Param(
        "",
        "object",
        fields=(Param("name", required=True), Param("value", required=True)),
    ),
)
SIP_AUTH = (
    Param("SipAuthUsername"),
    Param("SipAuthPassword", kind=Kind.SECRET),
)
STATUS_CALLBACK_EVENT = words("StatusCallbackEvent", *CALL_EVENTS)

LEG_RECORDING = (
    flag("Record", "Needs consent", False),
    choice("RecordingChannels", "mono", "dual", default="mono"),
    choice("RecordingTrack", *TRACKS, default="both"),
    choice("Trim", "trim-silence", "do-not-trim", default="trim-silence"),
    *callback_with_verb("RecordingStatusCallback"),
    words("RecordingStatusCallbackEvent", *RECORDING_EVENTS),
)
LEG_RECORDING_NAMES = tuple(param.name for param in LEG_RECORDING if param.name != "Record")


def _millis(name: str, default: int | None = None, doc: str = "") -> Param:
    return Param(name, "integer", doc, default=default, unit="ms")


AMD_PLAYBACK = (
    flag("CancelPlaybackOnMachineDetection", default=True),
    flag("CancelPlaybackOnDetectMessageEnd", default=True),
)
AMD_THRESHOLDS = (
    _millis("MachineDetectionSilenceTimeout", 3500),
    _millis("MachineDetectionSpeechThreshold", 3500, ""),
    _millis("MachineDetectionSpeechEndThreshold", 800),
)
AMD_BEEP = (
    choice("MachineDetectionBeepProfile", "both", "freq_only"),
    Param("MachineDetectionBeepMinFrequency", "integer", unit="Hz"),
    Param("MachineDetectionBeepMaxFrequency", "integer", unit="Hz"),
    _millis("MachineDetectionBeepMinToneDuration"),
    flag("MachineDetectionBeepSpectralConfirmation"),
    Param("MachineDetectionBeepSpectralMinPurity", "number", minimum=0, maximum=1, unit="ratio"),
    flag("MachineDetectionBeepSpectralRejectFaxCng"),
    _millis("MachineDetectionBeepSpectralWindow"),
)

_DETECTS = Is("MachineDetection", "Enable", "DetectMessageEnd")
_AMD_NAMES = ("MachineDetectionTimeout", *(param.name for param in (*AMD_THRESHOLDS, *AMD_BEEP)))


def leg_rules(*more_recording_names: str) -> tuple[Rule, ...]:
    """Settings that the API ignores unless the feature they tune is on."""
    return (
        NoEffect(_AMD_NAMES, unless=_DETECTS),
        NoEffect((*LEG_RECORDING_NAMES, *more_recording_names), unless=Is("Record", True)),
    )
