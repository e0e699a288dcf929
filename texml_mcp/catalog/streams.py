"""Media streams: live call audio over a WebSocket."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    CALL_SID,
    F_ACCOUNT,
    F_CALL,
    F_SID,
    F_UPDATED_ISO,
    F_URI,
    STREAM_TRACKS,
    choice,
    url,
    verb,
)
from texml_mcp.catalog.conditions import Given, Is
from texml_mcp.catalog.model import Effect, Endpoint, Field, Kind, Param, Risk, RiskClass, Role, Shape
from texml_mcp.catalog.rules import NoEffect

STREAM = Shape(
    "stream",
    (
        F_SID,
        Field("status", enum=("in-progress",)),
        Field("name", kind=Kind.UNTRUSTED),
        F_CALL,
        F_ACCOUNT,
        F_UPDATED_ISO,
        F_URI,
    ),
)

STREAM_CHANGE = Shape(
    "stream_change",
    (F_SID, Field("status", enum=("stopped",)), F_CALL, F_ACCOUNT, F_UPDATED_ISO, F_URI),
)

_PATH = "/texml/Accounts/{account_sid}/Calls/{call_sid}/Streams"

START_CALL_STREAM = Endpoint(
    "start_call_stream",
    "Stream a live call",
    "POST",
    f"{_PATH}.json",
    "streams",
    "Send a live call's audio to a WebSocket (wss://), whose owner hears the conversation and can speak "
    "into it.",
    effect=Effect.CREATE,
    shape=STREAM,
    body="form",
    path_params=(ACCOUNT_SID, CALL_SID),
    body_params=(
        url("Url", required=True, role=Role.STREAM),
        choice("Track", *STREAM_TRACKS, default="inbound_track"),
        Param("Name"),
        choice("BidirectionalMode", "mp3", "rtp", default="mp3"),
        choice("BidirectionalCodec", "PCMU", "PCMA", "G722", default="PCMU"),
        url("StatusCallback", format="uri"),
        verb("StatusCallbackMethod"),
    ),
    rules=(NoEffect(("BidirectionalCodec",), unless=Is("BidirectionalMode", "rtp")),),
    risks=(
        Risk(RiskClass.EXPOSES, "the conversation is copied to another server"),
        Risk(RiskClass.LISTENS_IN, "that server hears the call"),
        Risk(RiskClass.SPENDS, "streaming is billed"),
        Risk(RiskClass.INTERRUPTS, "the server may speak into the call", when=Given("BidirectionalMode")),
    ),
    errors=(404,),
)

UPDATE_CALL_STREAM = Endpoint(
    "update_call_stream",
    "Stop a media stream",
    "POST",
    f"{_PATH}/{{streaming_sid}}.json",
    "streams",
    "Stop a media stream; a voice bot on it goes silent.",
    effect=Effect.UPDATE,
    shape=STREAM_CHANGE,
    body="form",
    path_params=(ACCOUNT_SID, CALL_SID, Param("streaming_sid", kind=Kind.SID, format="uuid", required=True)),
    body_params=(choice("Status", "stopped", default="stopped"),),
    risks=(Risk(RiskClass.INTERRUPTS, "a voice bot fed by the stream goes silent"),),
    idempotent=True,
    errors=(404,),
)

ENDPOINTS = (START_CALL_STREAM, UPDATE_CALL_STREAM)
