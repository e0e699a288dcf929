"""What is said to do next can be done: it is offered, and after a wrong id it leads to the right ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import CALL, Connect, story
from texml_mcp.catalog import ENDPOINTS, OPT_IN, Endpoint
from texml_mcp.catalog.common import ACCOUNT_SID
from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.faults import arm

pytestmark = pytest.mark.anyio

NAMING = [
    each
    for each in ENDPOINTS
    if any(param is not ACCOUNT_SID for param in each.path_params)
    and each.id != "dial_conference_participant"  # a conference that nobody knows yet begins with it
]
DIAL = {name: CALL[name] for name in ("To", "From")}
NEEDED: dict[str, dict[str, Any]] = {
    "update_call": {"Status": "completed"},
    "update_call_recording": {"Status": "paused"},
    "update_call_siprec": {"Status": "stopped"},
    "start_call_siprec": {"ConnectorName": "outside"},
    "start_call_stream": {"Url": "wss://voice.example.com"},
    "update_conference": {"Status": "completed"},
    "update_conference_participant": {"Muted": True},
    "update_queue": {"MaxSize": 5},
    "create_connection_call": DIAL,
    "initiate_ai_call": DIAL | {"AIAssistantId": "assistant-1"},
    "update_application": {"friendly_name": "Night", "voice_url": "https://texml.example.com/night"},
}


def wrong(known: Endpoint) -> dict[str, Any]:
    """A call of the endpoint on things that do not exist."""
    ids = {
        param.key: "00000000-0000-4000-8000-000000000000"
        for param in known.path_params
        if param is not ACCOUNT_SID
    }
    return ids | NEEDED.get(known.id, {})


@pytest.mark.parametrize("known", NAMING, ids=lambda known: known.id)
async def test_what_does_not_exist_comes_with_the_list_of_what_does(
    connect: Connect, known: Endpoint
) -> None:
    async with connect(confirm="off", toolsets=",".join(["default", *OPT_IN])) as client:
        told = story(await client.call_tool(known.id, wrong(known)))
        if known.reads and told["status"] == "ok":  # a list of what hangs on nothing is empty
            return
        assert told["code"] == "not_found", told
        for _ in range(3):
            assert told.get("next"), f"{told} leads nowhere"
            step = told["next"][0]
            told = story(await client.call_tool(step["tool"], step["arguments"]))
            if told["status"] == "ok":
                break
        assert told["status"] == "ok"
        assert told["items"] is not None


async def test_an_account_that_was_named_is_looked_in(connect: Connect, worlds: Worlds) -> None:
    account = worlds.of("sandbox").account_sid
    async with connect() as client:
        told = story(await client.call_tool("get_call", {"call_sid": "v3:unknown", "account_sid": account}))
    assert told["next"][0]["tool"] == "list_calls"
    assert told["next"][0]["arguments"] == {"account_sid": account}


@pytest.mark.parametrize(
    "narrow", [{"toolsets": "core"}, {"read_only": True}, {"tools": "get_call,create_call"}]
)
async def test_nothing_is_suggested_that_is_not_offered(connect: Connect, narrow: dict[str, Any]) -> None:
    async with connect(confirm="off", **narrow) as client:
        offered = {tool.name for tool in (await client.list_tools()).tools}
        asked: list[tuple[str, dict[str, Any]]] = [
            ("list_calls", {}),
            ("list_conferences", {}),
            ("get_call", {"call_sid": "v3:unknown"}),
            ("create_call", CALL),
        ]
        told: list[dict[str, Any]] = []
        for tool, arguments in asked:
            if tool in offered:
                told.append(story(await client.call_tool(tool, arguments)))
        for sid in [item["sid"] for each in told for item in each.get("items", []) if "direction" in item]:
            told.append(story(await client.call_tool("get_call", {"call_sid": sid})))
    suggested = {step["tool"] for each in told for step in each.get("next", [])}
    assert suggested
    assert suggested <= offered


@pytest.mark.parametrize(
    ("tool", "arguments", "narrow"),
    [
        ("create_secret", {"name": "crm", "value": "an example"}, {}),  # nothing in the API reads it back
        ("create_call", CALL, {"tools": "create_call"}),
    ],
)
async def test_a_lost_write_that_nothing_offered_shows_is_said_to_be_one(
    connect: Connect, worlds: Worlds, tool: str, arguments: dict[str, Any], narrow: dict[str, Any]
) -> None:
    arm(worlds.of("sandbox"), {"operation": tool, "kind": "lost_response"})
    async with connect(confirm="off", **narrow) as client:
        told = story(await client.call_tool(tool, arguments))
    assert told["outcome"] == "unknown"
    assert "next" not in told
    assert told["notes"] == [
        "No tool offered here shows whether it happened: tell the user, who has to look."
    ]
