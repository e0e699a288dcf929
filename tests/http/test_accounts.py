"""Several accounts, each with a key of its own: no call ever goes out under the key of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import serving as sandbox_on_a_port
from tests.e2e.conftest import story
from tests.http.service import Service, serving, token_for
from tests.lengths import few
from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.fixture import world_from

pytestmark = pytest.mark.anyio

NORTH, SOUTH = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def _clinic(account: str, name: str) -> dict[str, Any]:
    application = {"id": f"1{account[:1] * 18}", "friendly_name": name, "voice_url": "https://t.example.com/"}
    return {"account_sid": account, "seed": name, "applications": [application]}


@dataclass
class Offices:
    """A server for both accounts, the tokens of its people, and the networks it reaches."""

    service: Service
    given: dict[str, str]
    worlds: Worlds


@pytest.fixture(scope="module", params=few(["auto", "legacy"], 1))
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def running(era: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    """On a sandbox with a world for each account, under a key of its own.

    The clients of each era have their own: a call that both make would be asked about the second time.
    """
    place, worlds = tmp_path_factory.mktemp("offices"), Worlds()
    accounts = place / "accounts.toml"
    accounts.write_text(
        f'[accounts."{NORTH}"]\nname = "North"\nkey_env = "NORTH_KEY"\n'
        f'[accounts."{SOUTH}"]\nname = "South"\nkey_file = "south.key"\n'
    )
    (place / "south.key").write_text("sandbox-south\n")
    file = place / "tokens.toml"
    given = {
        "both": token_for(file, "both"),
        "south": token_for(file, "southerner", "operator", SOUTH),
    }
    flags = ("--accounts-file", str(accounts), "--tokens-file", str(file), "--policy", "sandbox")
    with (
        sandbox_on_a_port(worlds) as url,
        serving(
            place / "server.log",
            *(*flags, "--base-url", url, "--state-dir", str(place / "state")),
            NORTH_KEY="sandbox-north",
        ) as service,
    ):
        yield Offices(service, given, worlds)


@pytest.fixture
def offices(running: Offices) -> tuple[Service, dict[str, str], Worlds]:
    """With nothing on either network yet."""
    running.worlds.put("sandbox-north", world_from(_clinic(NORTH, "North clinic")))
    running.worlds.put("sandbox-south", world_from(_clinic(SOUTH, "South clinic")))
    return running.service, running.given, running.worlds


async def test_each_account_is_reached_with_its_own_key(
    offices: tuple[Service, dict[str, str], Worlds], era: str
) -> None:
    service, given, worlds = offices
    async with service.client(era, given["both"]) as client:
        for account in (NORTH, SOUTH):
            made = story(
                await client.call_tool("create_queue", {"account_sid": account, "FriendlyName": account[:4]})
            )
            assert made["status"] == "ok", made
    assert list(worlds.known("sandbox-north").table("queues")) == ["1111"]
    assert list(worlds.known("sandbox-south").table("queues")) == ["2222"]


async def test_a_call_without_an_account_goes_to_the_callers_own(
    offices: tuple[Service, dict[str, str], Worlds], era: str
) -> None:
    service, given, _ = offices
    for who, name in (("both", "North clinic"), ("south", "South clinic")):
        async with service.client(era, given[who]) as client:
            found = story(await client.call_tool("list_applications", {}))["items"]
            assert [each["friendly_name"] for each in found] == [name]
    async with service.client(era, given["both"], headers={"texml-account": SOUTH}) as client:
        found = story(await client.call_tool("list_applications", {}))["items"]
        assert [each["friendly_name"] for each in found] == ["South clinic"]


async def test_an_account_that_is_not_ones_own_or_not_known_is_denied(
    offices: tuple[Service, dict[str, str], Worlds], era: str
) -> None:
    service, given, worlds = offices
    for who, account in (("south", NORTH), ("both", "33333333-3333-4333-8333-333333333333")):
        async with service.client(era, given[who]) as client:
            refused = story(
                await client.call_tool("create_queue", {"account_sid": account, "FriendlyName": "mine"})
            )
            assert (refused["status"], refused["code"]) == ("denied", "account_not_allowed")
            assert refused["outcome"] == "not_sent"
    assert not worlds.known("sandbox-north").table("queues")


async def test_the_question_names_the_account_and_a_yes_is_for_that_one_only(
    offices: tuple[Service, dict[str, str], Worlds], era: str
) -> None:
    service, given, worlds = offices
    secret = {"name": "greeting", "value": "hello there"}
    async with service.client(era, given["both"]) as client:
        asked = story(await client.call_tool("create_secret", secret))
        assert asked["status"] == "confirmation_required"
        assert f"On account {NORTH} (North)." in asked["preview"]
    # The same words on another account are another call: the token is not for it.
    async with service.client(era, given["both"], headers={"texml-account": SOUTH}) as client:
        again = story(
            await client.call_tool("create_secret", {**secret, "confirm_token": asked["confirm_token"]})
        )
        assert again["status"] == "confirmation_required"
        assert f"On account {SOUTH} (South)." in again["preview"]
        done = story(
            await client.call_tool("create_secret", {**secret, "confirm_token": again["confirm_token"]})
        )
        assert done["status"] == "ok", done
    assert not worlds.known("sandbox-north").table("secrets")
    assert list(worlds.known("sandbox-south").table("secrets")) == ["greeting"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "accounts"),
        ("accounts = 3", "accounts"),
        ('[accounts."A"]\n', "key_env"),
        ('[accounts."A"]\nkey = "sandbox-a"\n', "'key' is not known"),
        ('[accounts."A"]\nkey_env = "NOT_SET"\n', "NOT_SET is not set"),
        ('[accounts."A"]\nkey_file = "nothing"\n', "nothing cannot be read"),
        ('[accounts."A"]\nkey_env = 3\n', "must be text"),
        ('[accounts."A"]\nkey_env = "LIVE"\n', "live key"),
        ("[accounts", "not TOML"),
    ],
)
def test_a_file_of_accounts_that_cannot_be_used_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, says: str
) -> None:
    from texml_mcp.server.services import build_services
    from texml_mcp.settings import SettingsError, load

    monkeypatch.setenv("LIVE", "KEY0123456789")
    file = tmp_path / "accounts.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=says) as refused:
        build_services(load(accounts_file=file, base_url="http://127.0.0.1:1/v2"))
    assert "KEY0123456789" not in str(refused.value)
