"""The keys of an issuer: found, fetched, kept for a while, fetched again when they are rotated."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import anyio

from texml_mcp.identity.fetching import FetchError, check_address, get_object, is_loopback
from texml_mcp.identity.identity import RefusedError
from texml_mcp.text import clean

if TYPE_CHECKING:
    from jwt import PyJWK

log = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""Age from which the keys are fetched again, so that one the issuer took back stops counting."""
KEPT_SECONDS = 3600.0
"""Age to which they count while the issuer cannot be reached. Then nobody is let in by JWT."""
EVERY_SECONDS = 30.0
"""Shortest time between two fetches: tokens with made-up key ids must not make us hammer the issuer."""
COLD_SECONDS = 5.0
"""The same while there are no keys at all, when the first fetch failed."""
FETCH_SECONDS = 5.0
MOST_KEYS = 100
MOST_TRIED = 4
"""Keys that one token is tried with, when it names none or the issuer gave several one name."""

# Signatures with a key pair only. `none` and HS* are not here: with those, a public key could sign.
ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("OKP", "Ed448"): ("EdDSA",),
}
KNOWN_ALGORITHMS = frozenset(name for names in ALGORITHMS.values() for name in names)

_KeyTable = dict[tuple[str | None, str], "list[PyJWK]"]


class IssuerKeys:
    """The keys of one issuer, by key id and algorithm.

    `jwks_url` is found through the issuer's metadata (RFC 8414, OpenID Connect) when it is None. `clock`
    answers seconds that only grow. Raises `ValueError` for an address that must not be used.
    """

    def __init__(
        self,
        issuer: str,
        jwks_url: str | None = None,
        *,
        fetch_seconds: float = FETCH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for what, url in (("issuer", issuer), ("address of the keys", jwks_url)):
            try:
                if url is not None:
                    check_address(url)
            except ValueError as error:
                raise ValueError(f"the {what} {error}") from None
        if urlsplit(issuer).query:
            raise ValueError("the issuer must not hold a query")
        self._issuer = issuer
        self._url = jwks_url
        self._fetch_seconds = fetch_seconds
        self._clock = clock
        self._keys: _KeyTable = {}
        self._fetched = -KEPT_SECONDS
        self._next_try = float("-inf")
        self._lock = anyio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> Sequence[PyJWK]:
        """The keys that a token may be signed with: one, where it names one. Raises `RefusedError`."""
        found = self._match(kid, algorithm)
        # Whoever holds a key that counts does not wait for a fetch that another request has begun.
        if self._due(found) and not (found and self._lock.locked()):
            async with self._lock:
                if self._due(self._match(kid, algorithm)):
                    await self._refresh()
            found = self._match(kid, algorithm)
        if not found:
            raise RefusedError("it names no key that the issuer has, or the issuer's keys cannot be had")
        return found

    def _match(self, kid: str | None, algorithm: str) -> Sequence[PyJWK]:
        if self._clock() - self._fetched > KEPT_SECONDS:
            return ()
        if kid is not None:
            found = self._keys.get((kid, algorithm), [])
        else:
            found = [key for (_, name), keys in self._keys.items() if name == algorithm for key in keys]
        return found[:MOST_TRIED]

    def _due(self, found: Sequence[PyJWK]) -> bool:
        now = self._clock()
        return now >= self._next_try and (not found or now - self._fetched > FRESH_SECONDS)

    async def _refresh(self) -> None:
        # Shielded: the request that happens to fetch may be cancelled, the others wait for its result.
        with anyio.CancelScope(shield=True):
            try:
                with anyio.fail_after(self._fetch_seconds):
                    self._keys = _table(await self._fetch())
                self._fetched = self._clock()
                self._next_try = self._fetched + EVERY_SECONDS
            except Exception as error:
                why = "took too long" if isinstance(error, TimeoutError) else _reason(error)
                left = KEPT_SECONDS - (self._clock() - self._fetched)
                self._next_try = self._clock() + (EVERY_SECONDS if left > 0 else COLD_SECONDS)
                so = f"those at hand count for {left:.0f} more seconds" if left > 0 else "no JWT is accepted"
                log.warning("keys of %s cannot be had: %s; %s", self._issuer, why, so)

    async def _fetch(self) -> list[Any]:
        url = self._url or await self._discover()
        keys = (await get_object(url, seconds=self._fetch_seconds)).get("keys")
        if not isinstance(keys, list):
            raise FetchError(f"{url} answered no key set")
        return cast("list[Any]", keys)

    async def _discover(self) -> str:
        """Where the metadata says the keys are. It must be the metadata of this very issuer."""
        problem: FetchError | None = None
        for url in _metadata_urls(self._issuer):
            try:
                metadata = await get_object(url, seconds=self._fetch_seconds)
            except FetchError as error:
                problem = problem or error
                continue
            if metadata.get("issuer") != self._issuer:
                problem = FetchError(f"{url} is the metadata of another issuer")
                continue
            found = metadata.get("jwks_uri")
            if isinstance(found, str) and (_local(self._issuer) or not _local(found)):
                return found
            # An issuer elsewhere has no keys on this machine: that would be a request to a neighbour of ours.
            problem = FetchError(f"{url} names no jwks_uri, or one on this machine")
        raise problem or FetchError("no metadata")


def _local(url: str) -> bool:
    check_address(url)
    return is_loopback(urlsplit(url).hostname or "")


def _metadata_urls(issuer: str) -> list[str]:
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}/.well-known", parts.path.rstrip("/")
    return list(
        dict.fromkeys(
            (
                f"{origin}/oauth-authorization-server{path}",
                f"{origin}/openid-configuration{path}",
                f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration",
            )
        )
    )


def _table(keys: list[Any]) -> _KeyTable:
    table: _KeyTable = {}
    for jwk in keys[:MOST_KEYS]:
        for kid, algorithm, key in _usable(jwk):
            table.setdefault((kid, algorithm), []).append(key)
    if not table:
        # The issuer's word all the same: keys that it no longer publishes do not count.
        log.warning("the issuer publishes no key that can be used")
    return table


def _usable(jwk: Any) -> Iterator[tuple[str | None, str, PyJWK]]:
    """Each algorithm that a published key may be used for; nothing for a key that is not for signatures."""
    from jwt import PyJWK

    if not isinstance(jwk, dict):
        return
    data = cast("dict[str, Any]", jwk)
    kid, kty, curve, operations = (data.get(name) for name in ("kid", "kty", "crv", "key_ops"))
    if not isinstance(kty, str) or not (kid is None or isinstance(kid, str)):
        return
    if data.get("use", "sig") != "sig":
        return
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return
    if "d" in data:
        log.warning("the issuer publishes a private key; it is not used")
        return
    family = (kty, None) if kty == "RSA" else (kty, curve if isinstance(curve, str) else None)
    for algorithm in ALGORITHMS.get(family, ()):
        if data.get("alg", algorithm) != algorithm:
            continue
        try:
            yield kid, algorithm, PyJWK(data, algorithm=algorithm)
        except Exception as error:  # whatever a malformed key makes the library raise, the others still count
            log.warning("a key of the issuer cannot be used: %s", type(error).__name__)


def _reason(error: Exception) -> str:
    return clean(str(error), 300) if isinstance(error, FetchError) else type(error).__name__
