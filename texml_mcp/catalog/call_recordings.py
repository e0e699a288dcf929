"""Recordings of one live call: list, start, pause, resume, stop."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    CALL_SID,
    F_ACCOUNT,
    F_CALL,
    F_CREATED_ISO,
    F_SID,
    F_START_ISO,
    F_UPDATED_ISO,
    F_URI,
    PAGE_FIELDS_WITH_PREVIOUS,
    RECORDING_EVENTS,
    RECORDING_SID,
    RECORDING_SOURCES,
    TRACKS,
    choice,
    flag,
    nested_page,
    url,
    verb,
    words,
)
from texml_mcp.catalog.conditions import Is
from texml_mcp.catalog.model import Effect, Endpoint, Field, Kind, Risk, RiskClass, Shape
from texml_mcp.catalog.recordings import RECORDING

RECORDING_CHANGE = Shape(
    "recording_change",
    (
        F_SID,
        F_CALL,
        Field("conference_sid", kind=Kind.SID, format="uuid", nullable=True),
        Field("track", enum=TRACKS),
        Field("channels", "integer", enum=(1, 2)),
        Field("source", enum=RECORDING_SOURCES),
        F_START_ISO,
        Field("duration", kind=Kind.SECONDS, nullable=True),
        Field("error_code", nullable=True),
        Field("price", kind=Kind.MONEY, nullable=True),
        Field("price_unit", nullable=True),
        F_ACCOUNT,
        F_CREATED_ISO,
        F_UPDATED_ISO,
        F_URI,
    ),
)

_PATH = "/texml/Accounts/{account_sid}/Calls/{call_sid}"

LIST_CALL_RECORDINGS = Endpoint(
    "list_call_recordings",
    "List a call's recordings",
    "GET",
    f"{_PATH}/Recordings.json",
    "call_recordings",
    "",
    effect=Effect.READ,
    shape=RECORDING,
    page=nested_page("recordings", PAGE_FIELDS_WITH_PREVIOUS),
    path_params=(ACCOUNT_SID, CALL_SID),
    idempotent=True,
    errors=(404,),
)

START_CALL_RECORDING = Endpoint(
    "start_call_recording",
    "Record a live call",
    "POST",
    f"{_PATH}/Recordings.json",
    "call_recordings",
    "Record a live call. Billed; needs consent; beeps by default.",
    effect=Effect.CREATE,
    shape=RECORDING_CHANGE,
    body="form",
    path_params=(ACCOUNT_SID, CALL_SID),
    body_params=(
        flag("PlayBeep", default=True),
        choice("RecordingChannels", "single", "dual", default="dual"),
        choice("RecordingTrack", *TRACKS, default="both"),
        url("RecordingStatusCallback", format="uri"),
        verb("RecordingStatusCallbackMethod"),
        words("RecordingStatusCallbackEvent", *RECORDING_EVENTS),
        flag("SendRecordingUrl", default=True),
    ),
    risks=(
        Risk(RiskClass.SPENDS, "recording is billed"),
        Risk(RiskClass.LISTENS_IN, "records what people say"),
        Risk(RiskClass.INTERRUPTS, "people hear a beep", when=Is("PlayBeep", True, default=True)),
    ),
    settles="list_call_recordings",
    errors=(404,),
)

UPDATE_CALL_RECORDING = Endpoint(
    "update_call_recording",
    "Pause, resume or stop a recording",
    "POST",
    f"{_PATH}/Recordings/{{recording_sid}}.json",
    "call_recordings",
    "Pause, resume (in-progress) or stop a recording. What is said meanwhile is lost.",
    effect=Effect.UPDATE,
    shape=RECORDING_CHANGE,
    body="form",
    path_params=(ACCOUNT_SID, CALL_SID, RECORDING_SID),
    body_params=(choice("Status", "in-progress", "paused", "stopped", required=True),),
    risks=(
        Risk(RiskClass.LISTENS_IN, "records again", when=Is("Status", "in-progress"), reversible=True),
        Risk(
            RiskClass.DESTROYS,
            "what is said while paused is lost",
            when=Is("Status", "paused"),
            reversible=True,
        ),
        Risk(RiskClass.DESTROYS, "the rest of the call is not recorded", when=Is("Status", "stopped")),
    ),
    idempotent=True,
    settles="list_call_recordings",
    errors=(404,),
)

ENDPOINTS = (LIST_CALL_RECORDINGS, START_CALL_RECORDING, UPDATE_CALL_RECORDING)
