"""Both kinds of tokens at one door, and what the door says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.identity.issuer import AUDIENCE, Issuer
from texml_mcp.identity import Principal, editing
from texml_mcp.identity.jwt import JwtVerifier
from texml_mcp.identity.tokens import TokenFile
from texml_mcp.identity.verify import Identities


@pytest.fixture
def both(issuer: Issuer, path: Path) -> Identities:
    editing.add(path, Principal("maria", "operator"))
    return Identities(tokens=TokenFile(path), jwt=JwtVerifier(issuer.url, AUDIENCE, issuer.jwks_url))


async def test_each_kind_of_token_is_taken(both: Identities, issuer: Issuer, path: Path) -> None:
    bob = editing.add(path, Principal("bob", "admin"))
    proved = [await both.verify(bob.token), await both.verify(issuer.token(sub="carol"))]
    assert [each.principal.name for each in proved if each] == ["bob", "carol"]


async def test_a_static_token_is_not_shown_to_the_issuer(both: Identities, issuer: Issuer) -> None:
    assert await both.verify("txm_abcdefgh_" + "x" * 43) is None
    assert issuer.asked == []


@pytest.mark.parametrize("name", ["maria", "Maria", "MARIA"])
async def test_a_jwt_cannot_take_a_name_of_the_tokens_file(
    both: Identities, issuer: Issuer, path: Path, name: str
) -> None:
    token = issuer.token(sub=name, texml_role="admin")
    assert await both.verify(token) is None
    editing.revoke(path, "maria")
    proved = await both.verify(token)
    assert proved is not None
    assert proved.principal.name == name


async def test_with_no_way_to_be_known_nobody_is_let_in(issuer: Issuer, path: Path) -> None:
    nobody = Identities()
    issued = editing.add(path, Principal("maria"))
    assert await nobody.verify(issued.token) is None
    assert await nobody.verify(issuer.token()) is None


async def test_an_unforeseen_failure_lets_nobody_in_and_does_not_tell_the_token(
    both: Identities, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.token()

    def fails(text: str) -> None:
        raise MemoryError(text)

    monkeypatch.setattr("texml_mcp.identity.jwt._header", fails)
    assert await both.verify(token) is None
    assert "MemoryError" in caplog.text
    assert token not in caplog.text


async def test_a_refusal_is_one_line_whatever_the_token_says(
    both: Identities, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.token(headers={"crit": ["x\nroot let in\x1b[2J"]})
    assert await both.verify(token) is None
    (record,) = caplog.records
    assert record.getMessage().isprintable()
