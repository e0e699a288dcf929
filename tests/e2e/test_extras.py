"""The opt-in endpoints that place calls: guarded, counted, asked about and followed as `create_call` is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.e2e.conftest import YES, Connect, Counting, answering, story, texts
from tests.e2e.test_gate import policy
from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION
from texml_mcp.sandbox.faults import arm

pytestmark = pytest.mark.anyio

DIAL = {"To": "+13125550142", "From": "+13125550100"}
BY_CONNECTION = {**DIAL, "connection_id": MAIN_APPLICATION}
CALLS: dict[str, dict[str, Any]] = {
    "create_call": {**DIAL, "ApplicationSid": MAIN_APPLICATION},
    "create_connection_call": BY_CONNECTION,
    "initiate_ai_call": {**BY_CONNECTION, "AIAssistantId": "assistant-1"},
}
EXTRAS = [name for name in CALLS if name != "create_call"]
WITH_EXTRAS = "default,extras"

each_extra = pytest.mark.parametrize("tool", EXTRAS)
each_way = pytest.mark.parametrize("tool", CALLS)


async def asked(client: Client, tool: str, **changes: Any) -> dict[str, Any]:
    return story(await client.call_tool(tool, CALLS[tool] | changes))


async def approved(client: Client, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The ready call of a question, made after a yes."""
    (step,) = answer["next"]
    return story(await client.call_tool(step["tool"], step["arguments"]))


async def test_without_their_toolset_they_are_not_offered(connect: Connect, network: Counting) -> None:
    async with connect() as client:
        assert not set(EXTRAS) & {tool.name for tool in (await client.list_tools()).tools}
        with pytest.raises(Exception, match="not offered by this server's settings"):
            await client.call_tool("initiate_ai_call", CALLS["initiate_ai_call"])
    assert network.writes == []


@each_extra
async def test_a_call_is_previewed_approved_placed_and_read_back(
    connect: Connect, network: Counting, worlds: Worlds, tool: str
) -> None:
    async with connect(toolsets=WITH_EXTRAS) as client:
        question = await asked(client, tool)
        assert question["status"] == "confirmation_required"
        for told in ("rings a phone and bills minutes", "is in US", f"account_sid {ACCOUNT_SID}"):
            assert told in question["preview"]
        assert network.writes == []
        placed = await approved(client, question)
        assert (placed["status"], placed["data"]["status"]) == ("ok", "queued")
        assert [step["tool"] for step in placed["next"]] == ["get_call", "update_call"]
        worlds.of("sandbox").advance(5)
        sid = placed["data"]["call_sid"]
        read = story(await client.call_tool("get_call", {"call_sid": sid}))
        assert (read["data"]["to"], read["data"]["status"]) == (DIAL["To"], "in-progress")
        used = await client.call_tool(tool, question["next"][0]["arguments"])
        assert story(used)["status"] != "ok", "a yes works once"
    assert len(network.writes) == 1


@each_way
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": "911"}, "emergency_number"),
        ({"To": "sip:112@pbx.example.com"}, "number_emergency"),
        ({"To": "+19005550123"}, "number_premium"),
        ({"From": "+13125550199"}, "caller_not_own"),
    ],
)
async def test_guards_refuse_what_they_refuse_of_any_call(
    connect: Connect, network: Counting, tmp_path: Path, tool: str, changes: dict[str, Any], code: str
) -> None:
    rules = policy(tmp_path, "[guards]\nown_caller_ids = ['+13125550100']\n")
    async with connect(toolsets=WITH_EXTRAS, policy=rules) as client:
        denied = await asked(client, tool, **changes)
    assert (denied["status"], denied["code"]) == ("denied", code)
    assert network.writes == []


@each_way
@pytest.mark.parametrize("name", ["url_hosts", "denied_countries"])
async def test_addresses_and_countries_are_judged(
    connect: Connect, network: Counting, tmp_path: Path, tool: str, name: str
) -> None:
    rules = policy(tmp_path, f"[guards]\n{name} = ['{'us' if name != 'url_hosts' else 'example.com'}']\n")
    address = "StatusCallbacks" if tool == "initiate_ai_call" else "Url"
    elsewhere = "https://elsewhere.example.org/a.xml"
    changes = {address: [elsewhere] if address == "StatusCallbacks" else elsewhere}
    async with connect(toolsets=WITH_EXTRAS, policy=rules) as client:
        denied = await asked(client, tool, **(changes if name == "url_hosts" else {}))
    assert denied["status"] == "denied", denied
    assert network.writes == []


async def test_whom_inline_texml_dials_is_judged_and_the_document_checked(
    connect: Connect, network: Counting
) -> None:
    tool = "create_connection_call"
    async with connect(toolsets=WITH_EXTRAS) as client:
        dials = await asked(client, tool, Texml="<Response><Dial>+1911</Dial></Response>")
        broken = await asked(client, tool, Texml="<Response><Sya>Hi</Sya></Response>")
        both = await asked(client, tool, Texml="<Response/>", Url="https://example.com/a.xml")
    assert (dials["status"], dials["code"]) == ("denied", "number_emergency")
    assert (broken["code"], both["code"]) == ("invalid_texml", "conflicting_arguments")
    assert network.writes == []


async def test_budgets_are_one_for_all_ways_to_place_a_call(
    connect: Connect, network: Counting, tmp_path: Path
) -> None:
    rules = policy(tmp_path, "[guards]\nper_destination_per_hour = 1\n")
    async with connect(toolsets=WITH_EXTRAS, policy=rules, confirm="off") as client:
        assert (await asked(client, "create_connection_call"))["status"] == "ok"
        for tool in ("create_call", "initiate_ai_call"):
            assert (await asked(client, tool))["code"] == "per_destination_per_hour"
    assert len(network.writes) == 1


async def test_an_open_call_counts_until_a_read_shows_its_end(
    connect: Connect, worlds: Worlds, tmp_path: Path
) -> None:
    rules = policy(tmp_path, "[guards]\nconcurrent_calls = 1\n")
    async with connect(toolsets=WITH_EXTRAS, policy=rules, confirm="off") as client:
        sid = (await asked(client, "initiate_ai_call"))["data"]["call_sid"]
        worlds.of("sandbox").advance(5)
        assert (await asked(client, "create_call", To="+13125550150"))["code"] == "concurrent_calls"
        await client.call_tool("update_call", {"call_sid": sid, "Status": "completed"})
        assert (await asked(client, "create_call", To="+13125550150"))["status"] == "ok"


async def test_a_call_without_a_time_limit_is_asked_about_where_policy_sets_one(
    connect: Connect, tmp_path: Path
) -> None:
    rules = policy(
        tmp_path,
        "risks.spends = 'allow'\nrisks.interrupts = 'allow'\n[guards]\ndefault_time_limit_seconds = 600\n"
        "rate_per_minute_cost = 0.02\n",
    )
    async with connect(toolsets=WITH_EXTRAS, policy=rules) as client:
        question = await asked(client, "create_connection_call")
        limited = await asked(client, "initiate_ai_call", dry_run=True)
    assert question["status"] == "confirmation_required"
    assert "takes no time limit and may last 14400 seconds" in " ".join(question["notes"])
    assert "At most 4.80 by the configured rate." in question["preview"]
    assert limited["request"]["body"]["TimeLimit"] == 600


@each_extra
async def test_a_second_identical_call_is_asked_about_as_one(connect: Connect, tool: str) -> None:
    person = answering(YES, YES)
    async with connect(toolsets=WITH_EXTRAS, client=person) as client:
        first = await asked(client, tool)
        await asked(client, tool)
    told, again = person["elicitation_callback"].asked
    assert "second one" not in told
    assert f"({first['data']['call_sid']}): this would be a second one" in again


@each_extra
async def test_an_unknown_outcome_names_the_read_that_settles_it(
    connect: Connect, worlds: Worlds, tool: str
) -> None:
    arm(worlds.of("sandbox"), {"operation": tool, "kind": "lost_response"})
    async with connect(toolsets=WITH_EXTRAS, confirm="off") as client:
        lost = await asked(client, tool)
        assert lost["outcome"] == "unknown"
        (step,) = lost["next"]
        assert step["tool"] == "list_calls"
        found = story(await client.call_tool(step["tool"], step["arguments"]))
    assert [each["to"] for each in found["items"]] == [DIAL["To"]]


async def test_an_unknown_outcome_where_no_read_is_offered_says_so(connect: Connect, worlds: Worlds) -> None:
    arm(worlds.of("sandbox"), {"operation": "initiate_ai_call", "kind": "lost_response"})
    async with connect(toolsets="extras", confirm="off") as client:
        answer = await client.call_tool("initiate_ai_call", CALLS["initiate_ai_call"])
    lost = story(answer)
    assert lost["outcome"] == "unknown"
    assert "next" not in lost
    assert "No tool offered here shows whether it happened" in texts(answer)


async def test_an_assistant_is_told_texts_by_name(connect: Connect, worlds: Worlds) -> None:
    tool = "initiate_ai_call"
    async with connect(toolsets=WITH_EXTRAS, confirm="off") as client:
        named = {"name": "Ana", "visits": 3}
        placed = await asked(client, tool, AIAssistantDynamicVariables=named)
        assert placed["status"] == "ok"
        refused = await asked(client, tool, AIAssistantDynamicVariables=["Ana"])
        assert "an object with texts by name" in refused["summary"]
        hidden = await asked(client, tool, AIAssistantDynamicVariables={"a\u202eb": "x"})
        assert hidden["code"] == "invalid_argument"
    call = worlds.of("sandbox").table("calls")[placed["data"]["call_sid"]]
    assert call["assistant"]["variables"] == {"name": "Ana", "visits": "3"}


async def test_a_policy_bounds_them_by_toolset_tool_and_risk(
    connect: Connect, network: Counting, tmp_path: Path
) -> None:
    for rule in ("toolsets.extras", "tools.initiate_ai_call", "risks.listens_in"):
        rules = policy(tmp_path, f"{rule} = 'deny'\n")
        async with connect(toolsets=WITH_EXTRAS, policy=rules) as client:
            assert (await asked(client, "initiate_ai_call"))["status"] == "denied"
    assert network.writes == []
