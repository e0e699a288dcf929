"""Time in a task's world is its own: waiting costs nothing, and every clock an agent sees is the world's."""

from __future__ import annotations

import time
from typing import Any

import anyio

from tests.evals import tiny
from texml_mcp.evals.servers import OwnServer
from texml_mcp.evals.stage import Stage, staged

TASK = tiny.shipped()["call-and-report-length"]
CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "1293384261075731499"}


def on_stage(work: Any) -> None:
    async def go() -> None:
        async with staged(TASK, OwnServer()) as stage:
            await work(stage)

    anyio.run(go)


def test_waiting_for_a_call_takes_no_real_time() -> None:
    async def work(stage: Stage) -> None:
        began, world_began = time.monotonic(), stage.clockwork.now()
        token = (await stage.call("create_call", CALL)).structured["confirm_token"]
        placed = await stage.call("create_call", {**CALL, "confirm_token": token})
        wait = {"call_sid": placed.structured["data"]["sid"], "wait_for": "ended", "max_wait_seconds": 25}
        assert (await stage.call("get_call", wait)).structured["data"]["status"] == "in-progress"
        assert (await stage.call("get_call", wait)).structured["data"]["status"] == "completed"
        assert stage.clockwork.now() - world_began > 37
        assert time.monotonic() - began < 20  # real waiting would have taken twice that

    on_stage(work)


def test_a_preview_tells_the_time_of_the_world() -> None:
    async def work(stage: Stage) -> None:
        asked = await stage.call("create_call", CALL)
        hour = f"{stage.clockwork.time_of_day().hour - 6:02d}:"  # Chicago in winter
        assert f"local time {hour}" in asked.text

    on_stage(work)


def test_a_preview_counts_the_seconds_of_the_world() -> None:
    async def work(stage: Stage) -> None:
        listed = await stage.call("list_calls", {"To": "+13125550190"})
        (call,) = listed.structured["items"]
        asked = await stage.call("update_call", {"call_sid": call["sid"], "Status": "completed"})
        assert "in-progress for 4" in asked.text, asked.text

    on_stage(work)
