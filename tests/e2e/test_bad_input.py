"""Whatever a model or a host sends, the answer is short, says what to change, and the server lives on."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from tests.e2e.conftest import Connect, Counting, story, texts

pytestmark = pytest.mark.anyio


async def test_an_unknown_tool_is_a_protocol_error_that_names_the_nearest(connect: Connect) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("get_cal", {})
        assert refused.value.error.code == -32602
        assert "Did you mean get_call?" in refused.value.error.message
        assert story(await client.call_tool("list_queues", {}))["status"] == "ok"


async def test_a_tool_that_is_not_offered_says_so(connect: Connect) -> None:
    async with connect(read_only=True) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("create_call", {})
        assert "not offered" in refused.value.error.message


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "field"),
    [
        ("get_call", {}, "missing_argument", "call_sid"),
        ("get_call", {"call_sid": ""}, "invalid_argument", "call_sid"),
        ("get_call", {"call_sid": "v3:a\x00b"}, "invalid_argument", "call_sid"),
        ("get_call", {"call_sid": "v3:a\u202eb"}, "invalid_argument", "call_sid"),
        ("get_call", {"call_sid": "x" * 1_000_000}, "invalid_argument", "call_sid"),
        ("get_call", {"call_sid": "\ud800"}, "invalid_argument", "call_sid"),
        ("get_call", {"call_sid": "v3:a", "wait_for": "forever"}, "invalid_argument", "wait_for"),
        ("list_calls", {"limit": 0}, "invalid_argument", "limit"),
        ("list_calls", {"StartTime": "yesterday"}, "invalid_argument", "StartTime"),
        ("list_calls", {"Status": "ringing"}, "invalid_argument", "Status"),
        ("list_applications", {"filter_friendly_name": "ab"}, "invalid_argument", "filter_friendly_name"),
        ("create_call", {"To": "12"}, "invalid_argument", "To"),
        ("create_application", {"inbound": {"port": 1}}, "invalid_argument", "inbound"),
        ("create_queue", {"FriendlyName": {"a": [{"b": "c"}]}}, "invalid_argument", "FriendlyName"),
    ],
)
async def test_bad_arguments(
    connect: Connect, network: Counting, tool: str, arguments: dict[str, Any], code: str, field: str
) -> None:
    if any("\ud800" in str(value) for value in arguments.values()):
        arguments = json.loads(json.dumps(arguments))
    async with connect() as client:
        result = await client.call_tool(tool, arguments)
        told = story(result)
        assert result.is_error
        assert (told["code"], told["field"], told["outcome"]) == (code, field, "not_sent")
        assert "NOT EXECUTED" in texts(result)
        assert len(texts(result)) < 1500
        assert story(await client.call_tool("list_queues", {}))["status"] == "ok"
    assert network.writes == []


def speak(*lines: str, until: int) -> list[dict[str, Any]]:
    """What a real server process answers to raw lines, up to the answer with this id."""
    answers: list[dict[str, Any]] = []
    with subprocess.Popen(
        [sys.executable, "-m", "texml_mcp", "serve", "--sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join(lines) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            answers.append(json.loads(line))
            if answers[-1].get("id") == until:
                break
        process.stdin.close()
        process.wait(20)
    return answers


HELLO = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
)
READY = '{"jsonrpc":"2.0","method":"notifications/initialized"}'


def test_a_process_survives_nonsense_on_its_pipe() -> None:
    nested = '{"a":' * 3000 + "1" + "}" * 3000
    deep = f'{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"x","arguments":{nested}}}}}'
    listing = '{"jsonrpc":"2.0","id":3,"method":"tools/list"}'
    answers = {each.get("id"): each for each in speak(HELLO, READY, "not json", "{}", deep, listing, until=3)}
    assert len(answers[3]["result"]["tools"]) == 39


def test_only_the_protocol_is_on_stdout() -> None:
    answers = speak(
        HELLO, READY, '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_calls"}}', until=2
    )
    assert [each["id"] for each in answers] == [1, 2]
    assert answers[1]["result"]["structuredContent"]["status"] == "ok"


async def test_inline_texml_is_checked_before_anyone_is_asked(connect: Connect, network: Counting) -> None:
    placing = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "1293384261075731499"}
    async with connect() as client:
        broken = await client.call_tool(
            "create_call", placing | {"Texml": "<Response><Sya>Hi</Sya></Response>"}
        )
        unclosed = await client.call_tool("create_call", placing | {"Texml": "<Response>"})
        bomb = '<!DOCTYPE x [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>'
        entity = await client.call_tool("create_call", placing | {"Texml": bomb})
        dead = "<Response><Hangup/><Say>Hello</Say></Response>"
        warned = story(await client.call_tool("create_call", placing | {"Texml": dead}))
    for refused in (broken, unclosed, entity):
        assert story(refused)["code"] == "invalid_texml"
        assert story(refused)["field"] == "Texml"
        assert "Line 1:" in texts(refused)
    assert "Say" in story(broken)["summary"]
    assert warned["status"] == "confirmation_required"
    assert any("Say" in note for note in warned["notes"])
    assert "The TeXML " in warned["preview"]
    assert network.writes == []
