"""One approval, used by everybody at once: exactly one send. In one process, and across two."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import InputRequiredResult

from tests.client.loopback import Loopback, answer, loopback
from tests.e2e.conftest import ERAS, YES, answering, story
from tests.security.through_clients import on_the_wire
from tests.security.world import CountingUpstream, create_call, pipelines, state_at
from texml_mcp.execute import Call, execute
from texml_mcp.gate.external import NotAllowedError, Queue
from texml_mcp.gate.questions import ANSWER_KEY, Answer, AskThroughClient, Person
from texml_mcp.gate.state import State
from texml_mcp.results import ToolResult
from texml_mcp.server.app import build_server
from texml_mcp.server.services import SANDBOX_ACCOUNT

pytestmark = pytest.mark.anyio

MANY = 64
TOOL, ARGUMENTS = create_call()


@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("way", ["token", "form", "external"])
async def test_sixty_four_at_once_on_the_pipeline(way: str, servers: int, tmp_path: Path) -> None:
    upstream = CountingUpstream()

    async def slow(_: Any) -> None:
        await anyio.sleep(0)  # everybody else goes on in the middle of the send

    upstream.on_write = slow
    states = [state_at(tmp_path) for _ in range(servers)]
    mode = {"token": "token", "form": "strict", "external": "external"}[way]
    services = [pipelines(state, upstream)[mode] for state in states]
    asking = Person("modern", True) if way == "form" else Person()
    asked = await execute(services[0], Call(TOOL, ARGUMENTS, person=asking))
    given, person = dict(ARGUMENTS), asking
    if isinstance(asked, AskThroughClient):
        person = Person("modern", True, state=asked.state, answer=Answer("accept", True))
    elif way == "token":
        given["confirm_token"] = asked.confirm_token
    else:
        queue = Queue(states[0])
        queue.settle(queue.listed()[0].id, "supervisor", approve=True)
    results: list[ToolResult] = []

    async def use(number: int) -> None:
        result = await execute(services[number % servers], Call(TOOL, given, person=person))
        assert isinstance(result, ToolResult)
        results.append(result)

    async with anyio.create_task_group() as group:
        for number in range(MANY):
            group.start_soon(use, number)
    for state in states:
        state.close()
    assert upstream.left == 1
    assert [each.status for each in results].count("ok") == 1
    assert len(results) == MANY


@pytest.mark.parametrize("era", ERAS)
async def test_sixty_four_copies_of_one_token_through_a_client(era: str, tmp_path: Path) -> None:
    upstream = CountingUpstream()
    statuses: list[str] = []
    server = build_server(pipelines(state_at(tmp_path), upstream)["token"], sandbox=True)
    async with Client(server, mode=era) as client:
        token = story(await client.call_tool(TOOL, ARGUMENTS))["confirm_token"]

        async def use() -> None:
            result = await client.call_tool(TOOL, ARGUMENTS | {"confirm_token": token})
            statuses.append(story(result)["status"])

        async with anyio.create_task_group() as group:
            for _ in range(MANY):
                group.start_soon(use)
    assert upstream.left == 1
    assert statuses.count("ok") == 1
    assert statuses.count("confirmation_required") == MANY - 1


async def test_sixty_four_copies_of_one_answered_form(tmp_path: Path) -> None:
    """The modern era seals the state; the same sealed answer, sent 64 times, still counts once."""
    upstream = CountingUpstream()
    statuses: list[str] = []
    server = build_server(pipelines(state_at(tmp_path), upstream)["strict"], sandbox=True)
    async with Client(server, **answering()) as client:
        asked = await client.session.call_tool(TOOL, ARGUMENTS, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)

        async def use() -> None:
            result = await client.session.call_tool(
                TOOL,
                ARGUMENTS,
                input_responses={ANSWER_KEY: on_the_wire(Answer("accept", True))},
                request_state=asked.request_state,
            )
            statuses.append(story(result)["status"])

        async with anyio.create_task_group() as group:
            for _ in range(MANY):
                group.start_soon(use)
        assert upstream.left == 1
        assert sorted(set(statuses)) == ["declined", "ok"]
        assert statuses.count("ok") == 1
        with pytest.raises(MCPError):  # sealed for these arguments: with others it does not even arrive
            await client.session.call_tool(
                TOOL,
                ARGUMENTS | {"To": "+13125550150"},
                input_responses={ANSWER_KEY: on_the_wire(Answer("accept", True))},
                request_state=asked.request_state,
            )
    assert upstream.left == 1


async def test_sixty_four_questions_and_one_tick(tmp_path: Path) -> None:
    """A legacy client is asked for each copy: only the one that was ticked leaves."""
    upstream = CountingUpstream()
    asked = 0

    async def tick_one(_: Any, params: Any) -> Any:
        nonlocal asked
        asked += 1
        return YES if asked == MANY // 2 else on_the_wire(Answer("accept", False))

    server = build_server(pipelines(state_at(tmp_path), upstream)["auto"], sandbox=True)
    async with (
        Client(server, mode="legacy", elicitation_callback=tick_one) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(MANY):
            group.start_soon(client.call_tool, TOOL, ARGUMENTS)
    assert asked == MANY
    assert upstream.left == 1


# --- two real processes on one directory, and a server that counts what arrives


@asynccontextmanager
async def process(wire: Loopback, directory: Path, era: str, **settings: str) -> AsyncIterator[Client]:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "texml_mcp", "serve"],
        env={
            **os.environ,
            "TELNYX_API_KEY": "sandbox-races",
            "TELNYX_ACCOUNT_SID": SANDBOX_ACCOUNT,
            "TEXML_MCP_BASE_URL": wire.base_url,
            "TEXML_MCP_STATE_DIR": str(directory),
            **settings,
        },
    )
    with Path(os.devnull).open("w") as quiet:
        async with Client(stdio_client(parameters, errlog=quiet), mode=era) as client:
            yield client


def posts(wire: Loopback) -> int:
    return sum(each.method != "GET" for each in wire.received)


@pytest.mark.long
@pytest.mark.parametrize("era", ERAS)
async def test_two_processes_share_every_approval(era: str, tmp_path: Path) -> None:
    async with (
        loopback() as wire,
        process(wire, tmp_path, era) as first,
        process(wire, tmp_path, era) as second,
    ):
        wire.will(answer(200, {"sid": "v3:new", "status": "queued"}))
        token = story(await first.call_tool(TOOL, ARGUMENTS))["confirm_token"]
        # Asked on one, used on the other: once.
        given = ARGUMENTS | {"confirm_token": token}
        assert story(await second.call_tool(TOOL, given))["status"] == "ok"
        assert posts(wire) == 1
        for each in (first, second):
            assert story(await each.call_tool(TOOL, given))["status"] == "confirmation_required"
        assert posts(wire) == 1

        # 64 copies of one, spread over both.
        token = story(await second.call_tool(TOOL, ARGUMENTS))["confirm_token"]
        given = ARGUMENTS | {"confirm_token": token}
        statuses: list[str] = []

        async def use(client: Client) -> None:
            statuses.append(story(await client.call_tool(TOOL, given))["status"])

        async with anyio.create_task_group() as group:
            for _ in range(MANY // 2):
                group.start_soon(use, first)
                group.start_soon(use, second)
        assert posts(wire) == 2
        assert statuses.count("ok") == 1
        assert len(statuses) == MANY


@pytest.mark.long
async def test_two_processes_share_the_external_queue(tmp_path: Path) -> None:
    mode = {"TEXML_MCP_CONFIRM": "external"}
    async with (
        loopback() as wire,
        process(wire, tmp_path, "auto", **mode) as first,
        process(wire, tmp_path, "legacy", **mode) as second,
    ):
        wire.will(answer(200, {"sid": "v3:new", "status": "queued"}))
        assert story(await first.call_tool(TOOL, ARGUMENTS))["status"] == "approval_pending"
        assert story(await second.call_tool(TOOL, ARGUMENTS))["status"] == "approval_pending"
        queue = Queue(State(tmp_path))
        (waiting,) = queue.listed()
        with pytest.raises(NotAllowedError):
            queue.settle(waiting.id, "assistant", approve=True)
        queue.settle(waiting.id, "supervisor", approve=True)
        statuses: list[str] = []

        async def use(client: Client) -> None:
            statuses.append(story(await client.call_tool(TOOL, ARGUMENTS))["status"])

        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(use, first)
                group.start_soon(use, second)
        assert posts(wire) == 1
        assert statuses.count("ok") == 1


@pytest.mark.long
async def test_an_unasked_create_leaves_once_from_two_processes(tmp_path: Path) -> None:
    """Policy asks nothing about a queue; the same one, made at the same moment, is still made once."""
    queue = {"FriendlyName": "night"}
    async with (
        loopback() as wire,
        process(wire, tmp_path, "auto") as first,
        process(wire, tmp_path, "auto") as second,
    ):
        wire.will(answer(200, {"sid": "night", "friendly_name": "night"}))
        statuses: list[str] = []

        async def use(client: Client) -> None:
            statuses.append(story(await client.call_tool("create_queue", queue))["status"])

        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(use, first)
                group.start_soon(use, second)
    assert posts(wire) == 1
    assert statuses.count("ok") == 1
