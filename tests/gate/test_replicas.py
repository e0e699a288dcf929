"""Servers that share one Redis: an approval, a budget, a panic and a key count once for all of them."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.lengths import few
from tests.redis_server import RedisServer
from tests.security.world import CountingUpstream, create_call, pipelines
from texml_mcp.execute import Call, Services, execute
from texml_mcp.gate import panic
from texml_mcp.gate.approvals import Approvals
from texml_mcp.gate.external import Queue
from texml_mcp.gate.seal import Seals, parse_keys
from texml_mcp.gate.state import State
from texml_mcp.gate.store import Amount, Limit, StoreError
from texml_mcp.gate.store.redis import RedisStore
from texml_mcp.results import ToolResult

pytestmark = pytest.mark.anyio

TOOL, ARGUMENTS = create_call()
KEY = secrets.token_bytes(32)


class Replicas:
    """Two servers on one Redis, each with a directory of its own, and one API that counts."""

    def __init__(self, url: str, directory: Path) -> None:
        self.upstream = CountingUpstream()
        self.states = [State(directory / name, url, Seals((KEY,))) for name in ("first", "second")]

    def pipeline(self, number: int, mode: str, **options: Any) -> Services:
        return pipelines(self.states[number], self.upstream, **options)[mode]

    def close(self) -> None:
        for state in self.states:
            state.close()


@pytest.fixture
def replicas(redis_url: str, tmp_path: Path) -> Iterator[Replicas]:
    made = Replicas(redis_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def fragile(redis_server: RedisServer, tmp_path: Path) -> Iterator[Replicas]:
    made = Replicas(redis_server.url, tmp_path)
    yield made
    made.close()


async def told(services: Services, **arguments: Any) -> ToolResult:
    result = await execute(services, Call(TOOL, ARGUMENTS | arguments))
    assert isinstance(result, ToolResult)
    return result


async def test_an_approval_asked_on_one_counts_once_on_the_other(replicas: Replicas) -> None:
    asked = await told(replicas.pipeline(0, "token"))
    both = [replicas.pipeline(number, "token") for number in (1, 0)]
    statuses: list[str] = []

    async def use(number: int) -> None:
        statuses.append((await told(both[number % 2], confirm_token=asked.confirm_token)).status)

    async with anyio.create_task_group() as group:
        for number in range(32):
            group.start_soon(use, number)
    assert replicas.upstream.left == 1
    assert sorted(statuses) == ["confirmation_required"] * 31 + ["ok"]


async def test_somebody_approves_on_one_and_the_call_runs_on_the_other(replicas: Replicas) -> None:
    assert (await told(replicas.pipeline(0, "external"))).status == "approval_pending"
    queue = Queue(replicas.states[1])
    (waiting,) = queue.listed()
    queue.settle(waiting.id, "supervisor", approve=True)
    assert (await told(replicas.pipeline(1, "external"))).status == "ok"
    assert (await told(replicas.pipeline(0, "external"))).status == "approval_pending"
    assert replicas.upstream.left == 1


async def test_the_journal_is_one(replicas: Replicas) -> None:
    assert (await told(replicas.pipeline(0, "off"))).status == "ok"
    (entry,) = replicas.states[1].journal.settled()
    assert (entry.tool, entry.outcome) == (TOOL, "ok")
    twin = await told(replicas.pipeline(1, "token"))
    assert "would be a second one" in str(twin.preview), "made through the other server a moment ago"


async def test_panic_on_one_stops_both_until_it_is_cleared(replicas: Replicas) -> None:
    panic.engage_everywhere(replicas.states[0], "on-call")
    for number in range(2):
        stopped = await told(replicas.pipeline(number, "off"))
        assert (stopped.status, stopped.outcome) == ("denied", "not_sent")
        assert "for every server on the store" in stopped.summary
    assert replicas.upstream.left == 0
    assert panic.clear_everywhere(replicas.states[1])
    assert (await told(replicas.pipeline(0, "off"))).status == "ok"


async def test_panic_stops_what_was_approved_before_it(replicas: Replicas) -> None:
    """The mark is looked for again in the step that sends: a person may have thought for minutes."""
    services = replicas.pipeline(0, "off")
    ruled = services.judge.rule

    def rule_and_then_panic(*given: Any) -> Any:
        ruling = ruled(*given)
        panic.engage_everywhere(replicas.states[1], "on-call")
        return ruling

    services.judge.rule = rule_and_then_panic
    assert (await told(services)).status == "denied"
    assert replicas.upstream.left == 0


async def test_every_digest_is_the_same_on_both(replicas: Replicas) -> None:
    first, second = (state.digester.of_number("+13125550142") for state in replicas.states)
    assert first == second


# --- keys


def test_a_key_is_changed_without_losing_the_digest_key(redis_url: str) -> None:
    old, new, other = (secrets.token_bytes(32) for _ in range(3))

    def digest(*keys: bytes) -> str:
        state = State(None, redis_url, Seals(keys))
        try:
            return state.digester.of("x")
        finally:
            state.close()

    first = digest(old)
    with pytest.raises(StoreError, match="former key behind the new one"):
        digest(new)
    assert digest(new, old) == first
    assert digest(new) == first, "it is under the new key from now on"
    assert digest(other, new) == first
    assert first != State(None).digester.of("x")


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(b"short").decode(), "A" * 43 + "="])
def test_a_key_that_is_none_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand -base64 32") as error:
        parse_keys(text)
    assert not text or text not in str(error.value)


def test_a_seal_opens_for_its_purpose_alone_and_not_when_touched() -> None:
    seals = parse_keys(f" {base64.urlsafe_b64encode(KEY).decode()} , ")
    sealed = seals.seal(b"secret", "digest key")
    assert seals.unseal(sealed, "digest key") == (b"secret", True)
    assert "secret" not in sealed
    assert repr(seals) == "Seals(1 keys)"
    raw = bytearray(base64.b64decode(sealed))
    raw[-1] ^= 1
    for wrong, about in (
        (sealed, "other"),
        (base64.b64encode(raw).decode(), "digest key"),
        ("", "digest key"),
        ("ø", "digest key"),
    ):
        with pytest.raises(ValueError, match=r"digest key|other"):
            seals.unseal(wrong, about)


# --- clocks that differ


async def test_replicas_whose_clocks_differ_agree(redis_url: str) -> None:
    right, ahead = RedisStore(redis_url), RedisStore(redis_url)
    ahead._clock = lambda: time.time() + 3_600
    now = time.time()
    for number in range(2):
        amount = Amount("calls", str(number), now + 3_600)
        assert ahead.reserve([Limit("calls", now + 3_540, 2, 1)], [amount]) is None
    assert right.reserve([Limit("calls", now - 60, 2, 1)], [Amount("calls", "2", now)]) == (0, 2.0)

    ahead.put("a", "k", {}, expires_at=now + 3_600 + 60)
    seen = right.get("a", "k")
    assert seen is not None
    assert seen.expires_at == pytest.approx(now + 60, abs=5)
    right.put("a", "over", {}, expires_at=now - 1)
    assert ahead.get("a", "over") is None
    assert right.draw("b", 1, 0.001) == 0.0
    assert ahead.draw("b", 1, 0.001) > 0


# --- a Redis that goes away


async def ticking(while_running: anyio.Event) -> int:
    """How often another task gets its turn meanwhile."""
    turns = 0
    while not while_running.is_set():
        await anyio.sleep(0.01)
        turns += 1
    return turns


async def beside_others(services: Services, **arguments: Any) -> tuple[ToolResult, int]:
    """The result of a call, and how many turns another task had while it ran."""
    done, turns, results = anyio.Event(), [0], []

    async def count() -> None:
        turns[0] = await ticking(done)

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        results.append(await told(services, **arguments))
        done.set()
    return results[0], turns[0]


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("mode", ["token", "external", "off"])
async def test_without_its_store_nothing_is_sent_and_it_says_so(
    how: str, mode: str, fragile: Replicas, redis_server: RedisServer
) -> None:
    services = fragile.pipeline(0, mode)
    asked = await told(services) if mode != "off" else None
    if mode == "external":
        queue = Queue(fragile.states[1])
        queue.settle(queue.listed()[0].id, "supervisor", approve=True)
    given = {"confirm_token": asked.confirm_token} if asked and asked.confirm_token else {}
    if mode == "off":
        fragile.states[0].open()
    if how == "killed":
        redis_server.kill()
    else:
        redis_server.freeze()
    result, turns = await beside_others(services, **given)
    assert (result.status, result.code, result.outcome) == ("error", "state_unavailable", "not_sent")
    assert fragile.upstream.left == 0
    if how == "frozen":
        assert turns > 5, "others go on while this one waits"
        redis_server.thaw()
    else:
        redis_server.start()
    # It works again by itself, and what was approved still is: nobody has looked at it.
    assert (await told(services, **given)).status == "ok"
    assert fragile.upstream.left == 1


@pytest.mark.parametrize("how", few(["killed", "frozen"], 1))
async def test_a_store_that_goes_away_during_the_send_does_not_take_the_answer_along(
    how: str, fragile: Replicas, redis_server: RedisServer
) -> None:
    async def then_it_goes(_: httpx.Request) -> None:
        if how == "killed":
            redis_server.kill()
        else:
            redis_server.freeze()

    fragile.upstream.on_write = then_it_goes
    result, _ = await beside_others(fragile.pipeline(0, "off"))
    assert result.status == "ok"
    assert any("could not be written to the journal" in note for note in result.notes)
    if how == "killed":
        redis_server.start()
    else:
        redis_server.thaw()
    fragile.upstream.on_write = None
    twin = await told(fragile.pipeline(1, "token"))
    assert "would be a second one" in str(twin.preview), "what left is not forgotten"
    assert fragile.upstream.left == 1


@pytest.mark.long
async def test_a_lost_answer_is_never_asked_for_again(fragile: Replicas, redis_server: RedisServer) -> None:
    """The server takes the approval out, and nobody hears of it: it is spent, and nothing was sent."""
    services = fragile.pipeline(0, "token")
    asked = await told(services)
    assert asked.confirm_token
    assert fragile.states[0].store.take("approvals", "another") is None  # the server knows the script
    redis_server.freeze()
    lost = await told(services, confirm_token=asked.confirm_token)
    assert lost.code == "state_unavailable"
    with pytest.raises(StoreError, match="in time"):
        Approvals(fragile.states[0]).redeem(asked.confirm_token, "x")
    redis_server.thaw()
    again = await told(services, confirm_token=asked.confirm_token)
    assert again.status == "confirmation_required"
    assert fragile.upstream.left == 0


async def test_a_server_that_was_restarted_empty_sends_nothing_on_an_old_approval(
    fragile: Replicas, redis_server: RedisServer
) -> None:
    services = fragile.pipeline(0, "token")
    asked = await told(services)
    redis_server.flush()
    assert (await told(services, confirm_token=asked.confirm_token)).status == "confirmation_required"
    assert fragile.upstream.left == 0


async def test_panic_cannot_be_cleared_by_taking_the_store_away(
    fragile: Replicas, redis_server: RedisServer
) -> None:
    panic.engage_everywhere(fragile.states[0], "on-call")
    redis_server.kill()
    assert (await told(fragile.pipeline(1, "off"))).code == "state_unavailable"
    redis_server.start()
    assert (await told(fragile.pipeline(1, "off"))).status == "denied"
    assert fragile.upstream.left == 0
