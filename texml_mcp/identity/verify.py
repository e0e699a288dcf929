"""Who a bearer token is: a token of the tokens file, a JWT of the issuer, or nobody."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from texml_mcp.identity.identity import Identity, RefusedError
from texml_mcp.identity.names import TOKEN_PREFIX
from texml_mcp.text import clean

if TYPE_CHECKING:
    from texml_mcp.identity.jwt import JwtVerifier
    from texml_mcp.identity.tokens import TokenFile

log = logging.getLogger(__name__)


class Identities:
    """Everyone who may connect. With neither tokens nor an issuer, nobody may."""

    def __init__(self, *, tokens: TokenFile | None = None, jwt: JwtVerifier | None = None) -> None:
        self._tokens = tokens
        self._jwt = jwt

    async def verify(self, token: str) -> Identity | None:
        """Whom the token proves, or None: not allowed. Never raises; why not is logged, without the token."""
        try:
            return await self._verify(token)
        except RefusedError as error:
            log.warning("a token was refused: %s", clean(str(error)))
        except Exception as error:
            # Only its kind: the words of an unforeseen error may hold the token.
            log.error("a token could not be checked, so it was refused: %s", type(error).__name__)
        return None

    async def _verify(self, token: str) -> Identity:
        if token.startswith(TOKEN_PREFIX):
            if self._tokens is None:
                raise RefusedError("there is no tokens file")
            return self._tokens.find(token)
        if self._jwt is None:
            raise RefusedError("no token of any kind known here")
        identity = await self._jwt.verify(token)
        # One name is one principal: its approvals are not somebody else's who has the name elsewhere.
        if self._tokens is not None and self._tokens.names(identity.principal.name):
            raise RefusedError(f"a JWT for {identity.principal.name}, a name of the tokens file")
        return identity
