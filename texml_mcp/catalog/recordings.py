"""Recordings of the account: list, read, delete."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    F_ACCOUNT,
    F_CALL,
    F_CREATED_ISO,
    F_SID,
    F_START_ISO,
    F_UPDATED_ISO,
    F_URI,
    PAGE,
    PAGE_FIELDS_WITH_PREVIOUS,
    PAGE_SIZE,
    RECORDING_SID,
    RECORDING_SOURCES,
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

RECORDING = Shape(
    "recording",
    (
        F_SID,
        Field("status", enum=("in-progress", "completed", "paused", "stopped")),
        F_CALL,
        Field("conference_sid", kind=Kind.SID, format="uuid", nullable=True),
        Field("duration", kind=Kind.SECONDS, nullable=True),
        F_START_ISO,
        Field("source", enum=RECORDING_SOURCES),
        Field("channels", "integer", enum=(1, 2)),
        Field("media_url", kind=Kind.MEDIA, format="uri"),
        Field("error_code", nullable=True),
        Field(
            "subresources_uris",
            "object",
            kind=Kind.URI,
            fields=(Field("transcriptions", kind=Kind.URI, format="uri", nullable=True),),
        ),
        F_ACCOUNT,
        F_CREATED_ISO,
        F_UPDATED_ISO,
        F_URI,
    ),
)

_PATH = "/texml/Accounts/{account_sid}/Recordings"

LIST_RECORDINGS = Endpoint(
    "list_recordings",
    "List recordings",
    "GET",
    f"{_PATH}.json",
    "recordings",
    "All recordings. A call or conference has its own list.",
    effect=Effect.READ,
    shape=RECORDING,
    page=Page(PageStyle.PAGE, "recordings", PAGE_FIELDS_WITH_PREVIOUS),
    path_params=(ACCOUNT_SID,),
    query=(
        PAGE,
        PAGE_SIZE,
        Param(
            "DateCreated",
            doc="ISO 8601, or after >=",
            kind=Kind.DATE_FILTER,
            format="date-time",
        ),
    ),
    idempotent=True,
    errors=(404,),
)

GET_RECORDING = Endpoint(
    "get_recording",
    "Read a recording",
    "GET",
    f"{_PATH}/{{recording_sid}}.json",
    "recordings",
    "Read a recording, with its audio link.",
    effect=Effect.READ,
    shape=RECORDING,
    path_params=(ACCOUNT_SID, RECORDING_SID),
    idempotent=True,
    errors=(404,),
)

DELETE_RECORDING = Endpoint(
    "delete_recording",
    "Delete a recording",
    "DELETE",
    f"{_PATH}/{{recording_sid}}.json",
    "recordings",
    "Delete a recording and its audio for good.",
    effect=Effect.DELETE,
    shape=None,
    success=204,
    path_params=(ACCOUNT_SID, RECORDING_SID),
    risks=(Risk(RiskClass.DESTROYS, "the audio cannot be brought back"),),
    idempotent=True,
    settles="get_recording",
    errors=(404,),
)

ENDPOINTS = (LIST_RECORDINGS, GET_RECORDING, DELETE_RECORDING)
