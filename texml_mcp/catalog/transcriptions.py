"""Transcriptions of recordings: list, read, delete."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    F_ACCOUNT,
    F_API_VERSION,
    F_CALL,
    F_CREATED_ISO,
    F_SID,
    F_UPDATED_ISO,
    F_URI,
    PAGE_FIELDS_WITH_PREVIOUS,
    PAGE_SIZE,
    PAGE_TOKEN,
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

TRANSCRIPTION = Shape(
    "transcription",
    (
        F_SID,
        Field("status", enum=("in-progress", "completed")),
        Field("transcription_text", kind=Kind.UNTRUSTED),
        Field("recording_sid", kind=Kind.SID),
        F_CALL,
        Field("duration", kind=Kind.SECONDS, nullable=True),
        F_CREATED_ISO,
        F_UPDATED_ISO,
        F_ACCOUNT,
        F_API_VERSION,
        F_URI,
    ),
)

_PATH = "/texml/Accounts/{account_sid}/Transcriptions"
_SID = Param("recording_transcription_sid", kind=Kind.SID, format="uuid", required=True)

LIST_TRANSCRIPTIONS = Endpoint(
    "list_transcriptions",
    "List transcriptions",
    "GET",
    f"{_PATH}.json",
    "transcriptions",
    "Recordings as text, newest first.",
    effect=Effect.READ,
    shape=TRANSCRIPTION,
    page=Page(PageStyle.TOKEN, "transcriptions", PAGE_FIELDS_WITH_PREVIOUS),
    path_params=(ACCOUNT_SID,),
    query=(PAGE_TOKEN, PAGE_SIZE),
    idempotent=True,
    errors=(404,),
)

GET_TRANSCRIPTION = Endpoint(
    "get_transcription",
    "Read a transcription",
    "GET",
    f"{_PATH}/{{recording_transcription_sid}}.json",
    "transcriptions",
    "",
    effect=Effect.READ,
    shape=TRANSCRIPTION,
    path_params=(ACCOUNT_SID, _SID),
    idempotent=True,
    errors=(404,),
)

DELETE_TRANSCRIPTION = Endpoint(
    "delete_transcription",
    "Delete a transcription",
    "DELETE",
    f"{_PATH}/{{recording_transcription_sid}}.json",
    "transcriptions",
    "Delete a transcription for good.",
    effect=Effect.DELETE,
    shape=None,
    success=204,
    path_params=(ACCOUNT_SID, _SID),
    risks=(Risk(RiskClass.DESTROYS, "the text cannot be brought back"),),
    idempotent=True,
    settles="get_transcription",
    errors=(404,),
)

ENDPOINTS = (LIST_TRANSCRIPTIONS, GET_TRANSCRIPTION, DELETE_TRANSCRIPTION)
