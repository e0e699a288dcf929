"""The issuer's keys: rotated, gone, slow, wrong, moved. Nobody is let in by a key that does not count."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.identity.issuer import AUDIENCE, Clock, Issuer, new_key, public_jwk, running
from texml_mcp.identity.jwt import JwtVerifier
from texml_mcp.identity.verify import Identities


async def test_keys_are_fetched_once_for_many_tokens(issuer: Issuer, identities: Identities) -> None:
    for _ in range(5):
        assert await identities.verify(issuer.token()) is not None
    assert issuer.asked == ["/jwks"]


async def test_many_at_once_share_one_fetch(issuer: Issuer, identities: Identities) -> None:
    issuer.delay = 0.1
    proved: list[object] = []

    async def one() -> None:
        proved.append(await identities.verify(issuer.token()))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
    assert len(proved) == 20
    assert None not in proved
    assert issuer.asked == ["/jwks"]


async def test_a_rotated_key_is_fetched_when_a_token_names_it(
    issuer: Issuer, identities: Identities, clock: Clock
) -> None:
    old = issuer.token()
    assert await identities.verify(old) is not None
    issuer.rotate("k2")
    clock.now += 31
    assert await identities.verify(issuer.token()) is not None
    assert await identities.verify(old) is None


async def test_made_up_key_ids_do_not_make_us_hammer_the_issuer(
    issuer: Issuer, identities: Identities, clock: Clock
) -> None:
    assert await identities.verify(issuer.token()) is not None
    for second in range(60):
        clock.now += 1
        for n in range(3):
            assert await identities.verify(issuer.token(headers={"kid": f"x{second}-{n}"})) is None
    assert len(issuer.asked) <= 3


async def test_a_key_that_is_taken_back_stops_counting(
    issuer: Issuer, identities: Identities, clock: Clock
) -> None:
    token = issuer.token()
    assert await identities.verify(token) is not None
    issuer.publish(public_jwk(new_key(), kid="k2"))
    clock.now += 301
    assert await identities.verify(token) is None


async def test_an_empty_key_set_is_the_issuers_word(
    issuer: Issuer, identities: Identities, clock: Clock
) -> None:
    assert await identities.verify(issuer.token()) is not None
    issuer.answers["/jwks"] = {"keys": []}
    clock.now += 301
    assert await identities.verify(issuer.token()) is None


OUTAGES: dict[str, Any] = {
    "an error": (503, {}, b""),
    "not there": (404, {}, b""),
    "no JSON": b"<html>sign in</html>",
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
    "a list": [],
    "no keys": {"key": []},
    "keys that are a table": {"keys": {"k1": {}}},
    "thousands of brackets": b'{"keys":' + b"[" * 100_000,
    "a megabyte": b'{"keys": [' + b" " * 1_000_000 + b"]}",
    "packed": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b"),
    "half an answer": (200, {"Content-Length": "5000"}, b'{"keys": ['),
    "a redirect": (302, {"Location": "/elsewhere"}, b""),
    "a permanent redirect": (308, {"Location": "http://localhost:1/jwks"}, b""),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
async def test_known_keys_count_for_an_hour_of_outage_then_nobody_is_let_in(
    issuer: Issuer, clock: Clock, outage: Any
) -> None:
    issuer.answers["/elsewhere"] = issuer.answers["/jwks"]
    identities = Identities(
        jwt=JwtVerifier(issuer.url, AUDIENCE, issuer.jwks_url, clock=clock, fetch_seconds=3.0)
    )
    assert await identities.verify(issuer.token()) is not None
    good, issuer.answers["/jwks"] = issuer.answers["/jwks"], outage
    clock.now += 3500
    assert await identities.verify(issuer.token()) is not None
    clock.now += 150
    assert await identities.verify(issuer.token()) is None
    issuer.answers["/jwks"] = good
    clock.now += 31
    assert await identities.verify(issuer.token()) is not None
    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
async def test_a_start_during_an_outage_lets_nobody_in_until_it_ends(
    issuer: Issuer, clock: Clock, outage: Any
) -> None:
    identities = Identities(
        jwt=JwtVerifier(issuer.url, AUDIENCE, issuer.jwks_url, clock=clock, fetch_seconds=3.0)
    )
    good, issuer.answers["/jwks"] = issuer.answers["/jwks"], outage
    for _ in range(3):
        assert await identities.verify(issuer.token()) is None
    assert issuer.asked == ["/jwks"]
    issuer.answers["/jwks"] = good
    clock.now += 6
    assert await identities.verify(issuer.token()) is not None


@pytest.mark.parametrize("status", [201, 206, 302, 401, 500])
async def test_keys_in_any_other_answer_than_a_plain_one_do_not_count(
    issuer: Issuer, identities: Identities, status: int
) -> None:
    issuer.answers["/jwks"] = (status, {}, issuer.answers["/jwks"])
    assert await identities.verify(issuer.token()) is None


async def test_a_slow_issuer_is_given_up_and_known_keys_count(issuer: Issuer, clock: Clock) -> None:
    verifier = JwtVerifier(issuer.url, AUDIENCE, issuer.jwks_url, clock=clock, fetch_seconds=0.2)
    identities = Identities(jwt=verifier)
    assert await identities.verify(issuer.token()) is not None
    issuer.delay = 60
    clock.now += 301
    with anyio.fail_after(10):
        assert await identities.verify(issuer.token()) is not None
        assert await identities.verify(issuer.token(headers={"kid": "k9"})) is None


async def test_who_holds_a_known_key_does_not_wait_for_anothers_fetch(issuer: Issuer, clock: Clock) -> None:
    verifier = JwtVerifier(issuer.url, AUDIENCE, issuer.jwks_url, clock=clock, fetch_seconds=30)
    identities = Identities(jwt=verifier)
    assert await identities.verify(issuer.token()) is not None
    issuer.delay = 60
    clock.now += 301
    async with anyio.create_task_group() as group:
        group.start_soon(identities.verify, issuer.token())
        while len(issuer.asked) < 2:
            await anyio.sleep(0.01)
        with anyio.fail_after(10):
            assert await identities.verify(issuer.token()) is not None
        issuer.release()
    assert await identities.verify(issuer.token()) is not None


async def test_a_request_that_is_given_up_leaves_its_fetch_to_the_others(
    issuer: Issuer, identities: Identities
) -> None:
    issuer.delay = 0.3
    with anyio.move_on_after(0.05):
        await identities.verify(issuer.token())
    assert await identities.verify(issuer.token()) is not None
    assert issuer.asked == ["/jwks"]


async def test_nobody_listening_lets_nobody_in(clock: Clock) -> None:
    with running() as issuer:
        token = issuer.token()
        verifier = JwtVerifier(issuer.url, AUDIENCE, issuer.jwks_url, clock=clock)
    assert await Identities(jwt=verifier).verify(token) is None


async def test_broken_keys_do_not_spoil_the_others(issuer: Issuer, identities: Identities) -> None:
    broken: list[Any] = [
        1,
        {},
        {"kty": "RSA", "kid": "k1", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "kid": "k1", "n": 5},
        {"kty": ["EC"], "kid": "k1"},
        {"kty": "EC", "crv": "P-256", "kid": "k1", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "kid": "k1", "x": "AA"},
        {"kty": "EC", "crv": {}, "kid": "k1"},
    ]
    issuer.answers["/jwks"] = {"keys": [*broken, public_jwk(issuer.private, kid="k1")]}
    assert await identities.verify(issuer.token()) is not None


WELL_KNOWN = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]


@pytest.mark.parametrize("path", WELL_KNOWN)
async def test_keys_are_found_through_metadata(issuer: Issuer, path: str) -> None:
    issuer.describe(path)
    identities = Identities(jwt=JwtVerifier(issuer.url, AUDIENCE))
    assert await identities.verify(issuer.token()) is not None


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
    ],
)
async def test_the_metadata_of_a_tenant_is_found(issuer: Issuer, path: str) -> None:
    tenant = f"{issuer.url}/tenant"
    issuer.describe(path, issuer=tenant)
    identities = Identities(jwt=JwtVerifier(tenant, AUDIENCE))
    assert await identities.verify(issuer.token(iss=tenant)) is not None
    assert await identities.verify(issuer.token()) is None


MISLEADING: dict[str, dict[str, Any]] = {
    "of another issuer": {"issuer": "https://evil.example"},
    "of no issuer": {"issuer": None},
    "without an address": {"jwks_uri": None},
    "with a file": {"jwks_uri": "file:///etc/passwd"},
    "with plain http elsewhere": {"jwks_uri": "http://evil.example/jwks"},
    "with no address at all": {"jwks_uri": "https://"},
}


@pytest.mark.parametrize("metadata", MISLEADING.values(), ids=MISLEADING.keys())
async def test_misleading_metadata_lets_nobody_in(issuer: Issuer, metadata: dict[str, Any]) -> None:
    issuer.describe(WELL_KNOWN[0], **metadata)
    identities = Identities(jwt=JwtVerifier(issuer.url, AUDIENCE))
    assert await identities.verify(issuer.token()) is None
    assert "/jwks" not in issuer.asked


async def test_misleading_metadata_does_not_hide_the_right_one(issuer: Issuer) -> None:
    issuer.describe(WELL_KNOWN[0], issuer="https://evil.example")
    issuer.describe(WELL_KNOWN[1])
    identities = Identities(jwt=JwtVerifier(issuer.url, AUDIENCE))
    assert await identities.verify(issuer.token()) is not None
