"""The sandbox with many worlds, and pages of many items."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx

from benchmarks.answers import ACCOUNT, dial
from benchmarks.scale.subject import Subject
from texml_mcp.catalog import endpoint
from texml_mcp.results import many, render
from texml_mcp.sandbox import Sandbox, World, Worlds
from texml_mcp.sandbox.default_world import default_world


def worlds() -> Iterator[Subject]:
    """Asking one world while others exist, and forking one."""
    held = Worlds()
    network: Any = Sandbox(held)
    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=network), headers={"authorization": "Bearer sandbox-1"}
    )
    url = f"http://sandbox.invalid/v2/texml/Accounts/{ACCOUNT}/Queues"

    def grow(size: int) -> None:
        seed = held.of("sandbox-1")
        for number in range(len(held.all_by_name()), size):
            held.put(f"sandbox-{number + 1}", seed.fork())

    def ask() -> None:
        loop.run_until_complete(client.get(url)).raise_for_status()

    def close() -> None:
        loop.run_until_complete(client.aclose())
        loop.close()

    yield Subject("a request of one world among many", "worlds", (1, 10, 100, 1000), grow, ask, close)

    world = default_world()
    world.callees = []
    placed = 0

    def call(size: int) -> None:
        nonlocal placed
        while placed < size:
            _ask(world, "create_call", {}, dial(placed))
            placed += 1

    listed = "a page of the calls of one world"
    yield Subject(listed, "calls", (100, 300, 1000, 3000), call, lambda: _page(world))
    forked = default_world()
    size_now = 1

    def forks(size: int) -> None:
        nonlocal size_now
        size_now = size

    yield Subject(
        "forking worlds", "forks", (1, 10, 100, 1000), forks, lambda: [forked.fork() for _ in range(size_now)]
    )


def pages() -> Iterator[Subject]:
    """An answer of so many items as a model reads it, in both channels."""
    item = _page(default_world())["calls"][0]
    known = endpoint("list_calls")
    items: list[dict[str, Any]] = []

    def grow(size: int) -> None:
        items.extend(item | {"sid": f"v3:{number:054d}"} for number in range(len(items), size))

    def show() -> None:
        shown = many(known, {}, items, full=False, total=None, following=None)
        render(shown)
        shown.structured()

    yield Subject("telling a page of calls", "items", (10, 100, 1000, 10_000), grow, show)


def _page(world: World) -> Any:
    return _ask(world, "list_calls", {"PageSize": "20"}, {})


def _ask(world: World, tool: str, query: dict[str, Any], body: dict[str, Any]) -> Any:
    status, answer = world.request(tool, {"account_sid": ACCOUNT}, query, body)
    if status >= 400:
        raise RuntimeError(f"{tool} answered {status}: {answer}")
    return answer
