"""Tokens of an issuer: found through its metadata, meant for this server, roles and accounts as claims."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import story
from tests.http.service import Service, serving, token_for
from tests.http.test_fences import ACCEPT, INITIALIZE
from tests.identity.issuer import Issuer, running

pytestmark = pytest.mark.anyio

RESOURCE = "http://127.0.0.1:8000/mcp"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """A server that takes tokens of the issuer, and one of its own, `anna`'s."""
    directory: Path = tmp_path_factory.mktemp("oauth")
    file = directory / "tokens.toml"
    anna = token_for(file, "anna", "approver")
    with serving(
        *(directory / "log", "--sandbox", "--oauth-issuer", issuer.url, "--tokens-file", str(file)),
        *("--oauth-jwks-url", issuer.jwks_url, "--public-url", "http://127.0.0.1:8000"),
    ) as running_service:
        yield running_service, anna


def test_a_client_without_a_token_is_told_where_to_get_one(
    service: tuple[Service, str], issuer: Issuer
) -> None:
    refused = httpx.post(f"{service[0].url}/mcp", json=INITIALIZE, headers=ACCEPT)
    assert refused.status_code == 401
    metadata_url = "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{metadata_url}"' in refused.headers["www-authenticate"]
    metadata = httpx.get(f"{service[0].url}/.well-known/oauth-protected-resource/mcp").json()
    assert metadata["resource"] == RESOURCE
    assert metadata["authorization_servers"] == [issuer.url]


async def test_the_issuers_word_is_taken_with_role_and_accounts(
    service: tuple[Service, str], issuer: Issuer, era: str
) -> None:
    viewer = issuer.token(aud=RESOURCE, sub="vera")
    operator = issuer.token(aud=RESOURCE, sub="otto", texml_role="operator", texml_accounts="elsewhere")
    async with service[0].client(era, viewer) as client:
        assert "create_call" not in {tool.name for tool in (await client.list_tools()).tools}
        assert story(await client.call_tool("list_calls", {}))["status"] == "ok"
    async with service[0].client(era, operator) as client:
        assert "create_call" in {tool.name for tool in (await client.list_tools()).tools}
        account = {"account_sid": "61bf923e-5e4d-4595-a110-56190ea18a1b"}
        assert story(await client.call_tool("list_calls", account))["code"] == "account_not_allowed"


async def test_tokens_of_both_kinds_work_side_by_side(service: tuple[Service, str], era: str) -> None:
    async with service[0].client(era, service[1]) as client:
        assert story(await client.call_tool("list_calls", {}))["status"] == "ok"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://another.example.com/mcp"},
        {"aud": RESOURCE + "/"},
        {"aud": RESOURCE, "iss": "https://another.example.com"},
        {"aud": RESOURCE, "exp": 1_000_000_000},
        {"aud": RESOURCE, "texml_role": "owner"},
        {"aud": RESOURCE, "sub": "anna"},
        {"aud": RESOURCE, "texml_policy": "/etc/passwd"},
    ],
    ids=lambda claims: " ".join(map(str, claims)),
)
def test_a_token_for_somebody_else_or_of_somebody_else_is_refused(
    service: tuple[Service, str], issuer: Issuer, claims: dict[str, object]
) -> None:
    token = issuer.token(**{"sub": "otto", **claims})
    answer = httpx.post(
        f"{service[0].url}/mcp", json=INITIALIZE, headers={**ACCEPT, "authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401
    assert token not in service[0].logged()
