"""From settings to a server that listens, or a reason why it must not."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

from texml_mcp.gate.external import Queue
from texml_mcp.server.http.addresses import has_identities, is_loopback, written
from texml_mcp.server.http.app import PATH, HttpApp, build_app, resource
from texml_mcp.server.services import build_services, build_state
from texml_mcp.server.telemetry.approvals import waiting
from texml_mcp.server.telemetry.calls import Telemetry
from texml_mcp.server.telemetry.exporting import Exporting, begin
from texml_mcp.server.telemetry.page import metrics_routes
from texml_mcp.settings import Settings, SettingsError

if TYPE_CHECKING:
    from texml_mcp.identity.verify import Identities


def serve(settings: Settings) -> None:
    """Listen until a signal asks to stop. Raises `SettingsError` when it must not start."""
    exporting = begin(page=settings.metrics)
    try:
        _listen(settings, assemble(settings, exporting))
    finally:
        exporting.stop()


def _listen(settings: Settings, app: HttpApp) -> None:
    from texml_mcp.server.http.serving import bind, run

    try:
        sock = bind(settings.host, settings.port)
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        other = "Choose another --port, or 0 for a free one." if taken else "Is --host one of this machine's?"
        raise SettingsError(
            f"Cannot listen on {written(settings.host, settings.port)}: {error.strerror}. {other}"
        ) from None
    at_port = written(settings.host, sock.getsockname()[1])

    def ready() -> None:
        at = f"http://{at_port}"
        sys.stderr.write(f"texml-mcp: serving on {at}{PATH}\n")
        if has_identities(settings):
            at = (settings.public_url or at).rstrip("/")
            sys.stderr.write(f"texml-mcp: for people, in a browser: {at}/approvals and {at}/board\n")
        elif is_loopback(settings.host):
            sys.stderr.write("texml-mcp: without identities: whoever uses this machine may connect\n")
        sys.stderr.flush()

    run(app.asgi, sock, app.traffic, ready)


def assemble(settings: Settings, exporting: Exporting | None = None) -> HttpApp:
    """The application as these settings want it. Raises `SettingsError`."""
    state = build_state(settings)
    services = build_services(settings, state)

    async def probe() -> None:
        await state.run(state.store.get, "health", "probe")

    identities, exporting = build_identities(settings), exporting or Exporting()
    return build_app(
        settings,
        services,
        identities=identities,
        queue=Queue(state),
        probe=probe,
        telemetry=Telemetry(exporting.meter, waiting=waiting(state), names=settings.trace_principals),
        more_routes=metrics_routes(exporting.registry, identified=identities is not None),
    )


def build_identities(settings: Settings) -> Identities | None:
    """Who may connect; None when nobody has to say. Raises `SettingsError`."""
    if not has_identities(settings):
        return None
    from texml_mcp.gate.policy import SHIPPED
    from texml_mcp.identity.entries import TokensError
    from texml_mcp.identity.jwt import JwtVerifier
    from texml_mcp.identity.tokens import TokenFile
    from texml_mcp.identity.verify import Identities

    tokens = jwt = None
    if settings.tokens_file is not None:
        try:
            tokens = TokenFile(settings.tokens_file)
        except TokensError as error:
            raise SettingsError(str(error)) from None
    if settings.oauth_issuer is not None:
        audience = settings.oauth_audience or resource(settings)
        if not audience:
            raise SettingsError(
                "--oauth-issuer needs --public-url or --oauth-audience: whom its tokens are for."
            )
        try:
            jwt = JwtVerifier(settings.oauth_issuer, audience, settings.oauth_jwks_url, policies=SHIPPED)
        except ValueError as error:
            raise SettingsError(f"The OAuth issuer cannot be used: {error}.") from None
    return Identities(tokens=tokens, jwt=jwt)
