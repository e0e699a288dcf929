"""The HTTP application: `/mcp` for both eras, health, and what people look at, behind the same fences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from texml_mcp.call import Services
from texml_mcp.gate.external import Queue
from texml_mcp.server.admission import Admission
from texml_mcp.server.app import build_server
from texml_mcp.server.http.addresses import addresses
from texml_mcp.server.http.auth import Verifier, auth_settings, proved_principal
from texml_mcp.server.http.fences import Fences
from texml_mcp.server.http.health import HEALTHZ, READYZ, Probe, health_routes
from texml_mcp.server.http.keys import keys_of
from texml_mcp.server.http.traffic import Traffic
from texml_mcp.server.pages import Desk, page_routes
from texml_mcp.server.reach import Reach
from texml_mcp.server.telemetry.calls import Telemetry
from texml_mcp.settings import Settings

if TYPE_CHECKING:
    from texml_mcp.identity.verify import Identities

PATH = "/mcp"
LARGEST_BODY = 1024 * 1024
MOST_SESSIONS = 2000


@dataclass(frozen=True, slots=True)
class HttpApp:
    """The application, and what its server needs to stop it well."""

    asgi: ASGIApp
    traffic: Traffic


def build_app(
    settings: Settings,
    services: Services,
    *,
    identities: Identities | None,
    queue: Queue,
    probe: Probe,
    telemetry: Telemetry | None = None,
    more_routes: Sequence[BaseRoute] = (),
) -> HttpApp:
    """An application ready to serve. Raises `SettingsError` for a start that would be open to anybody."""
    allowed = addresses(settings)
    keys = keys_of(settings)
    traffic = Traffic(settings.concurrency)
    verifier = Verifier(identities) if identities else None
    reach = Reach(services, proved_principal) if verifier else Reach(services)
    server = build_server(
        services,
        sandbox=settings.sandbox,
        reach=reach,
        admission=Admission(traffic, settings.request_seconds),
        seal_keys=keys.states,
        telemetry=telemetry,
    )
    pages: Sequence[BaseRoute] = ()
    if verifier is not None:
        # Without identities nobody could tell an approver from whoever asked.
        pages = page_routes(
            Desk(
                verifier.principal,
                reach.of_principal,
                queue,
                keys.cookies,
                (settings.public_url or "").rstrip("/"),
            )
        )
    starlette = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=settings.stateless,
        max_request_body_size=LARGEST_BODY,
        max_sessions=MOST_SESSIONS,
        # Host and Origin are checked in front of everything, more strictly.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        auth=auth_settings(settings.oauth_issuer, resource(settings)) if verifier else None,
        token_verifier=verifier,
        custom_starlette_routes=[*health_routes(traffic, probe), *pages, *more_routes],  # pyright: ignore[reportArgumentType]
    )
    return HttpApp(Fences(starlette, allowed, (HEALTHZ, READYZ)), traffic)


def resource(settings: Settings) -> str | None:
    """What this server is called as an OAuth resource: where clients reach it."""
    return f"{settings.public_url.rstrip('/')}{PATH}" if settings.public_url else None
