"""TeXML applications: what answers a number, and what a call runs by default."""

from __future__ import annotations

from texml_mcp.catalog.common import choice, flag, url
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
from texml_mcp.catalog.rules import NoEffect

_SITES = (
    "Latency",
    "Chicago, IL",
    "Ashburn, VA",
    "San Jose, CA",
    "Sydney, Australia",
    "Amsterdam, Netherlands",
    "London, UK",
    "Toronto, Canada",
    "Vancouver, Canada",
    "Frankfurt, Germany",
)
_DTMF = ("RFC 2833", "Inband", "SIP INFO")
_RECEIVE = ("only_my_connections", "from_anyone")
_VERBS = ("get", "post")  # lower case here, unlike the TeXML commands
_SORTS = ("created_at", "friendly_name", "active")

APPLICATION = Shape(
    "application",
    (
        Field("id", kind=Kind.SID),
        Field("friendly_name", kind=Kind.UNTRUSTED),
        Field("active", "boolean"),
        Field("voice_url", kind=Kind.URL, format="uri"),
        Field("voice_method", enum=_VERBS),
        Field("voice_fallback_url", kind=Kind.URL, format="uri"),
        Field("status_callback", kind=Kind.URL, format="uri"),
        Field("status_callback_method", enum=_VERBS),
        Field(
            "inbound",
            "object",
            fields=(
                Field("channel_limit", "integer"),
                Field("shaken_stir_enabled", "boolean"),
                Field("sip_subdomain"),
                Field("sip_subdomain_receive_settings", enum=_RECEIVE),
            ),
        ),
        Field(
            "outbound",
            "object",
            fields=(
                Field("channel_limit", "integer"),
                Field("outbound_voice_profile_id", kind=Kind.SID),
            ),
        ),
        Field("tags", "array", kind=Kind.UNTRUSTED, items=Field("", "string", kind=Kind.UNTRUSTED)),
        Field("anchorsite_override", enum=_SITES),
        Field("dtmf_type", enum=_DTMF),
        Field("call_cost_in_webhooks", "boolean"),
        Field("first_command_timeout", "boolean"),
        Field("first_command_timeout_secs", "integer", kind=Kind.SECONDS),
        Field("created_at", kind=Kind.TIME),
        Field("updated_at", kind=Kind.TIME),
        Field("record_type"),
    ),
)

_META = (
    Field("page_number", "integer"),
    Field("page_size", "integer"),
    Field("total_pages", "integer"),
    Field("total_results", "integer"),
)

_ID = Param("id", kind=Kind.SID, required=True)

_SETTINGS = (
    Param("friendly_name", required=True),
    url("voice_url", required=True, format="uri"),
    choice("voice_method", *_VERBS, default="post"),
    url("voice_fallback_url", format="uri"),
    flag("active", default=True),
    url("status_callback", format="uri"),
    choice("status_callback_method", *_VERBS, default="post"),
    Param(
        "inbound",
        "object",
        fields=(
            Param("channel_limit", "integer", unit="calls"),
            flag("shaken_stir_enabled", default=False),
            Param("sip_subdomain", doc="Of sip.telnyx.com"),
            choice("sip_subdomain_receive_settings", *_RECEIVE, default="from_anyone"),
        ),
    ),
    Param(
        "outbound",
        "object",
        fields=(
            Param("channel_limit", "integer", unit="calls"),
            Param("outbound_voice_profile_id", kind=Kind.SID),
        ),
    ),
    Param("tags", "array", items=Param("")),
    choice("anchorsite_override", *_SITES, default="Latency"),
    choice("dtmf_type", *_DTMF, default="RFC 2833"),
    flag("call_cost_in_webhooks", default=False),
    flag("first_command_timeout", default=False),
    Param("first_command_timeout_secs", "integer", default=30, unit="s"),
)

_RULES = (NoEffect(("first_command_timeout_secs",), unless=Is("first_command_timeout", True)),)

_PATH = "/texml_applications"

LIST_APPLICATIONS = Endpoint(
    "list_applications",
    "List TeXML applications",
    "GET",
    _PATH,
    "applications",
    "List TeXML applications; their id is ApplicationSid.",
    effect=Effect.READ,
    shape=APPLICATION,
    page=Page(PageStyle.NUMBERED, "data", _META),
    query=(
        Param("filter[friendly_name]", doc="Part of the name", min_length=3),
        Param("filter[outbound_voice_profile_id]", kind=Kind.SID),
        choice("sort", *_SORTS, *(f"-{key}" for key in _SORTS), default="created_at"),
        Param("page[number]", "integer", default=1, minimum=1),
        Param("page[size]", "integer", default=250, minimum=1, maximum=250, unit="records"),
    ),
    idempotent=True,
    errors=(400, 401, 403),
)

CREATE_APPLICATION = Endpoint(
    "create_application",
    "Create a TeXML application",
    "POST",
    _PATH,
    "applications",
    "",
    effect=Effect.CREATE,
    shape=APPLICATION,
    body="json",
    success=201,
    envelope="data",
    body_params=_SETTINGS,
    rules=_RULES,
    risks=(
        Risk(RiskClass.CONFIG, "adds an application that can take and place calls"),
        Risk(RiskClass.EXPOSES, "anyone may call its SIP subdomain", when=Given("inbound")),
    ),
    settles="list_applications",
    errors=(401, 403, 404, 422),
)

GET_APPLICATION = Endpoint(
    "get_application",
    "Read a TeXML application",
    "GET",
    f"{_PATH}/{{id}}",
    "applications",
    "",
    effect=Effect.READ,
    shape=APPLICATION,
    envelope="data",
    path_params=(_ID,),
    idempotent=True,
    errors=(400, 401, 403, 404),
)

UPDATE_APPLICATION = Endpoint(
    "update_application",
    "Change a TeXML application",
    "PATCH",
    f"{_PATH}/{{id}}",
    "applications",
    "Change an application. voice_url and active affect every future caller.",
    effect=Effect.UPDATE,
    shape=APPLICATION,
    body="json",
    envelope="data",
    path_params=(_ID,),
    body_params=_SETTINGS,
    rules=_RULES,
    risks=(
        Risk(RiskClass.CONFIG, "re-routes every future caller"),
        Risk(RiskClass.INTERRUPTS, "new callers are no longer answered", when=Is("active", False)),
        Risk(RiskClass.EXPOSES, "changes who may call its SIP subdomain", when=Given("inbound")),
    ),
    idempotent=True,
    settles="get_application",
    errors=(400, 401, 403, 404, 422),
)

DELETE_APPLICATION = Endpoint(
    "delete_application",
    "Delete a TeXML application",
    "DELETE",
    f"{_PATH}/{{id}}",
    "applications",
    "Delete an application; numbers on it stop being answered.",
    effect=Effect.DELETE,
    shape=APPLICATION,
    envelope="data",
    path_params=(_ID,),
    risks=(
        Risk(RiskClass.DESTROYS, "the application cannot be brought back"),
        Risk(RiskClass.CONFIG, "numbers on it lose their handler"),
        Risk(RiskClass.INTERRUPTS, "callers are no longer answered"),
    ),
    idempotent=True,
    settles="get_application",
    errors=(400, 401, 403, 404),
)

ENDPOINTS = (
    LIST_APPLICATIONS,
    CREATE_APPLICATION,
    GET_APPLICATION,
    UPDATE_APPLICATION,
    DELETE_APPLICATION,
)
