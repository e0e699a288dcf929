"""Faults of the connection, over a real socket: what a client of any language would see."""

from __future__ import annotations

import httpx
import pytest

from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION
from texml_mcp.sandbox.faults import arm

NEW = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": MAIN_APPLICATION}


@pytest.mark.parametrize(("kind", "placed"), [("reset", 0), ("lost_response", 1)])
def test_a_cut_connection_gives_no_answer_and_the_next_request_works(
    base_url: str, worlds: Worlds, kind: str, placed: int
) -> None:
    world = worlds.of(f"sandbox-{kind}")
    before = len(world.table("calls"))
    arm(world, {"operation": "create_call", "kind": kind})
    headers = {"authorization": f"Bearer sandbox-{kind}"}
    path = f"{base_url}/texml/Accounts/{ACCOUNT_SID}/Calls"
    with httpx.Client(headers=headers) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            client.post(path, json=NEW)
        assert len(world.table("calls")) == before + placed
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("kind", ["malformed", "truncated", "html"])
def test_a_spoiled_answer_is_no_json(base_url: str, worlds: Worlds, kind: str) -> None:
    arm(worlds.of("sandbox-spoiled"), {"operation": "list_queues", "kind": kind})
    headers = {"authorization": "Bearer sandbox-spoiled"}
    reply = httpx.get(f"{base_url}/texml/Accounts/{ACCOUNT_SID}/Queues", headers=headers)
    assert reply.status_code == 200
    with pytest.raises(ValueError):
        reply.json()
