"""How fast the sandbox is in this process: operations, forks, and the memory of many worlds.

An operation that is refused stops the run, so that refusals, which are cheap, are never counted as work.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from typing import Any

from benchmarks.field import Field
from benchmarks.stats import Row, judged
from texml_mcp.sandbox import World
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION, default_world
from texml_mcp.sandbox.fixture import world_from

TARGET = 3000
ROUNDS = 400
FORKS = 300
WORLDS = 10_000
_DESK = "+13125550100"
_TALKS = "<Response><Pause length='3000'/></Response>"


def _ask(world: World, endpoint: str, body: dict[str, Any] | None = None, **path: str) -> Any:
    status, answer = world.request(endpoint, {"account_sid": ACCOUNT_SID, **path}, {}, body or {})
    if status >= 400:
        raise RuntimeError(f"{endpoint} answered {status}: {answer}")
    return answer


def _call(world: World, index: int) -> str:
    to = f"+1312555{100 + index % 100:04d}"
    body = {"To": to, "From": _DESK, "ApplicationSid": MAIN_APPLICATION, "Texml": _TALKS}
    return _ask(world, "create_call", body)["sid"]


def operations() -> float:
    """Operations a second of a mixed load: seven requests a call, from its start to its end."""
    world = default_world()
    # The default world has busy and silent numbers: here everybody picks up, after a second.
    world.callees = []
    world.script_callee({"match": "*", "does": "answers", "rings_seconds": 1})
    done = 0
    began = time.perf_counter()
    for index in range(ROUNDS):
        sid = _call(world, index)
        world.advance(2)
        _ask(world, "get_call", call_sid=sid)
        recording = _ask(world, "start_call_recording", call_sid=sid)["sid"]
        _ask(world, "update_call_recording", {"Status": "stopped"}, call_sid=sid, recording_sid=recording)
        _ask(world, "get_recording", recording_sid=recording)
        _ask(world, "update_call", {"Status": "completed"}, call_sid=sid)
        _ask(world, "list_calls")
        done += 7
    return done / (time.perf_counter() - began)


def _small() -> World:
    return world_from(
        {
            "account_sid": ACCOUNT_SID,
            "applications": [
                {
                    "id": MAIN_APPLICATION,
                    "friendly_name": "Desk",
                    "voice_url": "https://texml.example.com/desk",
                }
            ],
        }
    )


def forks() -> float:
    """Forks a second of a world with 100 calls."""
    world = _small()
    for index in range(100):
        _call(world, index)
    if len(world.table("calls")) != 100:
        raise RuntimeError("the world to fork does not hold 100 calls")
    began = time.perf_counter()
    for _ in range(FORKS):
        world.fork()
    return FORKS / (time.perf_counter() - began)


def memory() -> float:
    """Mebibytes that 10,000 small worlds of one call each take, in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.measures.sandbox"]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _resident() -> float:
    """Mebibytes resident now. Raises `OSError` where there is no /proc."""
    from pathlib import Path

    pages = int(Path("/proc/self/statm").read_text().split()[1])
    import resource

    return pages * resource.getpagesize() / 2**20


def _grown() -> float:
    seed = _small()
    _call(seed, 0)
    gc.collect()
    before = _resident()
    worlds = [seed.fork() for _ in range(WORLDS)]
    gc.collect()
    grown = _resident() - before
    if len(worlds) != WORLDS:
        raise RuntimeError("not every world was made")
    return grown


def sandbox(field: Field) -> list[Row]:
    """Operations and forks a second in this process, and the memory of 10,000 small worlds."""
    speed: Row = {"what": "operations a second", "figure": round(operations())}
    return [
        judged(speed, "figure", TARGET, least=True),
        {"what": "forks a second of a world of 100 calls", "figure": round(forks())},
        {"what": f"MiB of {WORLDS:,} small worlds", "figure": round(memory())},
    ]


if __name__ == "__main__":
    print(_grown())
