"""A call that is given up: what had not left is not sent, what had left is unknown and written down."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from mcp import Client

from tests.client.loopback import Reply, answer, loopback
from texml_mcp.gate.state import State
from texml_mcp.server.app import build_server
from texml_mcp.server.services import build_services
from texml_mcp.settings import load

pytestmark = pytest.mark.anyio


async def test_a_cancelled_write_is_unknown_and_in_the_journal(era: str, tmp_path: Path) -> None:
    async with loopback() as wire:
        wire.will(Reply(b"", "stall"))
        settings = load(
            api_key="sandbox-test",
            base_url=wire.base_url,
            account_sid="acc",
            confirm="off",
            state_dir=tmp_path,
        )
        async with Client(build_server(build_services(settings), sandbox=False), mode=era) as client:
            with anyio.move_on_after(5):
                async with anyio.create_task_group() as group:
                    group.start_soon(client.call_tool, "create_queue", {"FriendlyName": "given up"})
                    await wire.arrived.wait()
                    group.cancel_scope.cancel()
            wire.will(answer(200, {"queues": []}))
            await client.call_tool("list_queues", {})
            journal = State(tmp_path).journal
            for _ in range(100):
                if any(entry.outcome == "unknown" for entry in journal.unsettled()):
                    break
                await anyio.sleep(0.02)
    (entry,) = journal.unsettled()
    assert (entry.tool, entry.outcome) == ("create_queue", "unknown")
    assert len([each for each in wire.received if each.method == "POST"]) == 1
