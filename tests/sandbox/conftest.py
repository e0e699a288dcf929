"""An empty world to tell stories in, and short ways to tell them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from texml_mcp.sandbox import World
from texml_mcp.sandbox.fixture import world_from

ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"
APPLICATION = "1293384261075731499"
DESK = "+13125550100"

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def world() -> World:
    """One application and nothing else; a write takes no time."""
    return world_from(
        {
            "account_sid": ACCOUNT,
            "settings": {"tick_seconds": 0},
            "documents": {"https://texml.example.com/desk": "<Response><Pause length='60'/></Response>"},
            "applications": [
                {
                    "id": APPLICATION,
                    "friendly_name": "Desk",
                    "voice_url": "https://texml.example.com/desk",
                    "status_callback": "https://hooks.example.com/calls",
                }
            ],
        }
    )


def asker(world: World) -> Ask:
    """`ask("get_call", call_sid=..., Status=...)`: lower case goes into the path, the rest into the body."""

    def ask(endpoint_id: str, query: dict[str, str] | None = None, **arguments: Any) -> tuple[int, Any]:
        path = {"account_sid": ACCOUNT} | {
            name: value for name, value in arguments.items() if name[0].islower()
        }
        body = {name: value for name, value in arguments.items() if not name[0].islower()}
        return world.request(endpoint_id, path, query, body)

    return ask


@pytest.fixture
def ask(world: World) -> Ask:
    return asker(world)


def place(ask: Ask, texml: str | None = None, to: str = "+13125550142", **more: Any) -> str:
    """Place a call and answer its sid."""
    given = {"Texml": f"<Response>{texml}</Response>"} if texml is not None else {}
    status, answer = ask("create_call", To=to, From=DESK, ApplicationSid=APPLICATION, **given, **more)
    assert status == 200, answer
    return answer["sid"]
