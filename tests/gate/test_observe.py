"""What a change touches is read just before it, and what can be read at the same time is."""

from __future__ import annotations

from pathlib import Path

import anyio
import httpx
import pytest

from tests.security.world import CountingUpstream, pipelines
from texml_mcp.execute import Call, execute
from texml_mcp.gate.state import State
from texml_mcp.results import ToolResult

pytestmark = pytest.mark.anyio

HANG_UP = Call("update_call", {"call_sid": "v3:live", "Status": "completed"})


@pytest.fixture
def upstream() -> CountingUpstream:
    return CountingUpstream(facts={"v3:live": "in-progress"})


async def asked(upstream: CountingUpstream, directory: Path) -> ToolResult:
    state = State(directory)
    with anyio.fail_after(20):
        result = await execute(pipelines(state, upstream)["token"], HANG_UP)
    state.close()
    assert isinstance(result, ToolResult)
    return result


async def test_a_call_and_its_conference_are_read_at_the_same_time(
    upstream: CountingUpstream, tmp_path: Path
) -> None:
    both = anyio.Event()

    async def answers_when_both_have_come(_: httpx.Request) -> None:
        if upstream.reads == 2:
            both.set()
        await both.wait()

    upstream.on_read = answers_when_both_have_come
    assert (await asked(upstream, tmp_path)).status == "confirmation_required"


@pytest.mark.parametrize("slower", ["Calls", "Conferences"])
async def test_a_call_that_cannot_be_read_is_not_asked_about(
    slower: str, upstream: CountingUpstream, tmp_path: Path
) -> None:
    """Whichever read ends first; and the conference alone is no reason: without it the call is seen."""

    async def refuses(request: httpx.Request) -> httpx.Response:
        if slower in request.url.path:
            await anyio.sleep(0.02)
        return httpx.Response(403, json={"errors": [{"code": "10010", "title": "Forbidden"}]})

    upstream.on_read = refuses
    result = await asked(upstream, tmp_path)
    assert (result.status, result.outcome) == ("error", "not_sent")
    assert upstream.left == 0

    async def no_conferences(request: httpx.Request) -> httpx.Response | None:
        return await refuses(request) if "Conferences" in request.url.path else None

    upstream.on_read = no_conferences
    assert (await asked(upstream, tmp_path)).status == "confirmation_required"
