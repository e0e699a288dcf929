"""JWTs of an OAuth issuer, as a resource server must read them: signed by it, for us, and for now."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from texml_mcp.identity.claims import check_times, client_of, principal_of
from texml_mcp.identity.identity import Identity, RefusedError
from texml_mcp.identity.keys import FETCH_SECONDS, KNOWN_ALGORITHMS, IssuerKeys
from texml_mcp.identity.names import plain
from texml_mcp.text import clean, shown

if TYPE_CHECKING:
    from jwt import PyJWK

MOST_CHARACTERS = 16 * 1024

# A signed statement of another kind (a logout, a security event, a proof of possession) has a type that
# says so, and must not pass as an access token.
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})


class JwtVerifier:
    """Accepts the JWTs of one issuer that are meant for one audience.

    `policies` are the names that the claim `texml_policy` may hold; none by default. Raises `ValueError`
    for an issuer or address that must not be used.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        jwks_url: str | None = None,
        *,
        policies: Collection[str] = (),
        fetch_seconds: float = FETCH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not audience:
            raise ValueError("the audience is empty: tokens for other services would be taken")
        self.issuer = issuer
        self.audience = audience
        self._policies = tuple(policies)
        self._keys = IssuerKeys(issuer, jwks_url, fetch_seconds=fetch_seconds, clock=clock)

    async def verify(self, token: str) -> Identity:
        """Whom the token proves. Raises `RefusedError`."""
        kid, algorithm = _header(token)
        claims = self._claims(token, await self._keys.find(kid, algorithm), algorithm)
        expires_at = check_times(claims, time.time())
        principal = principal_of(claims, self._policies)
        return Identity(
            principal,
            token_id=_token_id(token, claims),
            expires_at=expires_at,
            issuer=self.issuer,
            subject=principal.name,
            client_id=client_of(claims),
        )

    def _claims(self, token: str, keys: Sequence[PyJWK], algorithm: str) -> dict[str, Any]:
        import jwt

        problem = "no key of the issuer fits"
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[algorithm],
                    issuer=self.issuer,
                    audience=self.audience,
                    options={
                        "require": ["exp", "sub", "aud", "iss"],
                        "enforce_minimum_key_length": True,
                        # By `check_times`, which also refuses what is no number.
                        "verify_exp": False,
                        "verify_nbf": False,
                        "verify_iat": False,
                    },
                )
            except jwt.PyJWTError as error:
                problem = clean(str(error), 200)
                if not isinstance(error, jwt.InvalidSignatureError):
                    break
        raise RefusedError(problem)


def _header(token: str) -> tuple[str | None, str]:
    """The key id and the algorithm that a token names. Nothing in it is believed yet."""
    import jwt

    if len(token) > MOST_CHARACTERS:
        raise RefusedError(f"longer than {MOST_CHARACTERS} characters")
    if not token.isascii() or token.count(".") != 2:
        raise RefusedError("no token of any kind known here")
    if not all(map(_canonical, token.split("."))):
        # The bits that base64 leaves over: one signature would be valid in several spellings.
        raise RefusedError("not spelled as its issuer spells it")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise RefusedError(clean(str(error), 200)) from None
    algorithm, kind, kid = (header.get(name) for name in ("alg", "typ", "kid"))
    if not isinstance(algorithm, str) or algorithm not in KNOWN_ALGORITHMS:
        raise RefusedError(f"signed with {shown(algorithm)}, which is not taken")
    if kind is not None and (not isinstance(kind, str) or kind.lower() not in _TYPES):
        raise RefusedError(f"its type is {shown(kind)}, which is no access token")
    return kid, algorithm


def _canonical(part: str) -> bool:
    """Whether a part is the one spelling of its bytes in base64url."""
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return False
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode() == part


def _token_id(token: str, claims: dict[str, Any]) -> str:
    """The token's own id, or a short digest of it: either names it in a log, neither lets anybody in."""
    given = claims.get("jti")
    if isinstance(given, str) and given and plain(given, 100):
        return given
    return "jwt-" + hashlib.sha256(token.encode("ascii")).hexdigest()[:16]
