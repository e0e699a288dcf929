"""Parameters and fields that several resources share, worded once."""

from __future__ import annotations

from texml_mcp.catalog.model import Field, Kind, Page, PageStyle, Param, Role

ACCOUNT_SID = Param("account_sid", kind=Kind.SID, required=True)
CALL_SID = Param("call_sid", kind=Kind.SID, required=True)
CONFERENCE_SID = Param("conference_sid", kind=Kind.SID, required=True)
PARTICIPANT = Param("call_sid_or_participant_label", kind=Kind.SID, required=True)
RECORDING_SID = Param("recording_sid", kind=Kind.SID, format="uuid", required=True)
QUEUE_SID = Param("queue_sid", doc="SID or name", kind=Kind.SID, required=True)

VERBS = ("GET", "POST")


def url(
    name: str, doc: str = "", *, required: bool = False, format: str = "", role: Role | None = None
) -> Param:
    return Param(name, doc=doc, kind=Kind.URL, required=required, format=format, role=role)


def urls(name: str, doc: str = "") -> Param:
    """A list of addresses, each judged as one."""
    return Param(name, "array", doc, kind=Kind.URL, items=Param("", kind=Kind.URL))


def verb(name: str, default: str | None = "POST") -> Param:
    return Param(name, kind=Kind.HTTP_METHOD, enum=VERBS, default=default)


def flag(name: str, doc: str = "", default: bool | None = None) -> Param:
    return Param(name, "boolean", doc, default=default)


def choice(
    name: str, *values: str, doc: str = "", default: str | None = None, required: bool = False
) -> Param:
    return Param(name, doc=doc, enum=values, default=default, required=required)


def words(name: str, *values: str, doc: str = "", default: str | None = "completed") -> Param:
    return Param(name, doc=doc, kind=Kind.WORDS, words=values, default=default)


def number(name: str, doc: str, *, required: bool = False, role: Role | None = None) -> Param:
    return Param(name, doc=doc, kind=Kind.NUMBER, required=required, role=role)


def callback_with_verb(name: str, *, default: str | None = "POST") -> tuple[Param, Param]:
    """A URL that Telnyx calls, and the HTTP verb it uses there."""
    return url(name), verb(f"{name}Method", default)


PAGE = Param("Page", "integer", minimum=0)
PAGE_SIZE = Param("PageSize", "integer", minimum=1, unit="records", unpublished_range=True)
PAGE_TOKEN = Param("PageToken")
PAGING = (PAGE, PAGE_SIZE, PAGE_TOKEN)

DATE_CREATED = Param("DateCreated", doc="YYYY-MM-DD, or after >=", kind=Kind.DATE_FILTER)
DATE_UPDATED = Param("DateUpdated", kind=Kind.DATE_FILTER)

RECORDING_EVENTS = ("in-progress", "completed", "absent")
CALL_EVENTS = ("initiated", "ringing", "answered", "completed")
TRACKS = ("inbound", "outbound", "both")
STREAM_TRACKS = ("inbound_track", "outbound_track", "both_tracks")


# --- fields of answers

F_ACCOUNT = Field("account_sid", kind=Kind.SID)
F_CALL = Field("call_sid", kind=Kind.SID)
F_SID = Field("sid", kind=Kind.SID)
F_URI = Field("uri", kind=Kind.URI)
F_CREATED = Field("date_created", kind=Kind.TIME)
F_UPDATED = Field("date_updated", kind=Kind.TIME)
F_CREATED_ISO = Field("date_created", kind=Kind.TIME, format="date-time")
F_UPDATED_ISO = Field("date_updated", kind=Kind.TIME, format="date-time")
F_START_ISO = Field("start_time", kind=Kind.TIME, format="date-time")
F_API_VERSION = Field("api_version")

RECORDING_SOURCES = (
    "StartCallRecordingAPI",
    "StartConferenceRecordingAPI",
    "OutboundAPI",
    "DialVerb",
    "Conference",
    "RecordVerb",
    "Trunking",
)

_COUNTS = (
    Field("page", "integer"),
    Field("page_size", "integer"),
    Field("start", "integer"),
    Field("end", "integer"),
)
_LINKS = (Field("uri", kind=Kind.URI), Field("next_page_uri", kind=Kind.URI))

PAGE_FIELDS = (*_COUNTS, *_LINKS, Field("first_page_uri", kind=Kind.URI))
PAGE_FIELDS_WITH_PREVIOUS = (
    *_COUNTS,
    *_LINKS,
    Field("first_page_uri", kind=Kind.URI, format="uri"),
    Field("previous_page_uri", kind=Kind.URI, format="uri"),
)


def nested_page(items_key: str, fields: tuple[Field, ...] = PAGE_FIELDS) -> Page:
    """A list under another resource: the answer is a page, yet no paging parameter is documented."""
    return Page(PageStyle.ENVELOPE, items_key, fields)
