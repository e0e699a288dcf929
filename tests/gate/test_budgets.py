"""Budgets in the store: they outlive a restart, hold across servers, and no race gets past them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio import from_thread

from tests.security.world import CountingUpstream, create_call, pipelines
from texml_mcp.execute import Call, Services, execute
from texml_mcp.gate.records import Records
from texml_mcp.gate.seal import Seals
from texml_mcp.gate.state import STORE_FILE, State
from texml_mcp.gate.store.redis import RedisStore
from texml_mcp.results import ToolResult
from texml_mcp.server.services import SANDBOX_ACCOUNT

pytestmark = pytest.mark.anyio

ROOM = 3
Server = Callable[..., Services]


@pytest.fixture
def upstream() -> CountingUpstream:
    return CountingUpstream()


@pytest.fixture(params=["memory", "file", "redis"])
def states(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[State]]:
    """What two servers have: the same store, opened twice; in memory there is one server."""
    if request.param == "memory":
        made = [State(None)] * 2
    elif request.param == "file":
        made = [State(tmp_path / "state") for _ in range(2)]
    else:
        seals = Seals((bytes(range(32)),))
        url = request.getfixturevalue("redis_url")
        made = [State(tmp_path / str(number), url, seals) for number in range(2)]
    yield made
    for state in made:
        state.close()


@pytest.fixture
def server(states: list[State], upstream: CountingUpstream, tmp_path: Path) -> Server:
    """`server(number, way, **guards)`: one of the two, which asks in this way, under these guards."""

    def made(number: int, way: str = "off", **guards: Any) -> Services:
        path = tmp_path / f"policy-{number}.toml"
        options = "".join(f"{name} = {value}\n" for name, value in guards.items())
        path.write_text(f"version = 1\n[guards]\nnumbers = 'warn'\nhours = 'off'\n{options}")
        return pipelines(states[number], upstream, policy=str(path))[way]

    return made


async def place(services: Services, last: int = 42, **more: Any) -> ToolResult:
    tool, arguments = create_call(f"+131255501{last:02}", **more)
    result = await execute(services, Call(tool, arguments))
    assert isinstance(result, ToolResult)
    return result


@pytest.mark.parametrize(
    ("code", "guards", "same"),
    [
        ("calls_per_minute", {"calls_per_minute": ROOM}, False),
        ("calls_per_hour", {"calls_per_hour": ROOM}, False),
        ("concurrent_calls", {"concurrent_calls": ROOM}, False),
        ("per_destination_per_hour", {"per_destination_per_hour": ROOM}, True),
        ("spend_per_day", {"rate_per_minute_cost": 0.1, "spend_per_day": 1.0 * ROOM}, False),
        ("loop", {"loop_count": ROOM}, True),
    ],
)
async def test_of_many_at_once_as_many_leave_as_there_is_room_for(
    code: str, guards: dict[str, Any], same: bool, server: Server, upstream: CountingUpstream
) -> None:
    async def slow(_: httpx.Request) -> None:
        await anyio.sleep(0.01)  # the others are ruled on before this one is done

    upstream.on_write = slow
    both = [server(number, **guards) for number in range(2)]
    results: list[ToolResult] = []

    async def one(number: int) -> None:
        results.append(await place(both[number % 2], 42 if same else 10 + number, TimeLimit=600))

    async with anyio.create_task_group() as group:
        for number in range(16):
            group.start_soon(one, number)
    assert upstream.left == ROOM
    assert [each.status for each in results].count("ok") == ROOM
    refused = [each for each in results if each.status != "ok"]
    assert {(each.status, each.code, each.outcome) for each in refused} == {("denied", code, "not_sent")}
    # The ruling says so too: who asks for a dry run is told before anybody is asked about it.
    told = await place(both[0], 42 if same else 90, TimeLimit=600, dry_run=True)
    assert "deny" in told.summary


async def test_a_refused_write_is_in_no_journal(server: Server, states: list[State]) -> None:
    services = server(0, calls_per_hour=0)
    assert (await place(services)).code == "calls_per_hour"
    assert states[0].journal.unsettled() == []
    assert states[0].journal.settled() == []


async def test_a_restart_forgets_nothing(tmp_path: Path, upstream: CountingUpstream) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\n[guards]\nnumbers = 'warn'\ncalls_per_hour = 1\n")
    codes: list[str | None] = []
    for _ in range(2):
        state = State(tmp_path / "state")
        codes.append((await place(pipelines(state, upstream, policy=str(path))["off"])).code)
        state.close()
    assert codes == [None, "calls_per_hour"]


async def test_what_was_not_sent_is_given_back(server: Server, upstream: CountingUpstream) -> None:
    async def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    services = server(0, calls_per_hour=1)
    upstream.on_write = refuse
    assert (await place(services)).outcome == "not_sent"
    upstream.on_write = None
    assert (await place(services)).status == "ok"
    assert (await place(services)).code == "calls_per_hour"


@pytest.mark.parametrize("status", [422, 500])
async def test_what_left_counts_whatever_became_of_it(
    status: int, server: Server, upstream: CountingUpstream
) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"errors": []})

    services = server(0, calls_per_hour=1)
    upstream.on_write = answer
    assert (await place(services)).outcome in ("rejected", "unknown")
    assert (await place(services)).code == "calls_per_hour"


@pytest.mark.parametrize("way", ["off", "token"])
async def test_a_call_cancelled_before_it_leaves_is_settled_and_given_back(
    way: str,
    server: Server,
    states: list[State],
    upstream: CountingUpstream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, scope, real = server(0, way, calls_per_hour=1), anyio.CancelScope(), Records.begin

    async def approval() -> dict[str, Any]:
        token = (await place(services)).confirm_token if way == "token" else None
        return {"confirm_token": token} if token else {}

    def begin_and_be_cancelled(records: Records, case: Any) -> str | None:
        id = real(records, case)
        if states[0].blocks:
            from_thread.run_sync(scope.cancel)
        else:
            scope.cancel()
        return id

    given = await approval()
    monkeypatch.setattr(Records, "begin", begin_and_be_cancelled)
    with scope:
        await place(services, **given)
    monkeypatch.undo()
    assert scope.cancelled_caught
    assert upstream.left == 0
    assert states[0].journal.unsettled() == []
    (entry,) = states[0].journal.settled()
    assert entry.outcome == "not_sent"
    if given:
        assert (await place(services, **given)).status == "confirmation_required", "it was used"
    assert (await place(services, **await approval())).status == "ok", "its place is free again"


async def test_a_call_cancelled_after_it_left_is_unknown_and_counts(
    server: Server, states: list[State], upstream: CountingUpstream
) -> None:
    services, scope = server(0, calls_per_hour=1), anyio.CancelScope()

    async def hang(_: httpx.Request) -> None:
        scope.cancel()
        await anyio.sleep_forever()

    upstream.on_write = hang
    with scope:
        await place(services)
    upstream.on_write = None
    (entry,) = states[0].journal.unsettled()
    assert entry.outcome == "unknown"
    assert (await place(services)).code == "calls_per_hour"


async def test_a_call_that_one_server_sees_end_is_over_for_the_other(
    server: Server, upstream: CountingUpstream
) -> None:
    first, second = (server(number, concurrent_calls=1) for number in range(2))
    sid = ((await place(first)).data or {})["sid"]
    assert (await place(second, 43)).code == "concurrent_calls"
    upstream.facts[sid] = "completed"
    reads = Call("get_call", {"call_sid": sid})
    assert isinstance(seen := await execute(second, reads), ToolResult)
    assert (seen.data or {})["status"] == "completed"
    assert (await place(first, 43)).code == "concurrent_calls", "only the second has seen it"
    assert (await place(second, 43)).status == "ok"
    assert (await place(first, 44)).code == "concurrent_calls"
    await execute(second, reads)
    assert (await place(second, 44)).code == "concurrent_calls", "one end frees one place"


@pytest.mark.parametrize(
    ("code", "guards"),
    [
        ("concurrent_calls", "concurrent_calls = 1"),
        ("spend_per_day", "rate_per_minute_cost = 0.1\nspend_per_day = 1.0"),
    ],
)
async def test_a_budget_of_a_principal_alone_holds_too(
    code: str, guards: str, server: Server, upstream: CountingUpstream, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f"version = 1\n[guards]\nnumbers = 'warn'\nhours = 'off'\n{guards}\n")
    services = server(0)
    theirs = replace(services, judge=services.judge.narrowed("operator", str(own)))
    sid = ((await place(theirs, TimeLimit=600)).data or {})["sid"]
    assert (await place(theirs, 43, TimeLimit=600)).code == code
    assert (await place(services, 44, TimeLimit=600)).status == "ok", "the server has no such budget"
    upstream.facts[sid] = "completed"
    await execute(theirs, Call("get_call", {"call_sid": sid}))
    upstream.facts[f"v3:new-{upstream.left}"] = "completed"
    await execute(theirs, Call("get_call", {"call_sid": f"v3:new-{upstream.left}"}))
    again = await place(theirs, 45, TimeLimit=600)
    assert again.code == (None if code == "concurrent_calls" else code)


@pytest.mark.parametrize("states", ["file", "redis"], indirect=True)
async def test_no_number_stands_in_the_store(server: Server, states: list[State]) -> None:
    assert (await place(server(0, per_destination_per_hour=5), 42)).status == "ok"
    store, directory = states[0].store, states[0].directory
    assert directory is not None
    if isinstance(store, RedisStore):
        names = store._link.command("KEYS", "*")
        told = b" ".join([*names, *(store._link.command("DUMP", name) for name in names)])
    else:
        told = b"".join(path.read_bytes() for path in directory.glob(f"{STORE_FILE}*"))
    assert b"open_calls@" in told, "it does hold the counts"
    assert b"5550142" not in told


async def test_a_read_opens_no_store(upstream: CountingUpstream, tmp_path: Path) -> None:
    upstream.facts["v3:over"] = "completed"
    state = State(tmp_path / "state")
    services = pipelines(state, upstream)["off"]
    result = await execute(services, Call("get_call", {"call_sid": "v3:over"}))
    assert isinstance(result, ToolResult)
    assert result.status == "ok"
    assert not (tmp_path / "state").exists()
    assert services.account_sid == SANDBOX_ACCOUNT
