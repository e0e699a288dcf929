"""What the tests of identities share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.identity.issuer import AUDIENCE, Clock, Issuer, running
from texml_mcp.identity.jwt import JwtVerifier
from texml_mcp.identity.verify import Identities


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identities(issuer: Issuer, clock: Clock) -> Identities:
    """Those whom the issuer vouches for."""
    verifier = JwtVerifier(
        issuer.url, AUDIENCE, issuer.jwks_url, policies=("assistant", "operations"), clock=clock
    )
    return Identities(jwt=verifier)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"
