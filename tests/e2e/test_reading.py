"""Reads: pages, gathering, waiting, and what a model is told of them."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Connect, Counting, story, texts
from texml_mcp.sandbox import Worlds
from texml_mcp.tools.files import definitions
from texml_mcp.tools.offer import offered

pytestmark = pytest.mark.anyio


async def test_the_wire_lists_exactly_the_committed_definitions(connect: Connect) -> None:
    async with connect() as client:
        listed = await client.list_tools()
    assert listed.next_cursor is None
    shown = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools]
    assert shown == [definitions()[name] for name in offered()]


async def test_toolsets_lists_and_read_only_are_upper_bounds(connect: Connect) -> None:
    async with connect(toolsets="calls,queues", exclude_tools="delete_queue", read_only=True) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert names == ["list_calls", "get_call", "list_queues", "get_queue", "validate_texml"]


@pytest.mark.parametrize("asked", [{"limit": 200}, {"PageSize": 57}, {"limit": 50, "detail": "full"}])
async def test_what_did_not_fit_comes_next(
    connect: Connect, worlds: Worlds, asked: dict[str, object]
) -> None:
    world = worlds.of("sandbox")
    body = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "1293384261075731499"}
    for _ in range(150):
        world.request("create_call", {"account_sid": world.account_sid}, {}, body)
    seen: list[str] = []
    async with connect() as client:
        tool, arguments = "list_calls", asked
        for _ in range(150):
            page = story(await client.call_tool(tool, arguments))
            seen += [item["sid"] for item in page["items"]]
            step = next((each for each in page.get("next", []) if each["tool"] == "list_calls"), None)
            if step is None:
                break
            tool, arguments = step["tool"], step["arguments"]
    assert set(seen) == set(world.table("calls"))
    assert len(seen) <= 1.2 * len(set(seen)), "a page may begin a little before what is missing"


async def test_following_next_reaches_every_call_once(connect: Connect, worlds: Worlds) -> None:
    seen: list[str] = []
    async with connect() as client:
        tool, arguments = "list_calls", {}
        for _ in range(10):
            page = story(await client.call_tool(tool, arguments))
            seen += [item["sid"] for item in page["items"]]
            following = [step for step in page.get("next", []) if step["why"] == "the next page"]
            if not following:
                break
            tool, arguments = following[0]["tool"], following[0]["arguments"]
    assert sorted(seen) == sorted(worlds.of("sandbox").table("calls"))


async def test_numbered_pages_follow_too(connect: Connect) -> None:
    async with connect() as client:
        first = story(await client.call_tool("list_applications", {"page_size": 2}))
        assert first["page"] == {"shown": 2, "more": True, "total": 3}
        rest = story(await client.call_tool("list_applications", first["next"][0]["arguments"]))
    assert rest["page"] == {"shown": 1, "more": False, "total": 3}


async def test_limit_gathers_across_pages_and_reports_progress(connect: Connect) -> None:
    reports: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        reports.append((done, total))

    async with connect() as client:
        arguments = {"limit": 30, "PageSize": 10, "Status": "completed"}
        gathered = story(await client.call_tool("list_calls", arguments, progress_callback=progress))
    assert gathered["page"]["shown"] <= 30
    assert len(gathered["items"]) == gathered["page"]["shown"]
    assert reports[0] == (10, 30)
    assert len(reports) >= 2


async def test_waiting_ends_when_the_status_comes(connect: Connect, worlds: Worlds) -> None:
    world = worlds.of("sandbox")
    sid = next(sid for sid, call in world.table("calls").items() if call["status"] == "ringing")

    async def progress(done: float, total: float | None, message: str | None) -> None:
        world.answer(sid)

    async with connect() as client:
        arguments = {"call_sid": sid, "wait_for": "in-progress"}
        told = story(await client.call_tool("get_call", arguments, progress_callback=progress))
    assert told["data"]["status"] == "in-progress"


async def test_waiting_for_what_can_no_longer_come_ends_at_once(connect: Connect, worlds: Worlds) -> None:
    calls = worlds.of("sandbox").table("calls")
    busy = next(sid for sid, call in calls.items() if call["status"] == "busy")
    async with connect() as client:
        told = story(await client.call_tool("get_call", {"call_sid": busy, "wait_for": "in-progress"}))
    assert told["notes"] == ["The call is over as busy; it will not become in-progress."]


async def test_a_wait_that_runs_out_says_so_and_offers_to_go_on(connect: Connect, worlds: Worlds) -> None:
    calls = worlds.of("sandbox").table("calls")
    ringing = next(sid for sid, call in calls.items() if call["status"] == "ringing")
    async with connect() as client:
        arguments = {"call_sid": ringing, "wait_for": "ended", "max_wait_seconds": 1}
        told = story(await client.call_tool("get_call", arguments))
    assert told["notes"][0].startswith("Still ringing after")
    assert told["next"][0]["arguments"] == {"call_sid": ringing, "wait_for": "ended"}


async def test_full_detail_holds_what_the_summary_leaves_out(connect: Connect) -> None:
    async with connect() as client:
        brief = story(await client.call_tool("get_queue", {"queue_sid": "support"}))["data"]
        full = story(await client.call_tool("get_queue", {"queue_sid": "support", "detail": "full"}))["data"]
    assert brief == {
        "sid": "support",
        "current_size": 3,
        "max_size": 10,
        "average_wait_time": brief["average_wait_time"],
    }
    assert {"uri", "account_sid", "date_created"} <= set(full)


async def test_both_channels_tell_every_item(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("list_conferences", {})
    for item in story(result)["items"]:
        assert item["sid"] in texts(result)
        assert item["status"] in texts(result)


async def test_validate_texml_is_local(connect: Connect, network: Counting) -> None:
    document = "<Response><Say>Hi</Say><Dial><Number>+13125550142</Number></Dial></Response>"
    async with connect() as client:
        good = story(await client.call_tool("validate_texml", {"Texml": document}))
        bad = story(await client.call_tool("validate_texml", {"Texml": "<Response><Sya>Hi</Sya></Response>"}))
        none = story(await client.call_tool("validate_texml", {}))
    assert good["valid"] is True
    assert any("+13125550142" in json.dumps(target) for target in good["targets"])
    assert bad["valid"] is False
    assert "Say" in bad["findings"][0]["message"]
    assert none["code"] == "missing_argument"
    assert network.writes == []


async def test_validate_texml_says_how_much_it_leaves_out(connect: Connect) -> None:
    numbers = "".join(f"<Number>+1312555{100 + each:04}</Number>" for each in range(23))
    wrong = "<Sya>Hi</Sya>" * 27
    async with connect() as client:
        asked = [f"<Response><Dial>{numbers}</Dial></Response>", f"<Response>{wrong}</Response>"]
        many = [await client.call_tool("validate_texml", {"Texml": document}) for document in asked]
    reached, found = (story(each) for each in many)
    assert len(reached["targets"]) == 20
    assert "It reaches 3 more targets, not shown." in reached["notes"]
    assert "It reaches 3 more targets, not shown." in texts(many[0])
    assert len(found["findings"]) == 20
    assert "7 more findings not shown." in found["notes"]
