"""Conferences: list, read, end, announce."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    CONFERENCE_SID,
    DATE_CREATED,
    DATE_UPDATED,
    F_ACCOUNT,
    F_API_VERSION,
    F_CREATED,
    F_SID,
    F_UPDATED,
    F_URI,
    PAGE_FIELDS,
    PAGING,
    choice,
    url,
    verb,
)
from texml_mcp.catalog.conditions import Given, Is
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
from texml_mcp.catalog.rules import AtLeastOne, NoEffect

STATUSES = ("init", "in-progress", "completed")

CONFERENCE = Shape(
    "conference",
    (
        F_SID,
        Field("friendly_name", kind=Kind.UNTRUSTED),
        Field("status", enum=STATUSES),
        Field(
            "reason_conference_ended",
            enum=(
                "participant-with-end-conference-on-exit-left",
                "last-participant-left",
                "conference-ended-via-api",
                "time-exceeded",
            ),
        ),
        Field("call_sid_ending_conference", kind=Kind.SID),
        F_CREATED,
        F_UPDATED,
        Field("region"),
        F_ACCOUNT,
        F_API_VERSION,
        Field("subresource_uris", "object", kind=Kind.URI),
        F_URI,
    ),
)

_PATH = "/texml/Accounts/{account_sid}/Conferences"

LIST_CONFERENCES = Endpoint(
    "list_conferences",
    "List conferences",
    "GET",
    _PATH,
    "conferences",
    "",
    effect=Effect.READ,
    shape=CONFERENCE,
    page=Page(PageStyle.PAGE_TOKEN, "conferences", PAGE_FIELDS),
    path_params=(ACCOUNT_SID,),
    query=(
        Param("FriendlyName"),
        choice("Status", *STATUSES),
        DATE_CREATED,
        DATE_UPDATED,
        *PAGING,
    ),
    idempotent=True,
    errors=(404,),
)

GET_CONFERENCE = Endpoint(
    "get_conference",
    "Read a conference",
    "GET",
    f"{_PATH}/{{conference_sid}}",
    "conferences",
    "Read a conference. Who is in it: list_conference_participants.",
    effect=Effect.READ,
    shape=CONFERENCE,
    path_params=(ACCOUNT_SID, CONFERENCE_SID),
    idempotent=True,
    errors=(404,),
)

UPDATE_CONFERENCE = Endpoint(
    "update_conference",
    "End a conference or announce in it",
    "POST",
    f"{_PATH}/{{conference_sid}}",
    "conferences",
    "End a conference for everyone (Status=completed), or announce to all. For one: participant tools.",
    effect=Effect.UPDATE,
    shape=CONFERENCE,
    body="form",
    path_params=(ACCOUNT_SID, CONFERENCE_SID),
    body_params=(
        choice("Status", "completed"),
        url("AnnounceUrl", "MP3, WAV or TeXML"),
        verb("AnnounceMethod"),
    ),
    rules=(
        AtLeastOne("Status", "AnnounceUrl"),
        NoEffect(("AnnounceMethod",), unless=Given("AnnounceUrl")),
    ),
    risks=(
        Risk(RiskClass.INTERRUPTS, "hangs up on every participant", when=Is("Status", "completed")),
        Risk(
            RiskClass.INTERRUPTS,
            "everyone in the conference hears the announcement",
            when=Given("AnnounceUrl"),
        ),
    ),
    settles="get_conference",
    errors=(404,),
)

ENDPOINTS = (LIST_CONFERENCES, GET_CONFERENCE, UPDATE_CONFERENCE)
