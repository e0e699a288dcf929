"""The power goes while a write leaves: what the disk holds is a beginning of the log, and never a lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.security.world import CountingUpstream, create_call, pipelines
from texml_mcp.execute import Call, Services, execute
from texml_mcp.gate.external import Queue
from texml_mcp.gate.state import STORE_FILE, State
from texml_mcp.results import ToolResult
from texml_mcp.server.services import SANDBOX_ACCOUNT

pytestmark = pytest.mark.anyio

TOOL, ARGUMENTS = create_call()
FRAME = 24 + 4096


@dataclass
class Disk:
    """A copy of a store's two files, as they were at some moment."""

    main: bytes
    log: bytes

    @classmethod
    def of(cls, directory: Path) -> Disk:
        path = directory / STORE_FILE
        return cls(path.read_bytes(), path.with_name(path.name + "-wal").read_bytes())

    def cuts(self, earlier: Disk, directory: Path) -> Iterator[State]:
        """The state after each power cut that leaves all of `earlier` and any part of what followed."""
        assert self.main == earlier.main, "nothing was moved from the log to the file"
        assert self.log.startswith(earlier.log)
        ends = range(len(earlier.log), len(self.log) + 1, FRAME)
        assert len(ends) > 2, "what followed is several steps"
        for number, end in enumerate(ends):
            place = directory / str(number)
            place.mkdir()
            (place / STORE_FILE).write_bytes(self.main)
            (place / f"{STORE_FILE}-wal").write_bytes(self.log[:end])
            yield State(place)


async def asked(services: Services) -> dict[str, Any]:
    result = await execute(services, Call(TOOL, ARGUMENTS))
    assert isinstance(result, ToolResult)
    return {"confirm_token": result.confirm_token} if result.confirm_token else {}


async def once(services: Services, arguments: dict[str, Any]) -> str:
    result = await execute(services, Call(TOOL, arguments))
    assert isinstance(result, ToolResult)
    return result.status


@pytest.mark.parametrize("way", ["token", "external"])
async def test_what_is_noted_as_begun_has_used_its_approval(way: str, tmp_path: Path) -> None:
    """Wherever the log ends: an approval that still works is beside no entry of its call, and no count."""
    running = State(tmp_path / "running")
    upstream = CountingUpstream()
    departed: list[Disk] = []

    async def departs(_: httpx.Request) -> None:
        departed.append(Disk.of(tmp_path / "running"))

    upstream.on_write = departs
    services = pipelines(running, upstream)[way]
    given = ARGUMENTS | await asked(services)
    if way == "external":
        queue = Queue(running)
        queue.settle(queue.listed()[0].id, "supervisor", approve=True)
    before = Disk.of(tmp_path / "running")
    assert await once(services, given) == "ok"

    begun: list[int] = []
    for state in departed[0].cuts(before, tmp_path):
        begun.append(len(state.journal.unsettled()))
        assert state.store.total(f"calls@{SANDBOX_ACCOUNT}", 0.0).entries == begun[-1]
        after = CountingUpstream()
        again = await once(pipelines(state, after)[way], given)
        assert not (begun[-1] and after.left), f"{again}, with {begun[-1]} entries"
        state.close()
    assert begun[0] == 0
    assert begun[-1] == 1, "all that was on its way to the disk as the write left"
    running.close()


async def test_an_outcome_that_was_lost_leaves_its_call_unsettled(tmp_path: Path) -> None:
    """It is one of those that `reconcile` looks for, and its twin mark still asks before a second one."""
    running = State(tmp_path / "running")
    upstream = CountingUpstream()
    departed: list[Disk] = []

    async def departs(_: httpx.Request) -> None:
        departed.append(Disk.of(tmp_path / "running"))

    upstream.on_write = departs
    services = pipelines(running, upstream)["token"]
    assert await once(services, ARGUMENTS | await asked(services)) == "ok"
    settled = Disk.of(tmp_path / "running")
    seen: set[tuple[int, int]] = set()
    for state in settled.cuts(departed[0], tmp_path):
        seen.add((len(state.journal.unsettled()), len(state.journal.started_calls())))
        digest = state.journal.unsettled() or state.journal.settled()
        assert state.journal.similar(TOOL, digest[0].digest) is not None
        state.close()
    assert seen == {(1, 0), (0, 1)}
    running.close()
