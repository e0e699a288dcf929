"""JWTs that are taken, and every kind that is not."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from jwt.algorithms import OKPAlgorithm

from tests.identity.issuer import (
    AUDIENCE,
    PRIVATE_KEYS,
    RSA,
    In,
    Issuer,
    b64,
    new_key,
    public_jwk,
    signed_with_public_key,
)
from texml_mcp.identity import Principal
from texml_mcp.identity.jwt import JwtVerifier
from texml_mcp.identity.verify import Identities


async def test_a_plain_token_is_a_viewer_of_every_account(issuer: Issuer, identities: Identities) -> None:
    proved = await identities.verify(issuer.token())
    assert proved is not None
    assert proved.principal == Principal("user-1", "viewer")
    assert (proved.issuer, proved.subject, proved.client_id) == (issuer.url, "user-1", None)
    assert proved.expires_at is not None
    assert proved.expires_at > time.time() + 600


async def test_claims_give_role_accounts_and_policy(issuer: Issuer, identities: Identities) -> None:
    token = issuer.token(
        sub="auth0|maría",
        texml_role="approver",
        texml_accounts=["acc-1", "acc-2", "acc-1"],
        texml_policy="operations",
        azp="console",
        jti="t-7",
    )
    proved = await identities.verify(token)
    assert proved is not None
    assert proved.principal == Principal("auth0|maría", "approver", ("acc-1", "acc-2"), "operations")
    assert (proved.client_id, proved.token_id) == ("console", "t-7")


@pytest.mark.parametrize("text", ["acc-1 acc-2", " acc-1,acc-2\n", "acc-1, acc-2"])
async def test_accounts_may_be_text(issuer: Issuer, identities: Identities, text: str) -> None:
    proved = await identities.verify(issuer.token(texml_accounts=text))
    assert proved is not None
    assert proved.principal.accounts == ("acc-1", "acc-2")


@pytest.mark.parametrize("algorithm", PRIVATE_KEYS)
async def test_every_algorithm_of_key_pairs_is_taken(
    issuer: Issuer, identities: Identities, algorithm: str
) -> None:
    issuer.private = PRIVATE_KEYS[algorithm]
    issuer.publish()
    assert await identities.verify(issuer.token(algorithm=algorithm)) is not None


async def test_an_ed448_key_is_taken(issuer: Issuer, identities: Identities) -> None:
    issuer.private = ed448.Ed448PrivateKey.generate()
    issuer.publish()
    assert await identities.verify(issuer.token()) is not None


TAKEN: dict[str, dict[str, Any]] = {
    "an audience among others": {"aud": ["https://other.example", AUDIENCE]},
    "expired within the leeway": {"exp": In(-5), "iat": In(-60)},
    "in force within the leeway": {"nbf": In(10), "iat": In(10)},
    "no time of issue": {"iat": ...},
    "fractions of seconds": {"exp": In(60.5)},
    "a subject of a hundred characters": {"sub": "ü" * 100},
}


@pytest.mark.parametrize("claims", TAKEN.values(), ids=TAKEN.keys())
async def test_it_is_taken(issuer: Issuer, identities: Identities, claims: dict[str, Any]) -> None:
    assert await identities.verify(issuer.token(**claims)) is not None


REFUSED: dict[str, dict[str, Any]] = {
    "expired": {"exp": In(-60), "iat": In(-600)},
    "no expiry": {"exp": ...},
    "an expiry that is text": {"exp": "2000000000"},
    "an expiry that is a truth value": {"exp": True},
    "an expiry that is no number": {"exp": float("nan")},
    "an endless expiry": {"exp": float("inf")},
    "an expiry after all calendars": {"exp": 10**300},
    "an expiry that is null": {"exp": None},
    "not in force yet": {"nbf": In(600)},
    "a start that is a truth value": {"nbf": True},
    "a time of issue that is a truth value": {"iat": True},
    "a start that is text": {"nbf": "now"},
    "issued in the future": {"iat": In(600)},
    "issued after it ends": {"iat": In(20), "exp": In(10)},
    "another issuer": {"iss": "https://evil.example"},
    "the issuer with a slash": {"iss": ""},
    "no issuer": {"iss": ...},
    "another audience": {"aud": "https://other.example"},
    "an audience that only begins the same": {"aud": AUDIENCE + "/x"},
    "an empty audience": {"aud": []},
    "an audience that is a table": {"aud": {AUDIENCE: 1}},
    "audiences that are not text": {"aud": [AUDIENCE, 1]},
    "no audience": {"aud": ...},
    "no subject": {"sub": ...},
    "a subject that is a number": {"sub": 7},
    "an empty subject": {"sub": ""},
    "a blank subject": {"sub": "  "},
    "a long subject": {"sub": "x" * 101},
    "a subject with a newline": {"sub": "a\nb"},
    "a subject with a null": {"sub": "a\0"},
    "a subject with an escape": {"sub": "a\x1b[31m"},
    "a subject that turns the text around": {"sub": "a\u202eb"},
    "a subject with an invisible character": {"sub": "a\u200bb"},
    "a subject with a tag character": {"sub": "a\U000e0041"},
    "a subject with a lone surrogate": {"sub": "a\ud800"},
    "a subject with a space at the end": {"sub": "maria "},
    "a subject that is not composed": {"sub": "mari\u0301a"},
    "a subject in full-width letters": {"sub": "ｍaria"},
    "a subject like a token": {"sub": "txm_abcdefgh"},
    "an unknown role": {"texml_role": "root"},
    "a role in capitals": {"texml_role": "Admin"},
    "a list of roles": {"texml_role": ["admin"]},
    "a role that is null": {"texml_role": None},
    "no account": {"texml_accounts": []},
    "accounts that are blank": {"texml_accounts": " , "},
    "accounts that are null": {"texml_accounts": None},
    "an account that is a list": {"texml_accounts": [["acc-1"]]},
    "an account that is a number": {"texml_accounts": [1]},
    "an account that is a path": {"texml_accounts": ["../x"]},
    "a hundred and one accounts": {"texml_accounts": [f"a{n}" for n in range(101)]},
    "a policy that is a path": {"texml_policy": "/etc/passwd"},
    "a policy that climbs": {"texml_policy": "../assistant"},
    "a policy nobody ships": {"texml_policy": "mine"},
    "a shipped policy this server was not told of": {"texml_policy": "sandbox"},
    "a policy that is a list": {"texml_policy": ["assistant"]},
    "a policy that is null": {"texml_policy": None},
}


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED.keys())
async def test_it_is_refused(
    issuer: Issuer, identities: Identities, claims: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    if claims.get("iss") == "":
        claims = {"iss": issuer.url + "/"}
    token = issuer.token(**claims)
    assert await identities.verify(token) is None
    assert "a token was refused" in caplog.text
    assert token not in caplog.text
    assert await identities.verify(issuer.token()) is not None


HEADERS: dict[str, dict[str, Any]] = {
    "another type": {"typ": "logout+jwt"},
    "a type that is a number": {"typ": 1},
    "a critical extension": {"crit": ["x"], "x": 1},
    "an unknown key": {"kid": "k2"},
    "a key that is a path": {"kid": "../../dev/null"},
    "a key of its own": {"kid": "k2", "jwk": public_jwk(PRIVATE_KEYS["EdDSA"])},
    "a key address of its own": {"kid": "k2", "jku": "https://evil.example/jwks"},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
async def test_a_header_is_refused(issuer: Issuer, identities: Identities, headers: dict[str, Any]) -> None:
    assert await identities.verify(issuer.token(headers=headers)) is None


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "AT+JWT", None])
async def test_types_of_access_tokens_are_taken(
    issuer: Issuer, identities: Identities, kind: str | None
) -> None:
    assert await identities.verify(issuer.token(headers={"typ": kind})) is not None


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256", "HS512", "ES256K", "RS1"])
async def test_an_unsigned_or_symmetric_token_is_refused(
    issuer: Issuer, identities: Identities, alg: str
) -> None:
    head = b64({"alg": alg, "kid": issuer.kid, "typ": "JWT"})
    for signature in ("", b64(b"x" * 64)):
        assert await identities.verify(f"{head}.{b64(issuer.claims())}.{signature}") is None


async def test_the_public_key_is_no_secret_to_sign_with(issuer: Issuer, identities: Identities) -> None:
    issuer.private = RSA
    issuer.publish()
    assert await identities.verify(issuer.token(algorithm="RS256")) is not None
    assert await identities.verify(signed_with_public_key(issuer.claims(), issuer.kid)) is None


async def test_a_symmetric_key_in_the_key_set_is_not_used(issuer: Issuer, identities: Identities) -> None:
    secret = b"s" * 32
    issuer.publish({"kty": "oct", "k": b64(secret), "kid": issuer.kid, "alg": "HS256"})
    token = jwt.encode(issuer.claims(), secret, algorithm="HS256", headers={"kid": issuer.kid})
    assert await identities.verify(token) is None


async def test_a_token_signed_by_another_key_under_a_known_id_is_refused(
    issuer: Issuer, identities: Identities
) -> None:
    token = jwt.encode(issuer.claims(), new_key(), algorithm="EdDSA", headers={"kid": issuer.kid})
    assert await identities.verify(token) is None


async def test_a_key_counts_for_its_own_algorithm_only(issuer: Issuer, identities: Identities) -> None:
    issuer.private = RSA
    issuer.publish(public_jwk(RSA, kid=issuer.kid, alg="PS256"))
    assert await identities.verify(issuer.token(algorithm="RS256")) is None
    assert await identities.verify(issuer.token(algorithm="PS256")) is not None


UNFIT: dict[str, dict[str, Any]] = {
    "for encryption": {"use": "enc"},
    "for signing only": {"key_ops": ["sign"]},
    "private": OKPAlgorithm.to_jwk(PRIVATE_KEYS["EdDSA"], as_dict=True) | {"key_ops": ["verify"]},
    "with an id that is a number": {"kid": 1},
}


@pytest.mark.parametrize("more", UNFIT.values(), ids=UNFIT.keys())
async def test_a_key_that_is_not_for_verifying_is_not_used(
    issuer: Issuer, identities: Identities, more: dict[str, Any]
) -> None:
    issuer.publish({**public_jwk(issuer.private, kid=issuer.kid), **more})
    assert await identities.verify(issuer.token()) is None


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
async def test_a_weak_rsa_key_is_not_used(issuer: Issuer, identities: Identities) -> None:
    issuer.private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    issuer.publish()
    assert await identities.verify(issuer.token(algorithm="RS256")) is None


async def test_without_a_key_id_each_key_is_tried(issuer: Issuer, identities: Identities) -> None:
    issuer.publish(public_jwk(new_key()), public_jwk(issuer.private), public_jwk(RSA))
    assert await identities.verify(issuer.token(headers={"kid": ...})) is not None
    foreign = jwt.encode(issuer.claims(), new_key(), algorithm="EdDSA")
    assert await identities.verify(foreign) is None


async def test_a_huge_token_is_refused_before_anything_is_fetched(
    issuer: Issuer, identities: Identities
) -> None:
    assert await identities.verify(issuer.token(padding="x" * 20_000)) is None
    assert await identities.verify("." * 5_000_000) is None
    assert issuer.asked == []
    assert await identities.verify(issuer.token(groups=["g" * 20] * 300)) is not None


@pytest.mark.parametrize(
    ("issuer_url", "audience", "jwks_url"),
    [
        ("http://login.example", AUDIENCE, None),
        ("ftp://login.example", AUDIENCE, None),
        ("login.example", AUDIENCE, None),
        ("", AUDIENCE, None),
        ("https://user:secret@login.example", AUDIENCE, None),
        ("https://login.example?x=1", AUDIENCE, None),
        ("https://login.example/\u202e", AUDIENCE, None),
        ("https://login.example:port", AUDIENCE, None),
        ("https://[::1", AUDIENCE, None),
        ("https://login.example", "", None),
        ("https://login.example", AUDIENCE, "http://127.0.0.1.evil.example/jwks"),
        ("https://login.example", AUDIENCE, "http://localhost@evil.example/jwks"),
        ("https://login.example", AUDIENCE, "file:///etc/passwd"),
    ],
)
def test_an_address_that_anybody_could_answer_stops_the_start(
    issuer_url: str, audience: str, jwks_url: str | None
) -> None:
    with pytest.raises(ValueError, match=r"address|must|audience"):
        JwtVerifier(issuer_url, audience, jwks_url)
