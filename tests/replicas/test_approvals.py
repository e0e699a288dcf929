"""An approval asked for on one replica and given on another works exactly once, however many copies race."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp.shared.exceptions import MCPError

from tests.e2e.conftest import YES, answering
from tests.lengths import few
from tests.redis_server import RedisServer
from tests.replicas.fleet import Fleet, Network, answered, asked_by_form, new_call, together, told
from tests.replicas.proxy import Proxy
from tests.server.pages.office import Browser, words
from texml_mcp.gate.state import AUDIT_FILE

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def stateful(
    tmp_path_factory: pytest.TempPathFactory, network: Network, replicas_redis: RedisServer
) -> Iterator[Fleet]:
    """Two servers that keep sessions for older clients; others need none."""
    made = Fleet(tmp_path_factory.mktemp("fleet") / "stateful", network, replicas_redis.url)
    yield made
    made.close()


@pytest.fixture(params=few(["stateless", "stateful"], 1))
def fleet(request: pytest.FixtureRequest) -> Fleet:
    made: Fleet = request.getfixturevalue(request.param)
    made.world.forget()
    return made


# --- forms


async def test_a_form_shown_by_one_replica_is_answered_on_another(fleet: Fleet) -> None:
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto", **answering(YES, YES)) as client:
        for route in ([0, 1], [1, 0]):
            begun = len(proxy.passed)
            proxy.then(*route)
            assert (await told(client, "create_call", new_call()))["status"] == "ok"
            assert proxy.called(begun) == route
    assert len(fleet.world.sent()) == 2


async def test_an_answered_form_counts_once_on_whatever_replica_it_is_shown_again(fleet: Fleet) -> None:
    arguments = new_call()
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto", **answering()) as client:
        proxy.then(0, 1, 0, 1)
        state = await asked_by_form(client, arguments)
        answers = [await answered(client, arguments, state) for _ in range(3)]
    assert [each["status"] for each in answers] == ["ok", "declined", "declined"]
    assert "used already" in answers[1]["summary"]
    assert len(fleet.world.sent()) == 1


async def test_of_32_copies_of_an_answered_form_one_is_carried_out(fleet: Fleet) -> None:
    arguments, statuses = new_call(), list[str]()
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto", **answering()) as client:
        state = await asked_by_form(client, arguments)
        begun = len(proxy.passed)

        async def answer() -> None:
            statuses.append((await answered(client, arguments, state))["status"])

        async with anyio.create_task_group() as group:
            for _ in range(32):
                group.start_soon(answer)
        asked = set(proxy.called(begun))
    assert sorted(statuses) == ["declined"] * 31 + ["ok"]
    assert asked == set(range(len(fleet.replicas))), "each of them had its turn"
    assert len(fleet.world.sent()) == 1


async def test_what_one_person_was_asked_another_cannot_answer_elsewhere(
    stateless: Fleet, proxy: Proxy
) -> None:
    arguments = new_call()
    async with (
        stateless.client(proxy, "otto", **answering()) as otto,
        stateless.client(proxy, "otis", **answering()) as otis,
    ):
        state = await asked_by_form(otto, arguments)
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await answered(otis, arguments, state)
    assert stateless.world.sent() == []


# --- the token step


async def test_a_token_of_one_replica_is_redeemed_on_another_once(
    stateless: Fleet, proxy: Proxy, era: str
) -> None:
    arguments = new_call()
    async with stateless.client(proxy, "otto", era) as client:
        proxy.then(0, 1, 2, 0)
        asked = await told(client, "create_call", arguments)
        assert asked["status"] == "confirmation_required"
        arguments |= {"confirm_token": asked["confirm_token"]}
        answers = [await told(client, "create_call", arguments) for _ in range(3)]
    assert [each["status"] for each in answers] == ["ok", *["confirmation_required"] * 2]
    assert len(stateless.world.sent()) == 1


async def test_of_32_redemptions_of_a_token_one_is_carried_out(
    stateless: Fleet, proxy: Proxy, era: str
) -> None:
    arguments = new_call()
    async with stateless.client(proxy, "otto", era) as client:
        asked = await told(client, "create_call", arguments)
        begun = len(proxy.passed)
        arguments |= {"confirm_token": asked["confirm_token"]}
        answers = await together(client, "create_call", [arguments] * 32)
        asked_of = set(proxy.called(begun))
    assert sorted(each["status"] for each in answers) == ["confirmation_required"] * 31 + ["ok"]
    assert asked_of == {0, 1, 2}
    assert len(stateless.world.sent()) == 1


@pytest.mark.long
async def test_a_question_outlives_the_replica_that_asked_it(stateless: Fleet, proxy: Proxy) -> None:
    arguments = new_call()
    async with stateless.client(proxy, "otto", **answering()) as client:
        proxy.then(2)
        state = await asked_by_form(client, arguments)
        stateless.restart(2)
        proxy.replicas[2] = stateless.replicas[2].url
        proxy.then(2, 0)
        assert (await answered(client, arguments, state))["status"] == "ok"
        assert (await answered(client, arguments, state))["status"] == "declined"
    assert len(stateless.world.sent()) == 1


# --- somebody else's yes


def id_in(pending: dict[str, Any]) -> str:
    assert pending["status"] == "approval_pending"
    found = re.search(r"Waits as ([0-9a-f]+) for an approver", pending["summary"])
    assert found, pending["summary"]
    return found[1]


async def test_what_another_approves_on_a_page_runs_once_on_any_replica(
    stateless: Fleet, proxy: Proxy, era: str
) -> None:
    """Asked on the first, signed in and approved on whichever the proxy takes, run on the third."""
    arguments = new_call()
    async with stateless.client(proxy, "pia", era) as client:
        proxy.then(0)
        id = id_in(await told(client, "create_call", arguments))

        def decide(name: str) -> tuple[int, str]:
            with Browser(proxy.url) as browser:
                assert browser.sign_in(stateless.tokens[name]).status_code == 303
                settled = browser.answer(id, "approve")
                return settled.status_code, words(settled)

        status, page = await anyio.to_thread.run_sync(decide, "pia")
        assert status == 409
        assert "somebody else must" in page
        assert id_in(await told(client, "create_call", arguments)) == id
        assert stateless.world.sent() == []

        assert (await anyio.to_thread.run_sync(decide, "anna"))[0] == 303
        proxy.then(2, 1)
        assert (await told(client, "create_call", arguments))["status"] == "ok"
        assert id_in(await told(client, "create_call", arguments)) != id
    assert len(stateless.world.sent()) == 1


@pytest.mark.long
async def test_what_another_approves_by_command_is_carried_out_once_of_32(
    stateless: Fleet, proxy: Proxy
) -> None:
    arguments = new_call()
    async with stateless.client(proxy, "pia") as client:
        id = id_in(await told(client, "create_call", arguments))
        for name, why in (("PIA", "somebody else must"), ("pia ", "spaces to spare")):
            refused = await anyio.to_thread.run_sync(settle, stateless, id, name)
            assert refused.returncode == 1
            assert why in refused.stderr
        approved = await anyio.to_thread.run_sync(settle, stateless, id, "anna")
        assert approved.returncode == 0, approved.stderr
        answers = await together(client, "create_call", [arguments] * 32)
    statuses = [each["status"] for each in answers]
    assert statuses.count("ok") == 1
    assert set(statuses) <= {"ok", "declined", "approval_pending"}
    assert len(stateless.world.sent()) == 1


def settle(fleet: Fleet, id: str, by: str) -> subprocess.CompletedProcess[str]:
    return fleet.cli("approvals", "approve", id, "--as", by)


@pytest.mark.long
async def test_each_replica_can_prove_its_own_trail(stateless: Fleet, proxy: Proxy) -> None:
    """A decision is told by the server that was asked, and the call by the one that sent it."""
    async with stateless.client(proxy, "otto", **answering(YES)) as client:
        proxy.then(0, 1)
        assert (await told(client, "create_call", new_call()))["status"] == "ok"
    assert len(stateless.world.sent()) == 1
    for number, event in ((0, "asked"), (1, "settled")):
        where = stateless.state_dir(number)
        assert json.loads((where / AUDIT_FILE).read_text().splitlines()[-1])["event"] == event
        proved = stateless.cli("audit", "verify", state_dir=where)
        assert proved.returncode == 0, proved.stdout + proved.stderr
