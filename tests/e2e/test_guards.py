"""Where a call really goes is looked at before anyone is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import YES, Connect, Counting, answering, story, texts
from texml_mcp.sandbox.default_world import MAIN_APPLICATION

pytestmark = pytest.mark.anyio

CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": MAIN_APPLICATION}


def texml(number: str) -> str:
    return f"<Response><Dial>{number}</Dial></Response>"


@pytest.mark.parametrize(
    "arguments",
    [
        {"To": "911"},
        {"To": "9-1-1"},
        {"To": "\uff19\uff11\uff11"},
        {"To": "sip:911@example.com"},
        {"To": "sip:%39%31%31@example.com"},
        {"Texml": texml("911")},
        {"Texml": texml("<Number>112</Number>")},
        {"Texml": texml("<Sip>sip:999@example.com</Sip>")},
        {"Texml": texml("9<!-- -->11")},
        {"Texml": texml("988")},
    ],
    ids=str,
)
async def test_emergency_numbers_are_refused_however_they_are_written(
    connect: Connect, network: Counting, arguments: dict[str, Any]
) -> None:
    person = answering(YES)
    async with connect(client=person, confirm="off") as client:
        result = await client.call_tool("create_call", CALL | arguments)
    told = story(result)
    assert told["status"] in ("denied", "error")
    assert told["outcome"] == "not_sent"
    if told["status"] == "denied":
        assert "mergency" in told["summary"]
        assert "NOT EXECUTED" in texts(result)
    assert person["elicitation_callback"].asked == []
    assert network.writes == []


async def test_new_instructions_on_a_live_call_are_looked_at_too(connect: Connect, network: Counting) -> None:
    async with connect(confirm="off") as client:
        calls = story(await client.call_tool("list_calls", {}))["items"]
        live = next(call["sid"] for call in calls if call["status"] == "in-progress")
        told = story(await client.call_tool("update_call", {"call_sid": live, "Texml": texml("911")}))
    assert told["status"] == "denied"
    assert network.writes == []


async def test_a_loop_is_broken(connect: Connect, network: Counting, tmp_path: Path) -> None:
    statuses: list[str] = []
    policy = tmp_path / "policy.toml"
    policy.write_text("version = 1\n")
    async with connect(confirm="off", policy=str(policy)) as client:
        for _ in range(12):
            statuses.append(story(await client.call_tool("create_call", CALL))["status"])
    assert statuses[:10] == ["ok"] * 10
    assert statuses[10:] == ["denied"] * 2
    assert len(network.writes) == 10


async def test_a_dry_run_tells_the_ruling(connect: Connect) -> None:
    async with connect() as client:
        told = story(await client.call_tool("create_call", CALL | {"Texml": texml("911"), "dry_run": True}))
    assert told["status"] == "dry_run"
    assert "deny" in told["summary"]
