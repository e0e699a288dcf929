"""A fault at any step of the pipeline: nothing leaves, and the answer says so."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.client.loopback import Reply, loopback
from tests.lengths import few
from tests.security.world import CountingUpstream, create_call, pipelines, state_at
from texml_mcp.execute import Call, Services, execute
from texml_mcp.gate.confirm import Answer, AskThroughClient, CannotAskError, Person
from texml_mcp.gate.external import Queue
from texml_mcp.gate.seal import Seals
from texml_mcp.gate.state import AUDIT_FILE, KEY_FILE, STORE_FILE, State
from texml_mcp.gate.store import SqliteStore, StoreError
from texml_mcp.results import ToolResult
from texml_mcp.server.services import SANDBOX_ACCOUNT

pytestmark = pytest.mark.anyio

TOOL, ARGUMENTS = create_call()
HANG_UP = {"call_sid": "v3:live", "Status": "completed"}
WAYS = ("token", "form", "legacy", "external", "off")
YES = Answer("accept", True)


@pytest.fixture
def upstream() -> CountingUpstream:
    return CountingUpstream(facts={"v3:live": "in-progress"})


@pytest.fixture
def state(tmp_path: Path) -> State:
    return state_at(tmp_path / "state")


async def yes(_: str) -> Answer:
    return YES


async def approved(
    servers: dict[str, Services],
    state: State,
    way: str,
    tool: str = TOOL,
    arguments: dict[str, Any] = ARGUMENTS,
) -> tuple[Services, Call]:
    """A call that lacks nothing any more: the next thing it does is leave."""
    mode = {"token": "token", "form": "strict", "legacy": "strict", "external": "external", "off": "off"}[way]
    services = servers[mode]
    if way == "legacy":
        return services, Call(tool, arguments, person=Person("legacy", ask=yes))
    if way == "off":
        return services, Call(tool, arguments)
    person = Person("modern", True) if way == "form" else Person()
    asked = await execute(services, Call(tool, arguments, person=person))
    if isinstance(asked, AskThroughClient):
        person = Person("modern", True, state=asked.state, answer=YES)
    elif way == "token":
        assert asked.confirm_token
        arguments = arguments | {"confirm_token": asked.confirm_token}
    else:
        queue = Queue(state)
        queue.settle(queue.listed()[0].id, "supervisor", approve=True)
    return services, Call(tool, arguments, person=person)


async def refused(services: Services, call: Call, upstream: CountingUpstream) -> ToolResult:
    """The call ends, says that nothing was sent, and nothing was."""
    result = await execute(services, call)
    assert isinstance(result, ToolResult)
    assert result.status in ("error", "denied", "declined", "stale_preview"), result
    assert result.outcome in ("not_sent", None), result
    assert upstream.left == 0
    return result


@pytest.mark.parametrize("way", WAYS)
async def test_without_a_fault_it_leaves(way: str, state: State, upstream: CountingUpstream) -> None:
    """What the other tests here would look like if they broke nothing."""
    services, call = await approved(pipelines(state, upstream), state, way)
    result = await execute(services, call)
    assert isinstance(result, ToolResult)
    assert result.status == "ok"
    assert upstream.left == 1


# --- the policy


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "text",
    [None, "", "version = 1\n[tools]\ncreate_cal = 'allow'\n", "version = 1\n[", b"\xff\xfe", "directory"],
)
async def test_a_policy_that_cannot_be_used_any_more(
    way: str, text: str | bytes | None, state: State, upstream: CountingUpstream, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\n[guards]\nnumbers = 'warn'\nhours = 'off'\ncallers = 'warn'\n")
    services, call = await approved(pipelines(state, upstream, policy=str(path)), state, way)
    path.unlink()
    if text == "directory":
        path.mkdir()
    elif text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = await refused(services, call, upstream)
    assert result.status == "denied"
    assert "policy" in result.summary.lower()


@pytest.mark.parametrize(
    "broken", ["texml_mcp.gate.guards.check", "texml_mcp.gate.guards.verdict", "texml_mcp.gate.policy.decide"]
)
@pytest.mark.parametrize("way", WAYS)
async def test_a_guard_or_a_policy_that_raises(
    way: str, broken: str, state: State, upstream: CountingUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, call = await approved(pipelines(state, upstream), state, way)

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(broken, fails)
    await refused(services, call, upstream)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyError("x"), RecursionError(), MemoryError()])
@pytest.mark.parametrize("method", ["rule", "fill"])
async def test_a_judge_that_raises(
    method: str, error: Exception, state: State, upstream: CountingUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, call = await approved(pipelines(state, upstream), state, "token")

    def fails(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(services.judge, method, fails)
    assert (await refused(services, call, upstream)).code == "internal_error"


# --- the store, the key, the audit trail


def break_store(state: State, error: Exception) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            def fails(*_: Any, **__: Any) -> Any:
                raise error

            return fails

    vars(state)["store"] = Broken()
    vars(state)["journal"]._store = Broken()


@pytest.mark.parametrize("way", WAYS)
async def test_a_store_that_fails(way: str, state: State, upstream: CountingUpstream) -> None:
    services, call = await approved(pipelines(state, upstream), state, way)
    break_store(state, StoreError("the store failed: disk I/O error"))
    assert (await refused(services, call, upstream)).code == "state_unavailable"


@pytest.mark.parametrize("way", WAYS)
async def test_each_single_operation_of_the_store(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first operation fails, then the second alone, and so on until the call leaves."""
    fail_at, at = 0, 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            nonlocal at
            at += 1
            if at == fail_at:
                raise StoreError("the store failed: database or disk is full")
            return real(*given, **more)

        return counted

    names = ("put", "get", "take", "claim", "replace", "delete", "list", "total", "reserve", "release")
    for name in names:
        monkeypatch.setattr(SqliteStore, name, counting(getattr(SqliteStore, name)))
    for number in range(1, 40):
        upstream = CountingUpstream()
        state = state_at(tmp_path / str(number))
        fail_at = 0
        services, call = await approved(pipelines(state, upstream), state, way)
        fail_at, at = number, 0
        result = await execute(services, call)
        assert isinstance(result, ToolResult)
        state.close()
        if upstream.left:
            # From the send on a failure is told in a note, not taken back.
            assert result.status == "ok"
            assert number > 1
            if at < number:
                break
            assert "journal" in str(result.notes) or "time limit" in str(result.notes)
        else:
            assert result.code == "state_unavailable"
            assert result.outcome == "not_sent"
    else:
        raise AssertionError("the call never left")


@pytest.mark.parametrize("way", few(WAYS, 2))
async def test_a_store_that_another_process_holds_locked(
    way: str, state: State, upstream: CountingUpstream
) -> None:
    services, call = await approved(pipelines(state, upstream), state, way)
    state.store._busy_seconds = 0.05  # type: ignore[attr-defined]
    state.store._drop()  # type: ignore[attr-defined]
    assert state.directory is not None
    other = sqlite3.connect(state.directory / STORE_FILE, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        assert (await refused(services, call, upstream)).code == "state_unavailable"
    finally:
        other.execute("ROLLBACK")
        other.close()
    # And afterwards it goes on: an approval that was never looked at is not lost.
    assert isinstance(done := await execute(services, call), ToolResult)
    assert done.status == "ok"
    assert upstream.left == 1


@pytest.mark.parametrize("way", ["token", "form", "legacy", "off"])  # a used request makes room enough
async def test_a_store_that_is_full(way: str, state: State, upstream: CountingUpstream) -> None:
    services, call = await approved(pipelines(state, upstream), state, way)
    db = state.store._open()  # type: ignore[attr-defined]
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    filler = "INSERT INTO items (space, key, value, version) VALUES ('filler', hex(randomblob(8)), ?, 1)"

    def fill(size: int) -> None:
        while True:
            db.execute(filler, ("x" * size,))

    for size in (400, 20, 0):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            fill(size)
    assert (await refused(services, call, upstream)).code == "state_unavailable"


@pytest.mark.parametrize("way", WAYS)
async def test_a_store_that_is_no_database(way: str, state: State, upstream: CountingUpstream) -> None:
    services, call = await approved(pipelines(state, upstream), state, way)
    state.close()
    assert state.directory is not None
    for beside in state.directory.glob(f"{STORE_FILE}*"):
        beside.unlink()
    (state.directory / STORE_FILE).write_bytes(b"not a database, but a text of some length" * 200)
    fresh = State(state.directory)
    services = pipelines(fresh, upstream)[services.judge._mode]
    assert (await refused(services, call, upstream)).code == "state_unavailable"


@pytest.mark.parametrize("way", WAYS)
async def test_an_audit_trail_that_cannot_be_written(
    way: str, state: State, upstream: CountingUpstream
) -> None:
    services, call = await approved(pipelines(state, upstream), state, way)
    assert state.directory is not None
    trail = state.directory / AUDIT_FILE
    trail.unlink(missing_ok=True)
    trail.mkdir()
    result = await refused(services, call, upstream)
    assert result.code == "state_unavailable"
    # Nothing is left over that looks as if it had happened.
    assert state.journal.unsettled() == []


@pytest.mark.parametrize("errno", [28, 5, 30], ids=["full", "i/o error", "read-only"])
async def test_a_disk_that_takes_no_more_of_the_audit_trail(
    errno: int, state: State, upstream: CountingUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, call = await approved(pipelines(state, upstream), state, "token")

    def fails(*_: Any) -> Any:
        raise OSError(errno, os.strerror(errno))

    monkeypatch.setattr("texml_mcp.gate.audit.log.os.fsync", fails)
    assert (await refused(services, call, upstream)).code == "state_unavailable"
    assert state.journal.unsettled() == []


@pytest.mark.parametrize("content", [b"", b"short", None])
async def test_a_digest_key_that_cannot_be_used(
    content: bytes | None, tmp_path: Path, upstream: CountingUpstream
) -> None:
    key = tmp_path / KEY_FILE
    if content is None:
        key.mkdir()
    else:
        key.write_bytes(content)
    for services in pipelines(State(tmp_path), upstream).values():
        result = await refused(services, Call(TOOL, ARGUMENTS, person=Person("legacy", ask=yes)), upstream)
        assert result.code == "state_unavailable"


async def test_a_state_directory_that_is_a_file(tmp_path: Path, upstream: CountingUpstream) -> None:
    (tmp_path / "state").write_text("no directory")
    for services in pipelines(State(tmp_path / "state"), upstream).values():
        call = Call(TOOL, ARGUMENTS, person=Person("legacy", ask=yes))
        assert (await refused(services, call, upstream)).code == "state_unavailable"


# --- the preview, and the person


def _status(status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json={"errors": [{"title": "no"}]})


def _timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def _cut(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("cut", request=request)


def _nonsense(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"<html>")


@pytest.mark.parametrize("way", ["token", "form", "legacy", "external"])
@pytest.mark.parametrize(
    "reply",
    [_status(404), _status(500), _status(401), _status(429), _timeout, _cut, _nonsense],
    ids=["404", "500", "401", "429", "timeout", "cut", "nonsense"],
)
async def test_a_preview_that_cannot_be_read(
    way: str, reply: Callable[[httpx.Request], httpx.Response], state: State, upstream: CountingUpstream
) -> None:
    services, call = await approved(pipelines(state, upstream), state, way, "update_call", HANG_UP)

    async def on_read(request: httpx.Request) -> httpx.Response:
        return reply(request)

    upstream.on_read = on_read
    result = await refused(services, call, upstream)
    assert result.outcome == "not_sent"


async def test_a_target_that_vanishes_while_the_person_thinks(
    state: State, upstream: CountingUpstream
) -> None:
    async def ask(_: str) -> Answer:
        upstream.facts.clear()
        return YES

    call = Call("update_call", HANG_UP, person=Person("legacy", ask=ask))
    assert (await refused(pipelines(state, upstream)["strict"], call, upstream)).outcome == "not_sent"


@pytest.mark.parametrize(
    "error", [RuntimeError("no window"), TimeoutError(), ConnectionError(), ValueError(), KeyError("content")]
)
@pytest.mark.parametrize("mode", ["auto", "strict"])
async def test_a_form_that_fails(
    mode: str, error: Exception, state: State, upstream: CountingUpstream
) -> None:
    async def ask(_: str) -> Answer:
        raise error

    call = Call(TOOL, ARGUMENTS, person=Person("legacy", ask=ask))
    services = pipelines(state, upstream)[mode]
    if mode == "strict":
        with pytest.raises(CannotAskError):
            await execute(services, call)
    else:
        result = await execute(services, call)
        assert isinstance(result, ToolResult)
        assert result.status == "confirmation_required"
    assert upstream.left == 0


@pytest.mark.parametrize("mode", ["auto", "strict"])
async def test_a_person_who_never_answers(mode: str, state: State, upstream: CountingUpstream) -> None:
    async def ask(_: str) -> Answer:
        await anyio.sleep_forever()
        return YES

    services = pipelines(state, upstream, patience=0.02)[mode]
    result = await refused(services, Call(TOOL, ARGUMENTS, person=Person("legacy", ask=ask)), upstream)
    assert result.status == "declined"


async def test_a_yes_that_comes_too_late(state: State, upstream: CountingUpstream) -> None:
    """A client that swallows the cancellation and says yes afterwards."""

    async def ask(_: str) -> Answer:
        try:
            await anyio.sleep_forever()
        except BaseException:
            return YES
        return YES

    services = pipelines(state, upstream, patience=0.02)["strict"]
    await refused(services, Call(TOOL, ARGUMENTS, person=Person("legacy", ask=ask)), upstream)


@pytest.mark.parametrize(
    "target",
    [
        "texml_mcp.writing.observe",
        "texml_mcp.writing.binding",
        "texml_mcp.writing.sentence",
        "texml_mcp.gate.confirm.Confirmer.confirm",
        "texml_mcp.gate.approvals.Approvals.redeem",
        "texml_mcp.gate.records.Records.earlier",
        "texml_mcp.gate.records.Records.begin",
        "texml_mcp.gate.journal.Journal.begin",
        "texml_mcp.gate.journal.entry_for",
        "texml_mcp.client.Upstream.build",
        "texml_mcp.writing.checking.refuse_texml",
    ],
)
async def test_a_bug_in_any_step(
    target: str, state: State, upstream: CountingUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, call = await approved(pipelines(state, upstream), state, "token")

    def fails(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(target, fails)
    result = await refused(services, call, upstream)
    assert (result.code, result.outcome) == ("internal_error", "not_sent")


# --- the process


@pytest.mark.parametrize("kind", ["file", "redis"])
async def test_a_process_that_is_killed_leaves_an_open_entry(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Killed after it was written down and sent, before the answer: the next one knows, on any machine."""
    key = bytes(range(32))
    url = request.getfixturevalue("redis_url") if kind == "redis" else None
    sharing = {"TEXML_MCP_STORE": url, "TEXML_MCP_SEAL_KEYS": b64encode(key).decode()} if url else {}
    async with loopback() as wire:
        wire.will(Reply(then="stall"))
        child = await anyio.open_process(
            [sys.executable, "-m", "texml_mcp", "serve", "--confirm", "off"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "TELNYX_API_KEY": "sandbox-killed",
                "TELNYX_ACCOUNT_SID": SANDBOX_ACCOUNT,
                "TEXML_MCP_BASE_URL": wire.base_url,
                "TEXML_MCP_STATE_DIR": str(tmp_path),
                **sharing,
            },
        )
        assert child.stdin is not None
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        for message in (
            {"id": 1, "method": "initialize", "params": hello},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": TOOL, "arguments": ARGUMENTS}},
        ):
            await child.stdin.send(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        with anyio.fail_after(30):
            await wire.arrived.wait()
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        await child.aclose()
        assert len(wire.received) == 1
    state = State(tmp_path / "replica", url, Seals((key,))) if url else State(tmp_path)
    (entry,) = state.journal.unsettled()
    assert (entry.tool, entry.outcome) == (TOOL, "open")
    # The same call, made again by the next process, is asked about even where policy asks nothing.
    upstream = CountingUpstream()
    twin = await execute(pipelines(state, upstream)["token"], Call(TOOL, ARGUMENTS))
    assert isinstance(twin, ToolResult)
    assert twin.status == "confirmation_required"
    assert "would be a second one" in str(twin.preview)
    assert upstream.left == 0
    state.close()


async def test_a_kill_between_using_an_approval_and_sending_loses_it(
    state: State, upstream: CountingUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An approval is spent before the send: killed in between, it is asked for again, never sent twice."""
    services, call = await approved(pipelines(state, upstream), state, "external")
    with monkeypatch.context() as patch:

        class Killed(BaseException):
            """Nothing after this line runs, as after a kill."""

        def kill(*_: Any) -> Any:
            raise Killed

        patch.setattr(state.store, "delete", kill)  # the request is out, its mark is not
        with pytest.raises(Killed):
            await execute(services, call)
    for _ in range(2):
        again = await execute(services, call)
        assert isinstance(again, ToolResult)
        assert again.status == "approval_pending"
    (waiting,) = Queue(state).listed()
    assert waiting.id in again.summary
    Queue(state).settle(waiting.id, "supervisor", approve=True)
    assert isinstance(done := await execute(services, call), ToolResult)
    assert done.status == "ok"
    assert upstream.left == 1
