"""Bearer tokens on the wire: verified by our identities, carried by the SDK's own middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from starlette.requests import Request

from texml_mcp.identity import Principal

if TYPE_CHECKING:
    from texml_mcp.identity.verify import Identities

# Required by the SDK where no OAuth issuer is; it is neither served nor asked.
NO_ISSUER = "https://unused.invalid"


class NotProvedError(Exception):
    """A request reached a handler without a principal, on a server that wants one."""


class ProvedToken(AccessToken):
    """An accepted token and whose it is. What the SDK binds sessions and states to is set from both."""

    principal: Principal


class Verifier:
    """The SDK's `TokenVerifier` over our identities."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    async def principal(self, token: str) -> Principal | None:
        """Whose token this is; None when it is not accepted. Never raises."""
        proved = await self._identities.verify(token)
        return None if proved is None else proved.principal

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token with its principal; None when it is not accepted. Never raises."""
        proved = await self._identities.verify(token)
        if proved is None:
            return None
        principal = proved.principal
        return ProvedToken(
            token=proved.token_id,  # the SDK wants a token; the secret itself is kept nowhere
            # Two tokens of one principal are one owner of its sessions.
            client_id=proved.client_id or principal.name,
            scopes=[],
            expires_at=None if proved.expires_at is None else int(proved.expires_at),
            subject=proved.subject or principal.name,
            claims={"iss": proved.issuer or NO_ISSUER},
            principal=principal,
        )


def proved_principal(request: Request) -> Principal:
    """Whose request this is. Raises `NotProvedError` when nobody has proved to be anyone."""
    user = request.scope.get("user")
    if isinstance(user, AuthenticatedUser) and isinstance(user.access_token, ProvedToken):
        return user.access_token.principal
    raise NotProvedError("no principal")


def auth_settings(issuer: str | None, resource: str | None) -> AuthSettings:
    """How the SDK announces who issues tokens; with a resource the metadata of RFC 9728 is served."""
    return AuthSettings.model_validate(
        {
            "issuer_url": issuer or NO_ISSUER,
            "resource_server_url": resource if issuer else None,
            # The audience is checked by the verifier, which knows that static tokens have none.
            "validate_token_resource": False,
        }
    )
