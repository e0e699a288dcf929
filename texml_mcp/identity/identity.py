"""A principal together with what proved it: what a verified bearer token comes to."""

from __future__ import annotations

from dataclasses import dataclass

from texml_mcp.identity.principals import Principal


class RefusedError(Exception):
    """Why a token lets nobody in. For the log, never for whoever sent it; the token is not in it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One verified token.

    `token_id` names the token in logs without being it. `expires_at` is the Unix second from which the
    token is refused, leeway included. `issuer` is None for a token of the tokens file. `subject` is unique
    for one issuer; `client_id` is the program the token was issued to, where a JWT says so.
    """

    principal: Principal
    token_id: str
    expires_at: int | None
    issuer: str | None
    subject: str
    client_id: str | None
