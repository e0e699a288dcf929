"""SIPREC sessions: the audio of a live call, forked to an outside recorder."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    CALL_SID,
    F_ACCOUNT,
    F_CALL,
    F_CREATED,
    F_SID,
    F_UPDATED,
    F_URI,
    STREAM_TRACKS,
    callback_with_verb,
    choice,
    flag,
)
from texml_mcp.catalog.model import Effect, Endpoint, Field, Kind, Param, Risk, RiskClass, Shape

_STATUS = Field("status", enum=("in-progress", "stopped"))

SIPREC = Shape(
    "siprec",
    (
        F_SID,
        _STATUS,
        F_CALL,
        Field("track", enum=STREAM_TRACKS),
        Field("start_time", kind=Kind.TIME),
        Field("error_code"),
        F_ACCOUNT,
        F_CREATED,
        F_UPDATED,
        F_URI,
    ),
)

SIPREC_CHANGE = Shape(
    "siprec_change", (F_SID, _STATUS, F_CALL, Field("error_code"), F_ACCOUNT, F_UPDATED, F_URI)
)

_PATH = "/texml/Accounts/{account_sid}/Calls/{call_sid}/Siprec"

START_CALL_SIPREC = Endpoint(
    "start_call_siprec",
    "Send a live call to a SIPREC recorder",
    "POST",
    f"{_PATH}.json",
    "siprec",
    "Copy a live call's audio to an outside SIPREC recorder. Billed; needs consent. "
    "Inside Telnyx: start_call_recording.",
    effect=Effect.CREATE,
    shape=SIPREC,
    body="form",
    path_params=(ACCOUNT_SID, CALL_SID),
    body_params=(
        Param("ConnectorName", doc="As set up in the portal"),
        Param("Name"),
        choice("Track", *STREAM_TRACKS, default="both_tracks"),
        choice("SipTransport", "udp", "tcp", "tls", default="udp"),
        flag("Secure", "SRTP, TLS; port 5061"),
        flag("IncludeMetadataCustomHeaders"),
        Param(
            "SessionTimeoutSecs",
            "integer",
            "0 off, else 90 or more",
            default=1800,
            minimum=90,
            allowed=(0,),
            unit="s",
        ),
        *callback_with_verb("StatusCallback", default=None),
    ),
    risks=(
        Risk(RiskClass.SPENDS, "SIPREC is billed"),
        Risk(RiskClass.LISTENS_IN, "an outside recorder hears the call"),
        Risk(RiskClass.EXPOSES, "the conversation leaves Telnyx"),
    ),
    errors=(404,),
)

UPDATE_CALL_SIPREC = Endpoint(
    "update_call_siprec",
    "Stop a SIPREC session",
    "POST",
    f"{_PATH}/{{siprec_sid}}.json",
    "siprec",
    "",
    effect=Effect.UPDATE,
    shape=SIPREC_CHANGE,
    body="form",
    path_params=(ACCOUNT_SID, CALL_SID, Param("siprec_sid", kind=Kind.SID, required=True)),
    body_params=(choice("Status", "stopped", required=True),),
    risks=(Risk(RiskClass.DESTROYS, "the rest of the call does not reach the recorder"),),
    idempotent=True,
    errors=(404,),
)

ENDPOINTS = (START_CALL_SIPREC, UPDATE_CALL_SIPREC)
