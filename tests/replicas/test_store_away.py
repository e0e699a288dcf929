"""Redis is killed or frozen in the middle: nothing is sent without it, it is told, and all goes on after."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread
import httpx
import pytest

from tests.e2e.conftest import answering
from tests.redis_server import REASON, RedisServer, installed
from tests.replicas.fleet import EXTERNAL, Fleet, Network, answered, asked_by_form, new_call, told

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# A command may take two seconds to be given up, and a call makes a few.
ANSWERS_WITHIN = 15.0
NOT_SENT = ("error", "state_unavailable", "not_sent")


class Bound:
    """Servers on a Redis of their own, which can be taken away from them."""

    def __init__(self, redis: RedisServer, fleet: Fleet) -> None:
        self.redis, self.fleet = redis, fleet
        self._away = ""

    def take_away(self, how: str) -> None:
        self._away = how
        if how == "killed":
            self.redis.kill()
        else:
            self.redis.freeze()

    def give_back(self) -> None:
        how, self._away = self._away, ""
        if how == "killed":
            self.redis.start()
        elif how == "frozen":
            self.redis.thaw()

    @contextmanager
    def without(self, how: str) -> Generator[None]:
        """While the block runs there is no Redis."""
        self.take_away(how)
        try:
            yield
        finally:
            self.give_back()

    async def health(self, path: str) -> list[tuple[int, str]]:
        """What each server says of itself."""
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWERS_WITHIN) as http:
            answers = [await http.get(each.url + path) for each in self.fleet.replicas]
        return [(answer.status_code, answer.json()["status"]) for answer in answers]


@pytest.fixture(scope="module")
def _bound(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Bound]:
    if not installed():
        pytest.skip(REASON)
    redis = RedisServer(tmp_path_factory.mktemp("redis"), durable=True).start()
    fleet = Fleet(
        tmp_path_factory.mktemp("fleet") / "bound",
        network,
        redis.url,
        "--stateless",
        people=("otto", "pia:approver", "anna:approver"),
        policies={"pia": EXTERNAL},
    )
    yield Bound(redis, fleet)
    fleet.close()
    redis.kill()


@pytest.fixture
def bound(_bound: Bound) -> Iterator[Bound]:
    _bound.fleet.world.forget()
    yield _bound
    _bound.give_back()


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_without_redis_nothing_is_sent_reads_go_on_and_all_works_again_after(
    bound: Bound, how: str
) -> None:
    fleet, on_form, by_token, by_page = bound.fleet, new_call(), new_call(), new_call()
    async with (
        fleet.proxy() as proxy,
        fleet.client(proxy, "otto", **answering()) as modern,
        fleet.client(proxy, "otto", "legacy") as legacy,
        fleet.client(proxy, "pia") as external,
    ):
        proxy.then(0)
        state = await asked_by_form(modern, on_form)
        by_token["confirm_token"] = (await told(legacy, "create_call", by_token))["confirm_token"]
        pending = await told(external, "create_call", by_page)
        id = pending["summary"].split("Waits as ")[1].split()[0]
        approved = await anyio.to_thread.run_sync(fleet.cli, "approvals", "approve", id, "--as", "anna")
        assert approved.returncode == 0, approved.stderr

        async def each() -> list[tuple[str, str | None, str | None]]:
            """The three approved calls, made at once on the other server."""
            proxy.then(1, 1, 1)
            answers = [
                lambda: answered(modern, on_form, state),
                lambda: told(legacy, "create_call", by_token),
                lambda: told(external, "create_call", by_page),
            ]
            found: list[tuple[str, str | None, str | None]] = []

            async def one(number: int) -> None:
                answer = await answers[number]()
                found.append((answer["status"], answer.get("code"), answer.get("outcome")))

            async with anyio.create_task_group() as group:
                for number in range(3):
                    group.start_soon(one, number)
            return found

        with bound.without(how):
            with anyio.fail_after(ANSWERS_WITHIN):
                assert await each() == [NOT_SENT] * 3
            with anyio.fail_after(ANSWERS_WITHIN):
                for client in (modern, legacy) * 10:  # not each of them waits for what is not there
                    assert (await told(client, "list_calls", {}))["status"] == "ok"
            assert await bound.health("/readyz") == [(503, "state_unavailable")] * 2
            assert await bound.health("/healthz") == [(200, "ok")] * 2
            assert fleet.world.sent() == []

        with anyio.fail_after(ANSWERS_WITHIN):
            while await bound.health("/readyz") != [(200, "ready")] * 2:
                await anyio.sleep(0.1)
        # Nobody had looked at the approvals, so that they stand.
        assert [status for status, *_ in await each()] == ["ok"] * 3
        assert len(fleet.world.sent()) == 3
        assert {status for status, *_ in await each()} <= {
            "declined",
            "confirmation_required",
            "approval_pending",
        }
    assert len(fleet.world.sent()) == 3


async def test_an_approval_whose_taking_out_was_not_answered_is_spent(bound: Bound) -> None:
    """Redis takes it out and nobody hears of it: the call was not sent, and is not sent later either."""
    fleet = bound.fleet
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto", **answering()) as client:
        arguments = {"call_sid": fleet.world.live_call(), "Status": "completed"}
        state = await asked_by_form(client, arguments, "update_call")
        # While the server looks at the call once more, between its rules and the approval.
        fleet.world.fault("get_call", "slow", seconds=1.5)
        answers = list[tuple[str, str, str]]()

        async def answer() -> None:
            told = await answered(client, arguments, state, "update_call")
            answers.append((told["status"], told["code"], told["outcome"]))

        with anyio.fail_after(ANSWERS_WITHIN):
            async with anyio.create_task_group() as group:
                group.start_soon(answer)
                await fleet.world.struck()
                bound.take_away("frozen")
        assert answers == [NOT_SENT]
        bound.give_back()
        spent = await answered(client, arguments, state, "update_call")
        assert spent["status"] == "declined"
        assert fleet.world.sent("update_call") == []
        again = await asked_by_form(client, arguments, "update_call")
        assert (await answered(client, arguments, again, "update_call"))["status"] == "ok"
    assert len(fleet.world.sent("update_call")) == 1


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_a_call_that_was_on_its_way_keeps_its_answer_and_is_not_made_twice(
    bound: Bound, how: str
) -> None:
    fleet, wanted = bound.fleet, new_call()
    answers = list[dict[str, object]]()
    async with fleet.proxy() as proxy, fleet.client(proxy, "otto") as client:
        asked = await told(client, "create_call", wanted)
        approved = wanted | {"confirm_token": asked["confirm_token"]}
        fleet.world.fault("create_call", "slow", seconds=1)

        async def call() -> None:
            answers.append(await told(client, "create_call", approved))

        with anyio.fail_after(ANSWERS_WITHIN):
            async with anyio.create_task_group() as group:
                group.start_soon(call)
                await fleet.world.wait_for("create_call")
                bound.take_away(how)
        bound.give_back()
        (answer,) = answers
        assert answer["status"] == "ok"
        assert "could not be written to the journal" in str(answer["notes"])
        again = await told(client, "create_call", approved)
        assert again["status"] == "confirmation_required"
        assert "this would be a second one" in again["preview"]
    settled = await anyio.to_thread.run_sync(fleet.cli, "journal", "reconcile", "--older-than", "0")
    assert settled.returncode == 0, settled.stdout + settled.stderr
    assert "happened: there is a call to that number" in settled.stdout
    assert len(fleet.world.sent()) == 1
