"""Recordings of one conference, in the two documented shapes."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    CONFERENCE_SID,
    F_ACCOUNT,
    F_CALL,
    F_CREATED,
    F_SID,
    F_UPDATED,
    F_URI,
    PAGE_FIELDS,
    PAGE_FIELDS_WITH_PREVIOUS,
    RECORDING_SOURCES,
    nested_page,
)
from texml_mcp.catalog.model import Effect, Endpoint, Field, Kind, Shape
from texml_mcp.catalog.recordings import RECORDING

CONFERENCE_RECORDING = Shape(
    "conference_recording",
    (
        F_SID,
        Field("status", enum=("processing", "absent", "completed", "deleted")),
        F_CALL,
        Field("conference_sid", kind=Kind.SID),
        Field("duration", "integer", kind=Kind.SECONDS),
        Field("start_time", kind=Kind.TIME),
        Field("source", enum=RECORDING_SOURCES),
        Field("channels", "integer"),
        Field("media_url", kind=Kind.MEDIA),
        Field("error_code"),
        Field("subresource_uris", "object", kind=Kind.URI),
        F_ACCOUNT,
        F_CREATED,
        F_UPDATED,
        F_URI,
    ),
)

_PATH = "/texml/Accounts/{account_sid}/Conferences/{conference_sid}/Recordings"

# The documented answer has an array `participants` beside the recordings and says nothing about it.
_FIELDS = (*PAGE_FIELDS, Field("participants", "array", items=Field("", "object")))

LIST_CONFERENCE_RECORDINGS = Endpoint(
    "list_conference_recordings",
    "List a conference's recordings",
    "GET",
    _PATH,
    "conference_recordings",
    "Recordings of a conference, with processing state.",
    effect=Effect.READ,
    shape=CONFERENCE_RECORDING,
    page=nested_page("recordings", _FIELDS),
    path_params=(ACCOUNT_SID, CONFERENCE_SID),
    idempotent=True,
    errors=(404,),
)

LIST_CONFERENCE_RECORDINGS_JSON = Endpoint(
    "list_conference_recordings_json",
    "List a conference's recordings (account shape)",
    "GET",
    f"{_PATH}.json",
    "conference_recordings",
    "Recordings of a conference, with live state (paused, stopped).",
    effect=Effect.READ,
    shape=RECORDING,
    page=nested_page("recordings", PAGE_FIELDS_WITH_PREVIOUS),
    path_params=(ACCOUNT_SID, CONFERENCE_SID),
    idempotent=True,
    errors=(404,),
)

ENDPOINTS = (LIST_CONFERENCE_RECORDINGS, LIST_CONFERENCE_RECORDINGS_JSON)
