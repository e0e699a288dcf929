"""The TeXML verb table: what each element may hold, as the vendor's reference documented it on `AS_OF`.

Data, not code: the linter, the targets and the published resource all read it. An element that means
different things in different places has one entry a place, keyed `Parent.Name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from texml_mcp.texml.vocabulary import Attribute, Content, Holds, Reach, Verb

AS_OF = date(2026, 8, 5)

_METHODS = ("GET", "POST")
_RECORDING_EVENTS = ("in-progress", "completed", "absent")
_CALL_EVENTS = ("initiated", "ringing", "answered", "amd", "dtmf", "completed")
_TRACKS = ("inbound_track", "outbound_track", "both_tracks")
_CODECS = ("PCMU", "PCMA", "G722", "OPUS", "AMR-WB")
_INTERRUPTS = ("none", "any", "speech", "dtmf", "true", "false")
# fmt: off
_RING_TONES = (
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr",
    "hu", "il", "in", "it", "lt", "jp", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se",
    "sg", "th", "tw", "ve", "za", "us", "us-old", "uk",
)
_SSML = (
    "amazon:effect", "break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as",
    "speak", "sub", "voice", "w",
)
# fmt: on


def _text(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name) for name in names)


def _flag(name: str) -> Attribute:
    return Attribute(name, "flag")


def _whole(
    name: str, low: float | None = 0, high: float | None = None, also: tuple[int, ...] = ()
) -> Attribute:
    return Attribute(name, "whole", minimum=low, maximum=high, also=also)


def _choice(name: str, *values: str) -> Attribute:
    return Attribute(name, "choice", values=values)


def _words(name: str, *values: str) -> Attribute:
    return Attribute(name, "words", values=values)


def _method(name: str = "method") -> Attribute:
    return Attribute(name, "choice", values=_METHODS)


def _url(name: str, reach: Reach = "fetch") -> Attribute:
    return Attribute(name, "url", reach=reach)


def _callback(name: str) -> tuple[Attribute, ...]:
    return (_url(name, "callback"), _method(f"{name}Method"))


def _verb(
    name: str,
    *attributes: Attribute,
    children: tuple[str, ...] = (),
    content: Content = "none",
    holds: Holds = "",
    needs_child: bool = False,
    ends: bool = False,
    open: bool = False,
) -> Verb:
    table = MappingProxyType({each.name: each for each in attributes})
    return Verb(name, table, children, content, holds, needs_child, ends, open)


_ACTION = (_url("action"), _method())
_RECORDING_CALLBACK = (
    *_callback("recordingStatusCallback"),
    _words("recordingStatusCallbackEvent", *_RECORDING_EVENTS),
)
_LEG = (
    *_callback("statusCallback"),
    _words("statusCallbackEvent", *_CALL_EVENTS),
    _url("url"),
    _method(),
    _choice("machineDetection", "Enable", "DetectMessageEnd", "Disable"),
    _choice("detectionMode", "Regular", "Premium"),
    _whole("machineDetectionTimeout", 500, 60_000),
)
_STREAM = (
    _choice("track", *_TRACKS),
    Attribute("name"),
    _choice("codec", *_CODECS, "default"),
    _choice("bidirectionalMode", "mp3", "rtp"),
    _choice("bidirectionalCodec", *_CODECS),
    _choice("bidirectionalSamplingRate", "8000", "16000", "24000"),
    *_callback("statusCallback"),
    _flag("enableReconnect"),
)
_SIPREC = (
    Attribute("connectorName"),
    *_callback("statusCallback"),
    _choice("track", *_TRACKS),
    Attribute("name"),
    _flag("includeMetadataCustomHeaders"),
    _flag("secure"),
    _whole("sessionTimeoutSecs", 90, 14_440, also=(0,)),
)
_ROOT_VERBS = (
    "AIAssistant",
    "AIGather",
    "Connect",
    "Dial",
    "Enqueue",
    "Gather",
    "Hangup",
    "HttpRequest",
    "Leave",
    "Pause",
    "Pay",
    "Play",
    "Record",
    "Redirect",
    "Refer",
    "Reject",
    "Say",
    "Start",
    "Stop",
    "Stream",
    "Suppression",
    "Transcription",
)

_TABLE = (
    _verb("Response", children=_ROOT_VERBS),
    _verb(
        "Say",
        Attribute("voice"),
        Attribute("language"),
        _whole("loop", 0, 10),
        _choice("gender", "Male", "Female"),
        _choice("effect", "eq_telecomhp8k", "eq_car"),
        Attribute("voiceSpeed", "decimal", minimum=0.1, maximum=2.0),
        *_text("api_key_ref", "region", "pronunciationDictId", "languageBoost"),
        children=_SSML,
        content="required",
    ),
    _verb(
        "Play",
        _whole("loop"),
        _flag("mediaStorage"),
        Attribute("digits", "digits"),
        _choice("ringTone", *_RING_TONES),
        _flag("continueOnError"),
        _url("failoverUrl", "play"),
        content="optional",
        holds="url",
    ),
    _verb("Pause", _whole("length", 1, 180)),
    _verb(
        "Gather",
        *_ACTION,
        _whole("timeout", 1, 120),
        _words("input", "dtmf", "speech"),
        Attribute("speechTimeout"),
        *_callback("partialResultCallback"),
        _flag("profanityFilter"),
        _flag("useEnhanced"),
        _flag("smartFormat"),
        *_text("hints", "keyterms", "transcriptionEngine", "model", "apiKeyRef", "region", "language"),
        Attribute("finishOnKey", "digits"),
        _whole("numDigits", 1, 128),
        Attribute("validDigits", "digits"),
        _url("invalidDigitsAction"),
        _whole("minDigits", 1, 128),
        _whole("maxDigits", 1, 128),
        children=("Say", "Play", "Pause"),
    ),
    _verb(
        "Record",
        *_ACTION,
        Attribute("finishOnKey", "digits"),
        _whole("timeout"),
        _whole("maxLength", 0, 14_400),
        _flag("playBeep"),
        _choice("trim", "trim-silence", "do-not-trim"),
        _choice("channels", "single", "dual"),
        *_RECORDING_CALLBACK,
        _flag("transcription"),
        _url("transcriptionCallback", "callback"),
        *_text("transcriptionEngine", "transcriptionLanguage"),
        _choice("format", "mp3", "wav"),
    ),
    _verb(
        "Dial",
        *_ACTION,
        *_text("callerId", "fromDisplayName"),
        _flag("hangupOnStar"),
        _whole("timeout", 5, 120),
        _whole("timeLimit", 60, 14_400),
        _choice(
            "record",
            "do-not-record",
            "record-from-answer",
            "record-from-ringing",
            "record-from-answer-dual",
            "record-from-ringing-dual",
        ),
        _choice("recordingChannels", "single", "dual"),
        _whole("recordMaxLength", 0, 14_400),
        *_RECORDING_CALLBACK,
        _flag("sendRecordingUrl"),
        _choice("ringTone", *_RING_TONES),
        _url("audioUrl", "play"),
        _flag("answerOnBridge"),
        _flag("passDiversionHeader"),
        _whole("machineDetectionSpeechThreshold"),
        _whole("machineDetectionSpeechEndThreshold"),
        _whole("machineDetectionSilenceTimeout"),
        children=("Number", "Sip", "Queue", "Conference"),
        content="optional",
        holds="number",
    ),
    _verb("Number", *_LEG, Attribute("sendDigits", "digits"), content="required", holds="number"),
    _verb("Sip", *_LEG, *_text("username", "password"), content="required", holds="sip"),
    _verb("Queue", _url("url"), _method(), content="required", holds="queue"),
    _verb(
        "Conference",
        _flag("muted"),
        _flag("startConferenceOnEnter"),
        _flag("endConferenceOnExit"),
        _whole("maxParticipants", 2, 250),
        _choice("beep", "true", "false", "onEnter", "onExit"),
        Attribute("participantLabel"),
        _choice("record", "do-not-record", "record-from-start"),
        _flag("recordBeep"),
        *_RECORDING_CALLBACK,
        _whole("recordingTimeout", 0, 14_400),
        _choice("trim", "trim-silence", "do-not-trim"),
        _flag("sendRecordingUrl"),
        *_callback("statusCallback"),
        _words("statusCallbackEvent", "start", "end", "join", "leave", "speaker"),
        _url("waitUrl"),
        _method("waitMethod"),
        content="required",
        holds="conference",
    ),
    _verb(
        "Enqueue",
        *_ACTION,
        _url("waitUrl"),
        _method("waitUrlMethod"),
        _whole("maxWaitTimeSecs", 1),
        content="optional",
        holds="queue",
    ),
    _verb("Leave"),
    _verb("Redirect", _method(), content="required", holds="url", ends=True),
    _verb("Reject", _choice("reason", "rejected", "busy"), ends=True),
    _verb("Hangup", ends=True),
    _verb("Refer", *_ACTION, children=("Sip",), needs_child=True),
    _verb(
        "Start",
        children=("Recording", "Siprec", "Stream", "Suppression", "Transcription"),
        needs_child=True,
    ),
    _verb(
        "Stop",
        children=("Recording", "Siprec", "Stream", "Suppression", "Transcription"),
        needs_child=True,
    ),
    _verb("Stop.Stream", *_STREAM, Attribute("url", "stream", reach="stream"), children=("Parameter",)),
    _verb("Stop.Siprec", *_SIPREC, children=("Parameter",)),
    _verb(
        "Stream",
        Attribute("url", "stream", required=True, reach="stream"),
        *_STREAM,
        children=("Parameter",),
    ),
    _verb("Siprec", *_SIPREC, children=("Parameter",)),
    _verb("Parameter", Attribute("name", required=True), Attribute("value", required=True)),
    _verb("Suppression", _choice("direction", "inbound", "outbound", "both"), open=True),
    _verb(
        "Transcription",
        Attribute("language"),
        _flag("interimResults"),
        *_text("transcriptionEngine", "model"),
        *_callback("transcriptionCallback"),
        open=True,
    ),
    _verb(
        "Recording",
        *_RECORDING_CALLBACK,
        _choice("channels", "mono", "single", "dual"),
        _choice("track", "inbound", "outbound", "both"),
        _choice("trim", "trim-silence", "do-not-trim"),
        _choice("format", "mp3", "wav"),
    ),
    _verb("Connect", *_ACTION, children=("Stream", "AIAssistant", "ConversationRelay"), needs_child=True),
    _verb(
        "ConversationRelay",
        Attribute("url", "stream", required=True, reach="stream"),
        *_text("welcomeGreeting", "voice", "language", "transcriptionProvider"),
        _choice("interruptible", *_INTERRUPTS),
        _choice("welcomeGreetingInterruptible", *_INTERRUPTS),
        _flag("dtmfDetection"),
        children=("Language", "Parameter"),
        open=True,
    ),
    _verb(
        "Language",
        Attribute("code", required=True),
        *_text("ttsProvider", "voice", "transcriptionProvider", "speechModel"),
    ),
    _verb("AIAssistant", Attribute("id"), children=("Greeting", "Voice", "Parameter"), open=True),
    _verb("AIGather", *_ACTION, children=("Greeting", "Voice", "Parameters"), needs_child=True, open=True),
    _verb("Greeting", content="optional", open=True),
    _verb("Voice", content="optional", open=True),
    _verb("Parameters", content="required", open=True),
    _verb("Pay", *_ACTION, children=("Parameter",), open=True),
    _verb("HttpRequest", _flag("async"), _url("action"), children=("Request", "Response"), needs_child=True),
    _verb(
        "HttpRequest.Request",
        Attribute("url", "url", required=True, relative=False),
        _choice("method", "GET", "POST", "PUT", "PATCH", "DELETE"),
        children=("Headers", "Body"),
    ),
    _verb("HttpRequest.Response", children=("Type", "StatusCode", "Headers", "Body", "Content")),
    _verb("Headers", children=("Header",)),
    _verb("Header", children=("Key", "Value")),
    _verb("Content", children=("Field",)),
    _verb("Field", children=("Name", "Value")),
    *(_verb(name, content="optional") for name in ("Body", "Key", "Value", "Type", "StatusCode", "Name")),
    *(_verb(name, children=_SSML, content="optional", open=True) for name in _SSML),
)

VERBS: Mapping[str, Verb] = MappingProxyType({each.name: each for each in _TABLE})
"""Every element by name, or by `Parent.Name` where the place matters."""


def find(name: str, parent: str = "") -> Verb | None:
    """The entry for an element in its place."""
    return VERBS.get(f"{parent}.{name}") or VERBS.get(name)


def parents(name: str) -> tuple[str, ...]:
    """Which elements may hold this one, in the table's order."""
    return tuple(each.name.rpartition(".")[2] for each in _TABLE if name in each.children)
