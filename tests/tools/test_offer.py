"""Which tools are offered: toolsets, and the small set for calls that crosses them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mcp import Client

from texml_mcp.catalog import OPT_IN, TOOLSETS
from texml_mcp.server.app import build_server
from texml_mcp.server.services import build_services
from texml_mcp.settings import load
from texml_mcp.tools.files import definitions
from texml_mcp.tools.offer import ALL_TOOLS, UnknownNameError, offered


def test_the_toolsets_of_the_catalogue_make_up_the_whole() -> None:
    parts = [set(offered(toolsets=[each])) for each in TOOLSETS]
    assert set().union(*parts) == set(ALL_TOOLS)
    assert offered(toolsets=TOOLSETS) == ALL_TOOLS


def test_what_is_opt_in_is_offered_only_where_it_is_named() -> None:
    usual = [each for each in TOOLSETS if each not in OPT_IN]
    assert offered() == offered(toolsets=["default"]) == offered(toolsets=usual)
    assert offered(exclude=["list_calls"]) == tuple(each for each in offered() if each != "list_calls")
    extras = ["create_connection_call", "initiate_ai_call"]
    assert offered(toolsets=["extras"]) == ("validate_texml", *extras)
    assert offered(toolsets=["default", "extras"]) == (*offered(), *extras)
    assert offered(tools=["get_call", "initiate_ai_call"]) == ("get_call", "initiate_ai_call")
    assert "initiate_ai_call" not in offered(toolsets=["core"], tools=["get_call", "initiate_ai_call"])
    assert offered(toolsets=["extras"], read_only=True) == ("validate_texml",)


def test_core_adds_up_with_others_and_is_narrowed_like_any() -> None:
    assert set(offered(toolsets=["core", "queues"])) == {
        *offered(toolsets=["core"]),
        *offered(toolsets=["queues"]),
    }
    assert "update_call" not in offered(toolsets=["core"], read_only=True)
    assert "create_call" not in offered(toolsets=["core"], exclude=["create_call"])


def test_a_misspelt_core_is_no_toolset() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean core\? Valid: default, core, calls"):
        offered(toolsets=["cor"])


async def test_core_places_a_call_and_looks_after_it_and_a_conference() -> None:
    services = build_services(load(sandbox=True, toolsets="core"))
    async with Client(build_server(services, sandbox=True)) as client:

        async def done(tool: str, **arguments: Any) -> dict[str, Any]:
            answer = (await client.call_tool(tool, arguments)).structured_content
            if answer["status"] == "confirmation_required":
                token = {"confirm_token": answer["confirm_token"]}
                answer = (await client.call_tool(tool, arguments | token)).structured_content
            assert answer["status"] == "ok", answer
            return answer

        texml = "<Response><Dial><Conference>core</Conference></Dial></Response>"
        valid = (await client.call_tool("validate_texml", {"Texml": texml})).structured_content
        assert valid["valid"]
        applications = (await done("list_applications"))["items"]
        application = next(each["id"] for each in applications if each["active"])
        call = (
            await done(
                "create_call",
                To="+13125550142",
                From="+13125550100",
                ApplicationSid=application,
                Texml=texml,
            )
        )["data"]["sid"]
        assert (await done("get_call", call_sid=call, wait_for="in-progress"))["data"]["sid"] == call
        assert call in [each["sid"] for each in (await done("list_calls"))["items"]]

        found = (await done("list_conferences", FriendlyName="core"))["items"]
        room = {"conference_sid": found[0]["sid"]}
        inside = (await done("list_conference_participants", **room))["items"]
        assert [each["call_sid"] for each in inside] == [call]
        member = room | {"call_sid_or_participant_label": call}
        assert (await done("update_conference_participant", **member, Muted=True))["data"]["muted"]
        await done("update_call", call_sid=call, Status="completed")
        assert (await done("get_call", call_sid=call))["data"]["status"] == "completed"


async def test_a_description_names_no_tool_that_is_not_offered() -> None:
    async def told(toolsets: str) -> dict[str, str]:
        services = build_services(load(sandbox=True, toolsets=toolsets))
        async with Client(build_server(services, sandbox=True)) as client:
            tools = (await client.list_tools()).tools
            offered_here = {tool.name for tool in tools}
            for tool in tools:
                named = set(re.findall(r"\w+", tool.description or "")) & set(ALL_TOOLS)
                assert named <= offered_here, tool.name
                assert tool.description
            return {tool.name: tool.description or "" for tool in tools}

    for toolset in ("core", *TOOLSETS):
        await told(toolset)
    assert "dial_conference_participant" not in (await told("core"))["create_call"]
    everything = await told("")
    assert everything["create_call"].endswith("Into a conference: dial_conference_participant.")
    assert everything == {name: definitions()[name]["description"] for name in offered()}
