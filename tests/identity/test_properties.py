"""What holds of every tokens file and of every token, however wild."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.identity.issuer import AUDIENCE, Issuer, b64, running
from texml_mcp.identity import ROLES, Principal
from texml_mcp.identity.entries import Entry, TokensError, parse, render
from texml_mcp.identity.identity import Identity
from texml_mcp.identity.jwt import JwtVerifier
from texml_mcp.identity.names import key_of, problem_of
from texml_mcp.identity.verify import Identities

POLICIES = ("assistant", "operations")

LINES = [
    "version = 1",
    "[[tokens]]",
    "tokens = []",
    'id = "txm_abcdefgh"',
    'name = "maria"',
    "role = 'viewer'",
    "accounts = ['a']",
    "hash = 'sha256:" + "a" * 64 + "'",
    "created = 2026-01-01T00:00:00Z",
    "expires = 2026-01-01",
    "= ] [[",
    'x = """',
]


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(LINES), max_size=14).map("\n".join)))
@example("version = 1\n\ud800")
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_tokens_file_or_a_tokens_error(text: str) -> None:
    problem = ""
    try:
        entries = parse(text)
        assert parse(render(entries)) == entries
    except TokensError as error:
        problem = str(error)
    assert problem.isprintable()


NAMES = st.text(min_size=1, max_size=100).filter(lambda name: problem_of(name) is None)
TIMES = st.integers(-62_000_000_000, 253_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
PRINCIPALS = st.builds(
    Principal,
    NAMES,
    st.sampled_from(ROLES),
    st.lists(st.from_regex(r"\A[A-Za-z0-9_-]{1,100}\Z"), max_size=3, unique=True).map(tuple),
    st.one_of(
        st.none(), st.sampled_from(POLICIES), st.text(max_size=60).filter(str.isprintable).map("/".__add__)
    ),
)


@given(
    st.lists(
        st.tuples(PRINCIPALS, TIMES, st.none() | TIMES), max_size=5, unique_by=lambda e: key_of(e[0].name)
    )
)
@settings(max_examples=100, deadline=None)
def test_whatever_is_written_is_read_back(people: list[tuple[Principal, datetime, datetime | None]]) -> None:
    entries = tuple(
        Entry(f"txm_aaaaaaa{'abcde'[n]}", principal, f"sha256:{n:064x}", created, expires)
        for n, (principal, created, expires) in enumerate(people)
    )
    assert parse(render(entries)) == entries


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def everyone(issuer: Issuer) -> Identities:
    return Identities(jwt=JwtVerifier(issuer.url, AUDIENCE, issuer.jwks_url, policies=POLICIES))


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """A line for each of thousands of refusals helps nobody."""
    logging.getLogger("texml_mcp").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("texml_mcp").setLevel(logging.NOTSET)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["EdDSA", "RS256", "ES256", "PS256", "HS256", "none"]) | JSON,
        "kid": st.just("k1") | JSON,
        "typ": st.just("JWT") | JSON,
        "crit": JSON,
        "b64": JSON,
        "zip": st.just("DEF"),
    },
)
GARBAGE = st.one_of(
    st.text(max_size=200),
    st.binary(max_size=200).map(lambda data: data.decode("latin-1")),
    st.lists(st.binary(max_size=80).map(b64), min_size=1, max_size=5).map(".".join),
    st.tuples(
        HEADERS.map(b64),
        JSON.map(lambda value: b64(json.dumps(value).encode())),
        st.binary(max_size=80).map(b64),
    ).map(".".join),
)


@given(token=GARBAGE)
@example(token="\ud800.\ud800.\ud800")
@example(token=f"{b64(b'[' * 9000)}.e30.e30")
@example(token=f"{b64({'alg': 'EdDSA', 'kid': 'k1'})}.{b64(b'9' * 9000)}.{b64(b'x' * 64)}")
@settings(max_examples=400, deadline=None)
def test_garbage_lets_nobody_in(portal: BlockingPortal, everyone: Identities, token: str) -> None:
    assert portal.call(everyone.verify, token) is None


@pytest.fixture(scope="module")
def token(issuer: Issuer) -> str:
    """Made once: one of the next second has other letters, and what is drawn must not depend on the clock."""
    return issuer.token(texml_role="admin")


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_token_with_one_character_changed_lets_nobody_in(
    portal: BlockingPortal, everyone: Identities, token: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABab01-_=.+/ \n").filter(lambda letter: letter != token[at]))
    changed = data.draw(st.sampled_from([token[:at] + other + token[at + 1 :], token[:at] + token[at + 1 :]]))
    assert portal.call(everyone.verify, changed) is None
    assert portal.call(everyone.verify, token) is not None


@pytest.mark.long
def test_no_token_one_character_away_lets_anybody_in(
    portal: BlockingPortal, everyone: Identities, token: str
) -> None:
    """Every letter that can be sent, in every place, in one's stead or between two; or one that is gone."""
    letters = [chr(number) for number in range(128)]
    changed = {token[:at] + token[at + 1 :] for at in range(len(token))}
    for at in range(len(token) + 1):
        changed |= {token[:at] + letter + token[at + rest :] for letter in letters for rest in (0, 1)}
    changed.discard(token)

    async def let_in() -> list[str]:
        return [each for each in sorted(changed) if await everyone.verify(each)]

    assert portal.call(let_in) == []
    assert portal.call(everyone.verify, token) is not None


def test_a_signature_in_another_spelling_lets_nobody_in(
    portal: BlockingPortal, everyone: Identities, issuer: Issuer
) -> None:
    token = issuer.token(texml_role="admin")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    signature = token.rpartition(".")[2]
    content = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    same = [
        token[:-1] + letter
        for letter in letters
        if base64.urlsafe_b64decode(signature[:-1] + letter + "=" * (-len(signature) % 4)) == content
    ]
    assert len(same) > 1, "the last letter holds bits that belong to no byte"
    assert [each for each in same if portal.call(everyone.verify, each)] == [token]


CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.text(max_size=110) | JSON,
        "exp": st.integers(0, 2**40) | JSON,
        "iat": JSON,
        "nbf": JSON,
        "aud": st.just([AUDIENCE]) | JSON,
        "jti": JSON,
        "azp": JSON,
        "client_id": JSON,
        "texml_role": st.sampled_from(ROLES) | JSON,
        "texml_accounts": st.lists(st.sampled_from(["a", "b-1", "../c"])) | JSON,
        "texml_policy": st.sampled_from([*POLICIES, "sandbox", "/etc/passwd"]) | JSON,
    },
)


@given(claims=CLAIMS)
@example(claims={"jti": "\U00018cd6"})  # a letter that this version of Unicode may not have yet
@example(claims={"jti": "\ue000"})
@example(claims={"azp": "\ue000", "client_id": "\ue000"})
@settings(max_examples=400, deadline=None)
def test_whoever_the_issuer_signs_for_has_no_more_than_the_claims_say(
    portal: BlockingPortal, everyone: Identities, issuer: Issuer, claims: dict[str, Any]
) -> None:
    # As JSON would carry it, so that what is compared is what was signed.
    wire = b64(json.dumps(issuer.claims(**claims)).encode())
    signed = f"{b64({'alg': 'EdDSA', 'kid': issuer.kid})}.{wire}"
    proved: Identity | None = portal.call(
        everyone.verify, f"{signed}.{b64(issuer.private.sign(signed.encode()))}"
    )
    if proved is None:
        return
    principal = proved.principal
    assert principal.name == claims.get("sub", "user-1")
    assert problem_of(principal.name) is None
    assert principal.role == claims.get("texml_role", "viewer")
    assert (principal.accounts == ()) == ("texml_accounts" not in claims)
    assert set(principal.accounts) <= {"a", "b-1"} or isinstance(claims["texml_accounts"], (str, list))
    assert principal.policy == claims.get("texml_policy")
    assert principal.policy in (None, *POLICIES)
    for text in (proved.token_id, proved.client_id or ""):
        assert text.isprintable()
