"""Races for one thing in a store: 16 threads, and four processes of 16 threads, and one winner."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lengths import few
from texml_mcp.gate.store import open_store

THREADS, PROCESSES, PLACES = 16, 4, 5

# One process: connections first, then all threads at once on the word from stdin.
_RACER = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from texml_mcp.gate.store import Amount, Limit, open_store
from texml_mcp.gate.store.sqlite import SqliteStore
where, what, me, threads, places = sys.argv[1:]
threads, places, now = int(threads), int(places), time.time()

def opened():
    return open_store(where) if "://" in where else SqliteStore(where, busy_seconds=30)

stores = [opened() for _ in range(threads)]
version = stores[0].get("approvals", "k").version

def attempt(number):
    store = stores[number]
    if what == "take":
        return store.take("approvals", "k") is not None
    if what == "replace":
        return store.replace("approvals", "k", version, {"n": 2})
    if what == "claim":
        return store.claim("used", "k", None)
    if what == "draw":
        return store.draw("bucket", places, 0.0001) == 0.0
    limit = Limit("calls", now - 60, places, 1)
    return store.reserve([limit], [Amount("calls", f"{me}/{number}", now)]) is None

with ThreadPoolExecutor(threads) as pool:
    list(pool.map(lambda store: (store.get("x", "y"), store.total("x", 0.0)), stores))
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(pool.map(attempt, range(threads))), flush=True)
"""


@pytest.mark.parametrize("processes", few([PROCESSES, 1], 1))
@pytest.mark.parametrize("what", few(["take", "draw", "claim", "replace", "reserve"], 1))
@pytest.mark.parametrize("kind", ["file", "redis"])
def test_exactly_as_many_win_as_there_are_places(
    kind: str, what: str, processes: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue("redis_url") if kind == "redis" else str(tmp_path / "state.db")
    store = open_store(where)
    store.put("approvals", "k", {"n": 1})
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, where, what, str(me), str(THREADS), str(PLACES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for me in range(processes)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        wins = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]
    finally:
        for racer in racers:
            if racer.poll() is None:
                racer.kill()
                racer.wait()
    assert [racer.returncode for racer in racers] == [0] * processes
    assert sum(wins) == (PLACES if what in ("reserve", "draw") else 1)
    if what == "reserve":
        assert store.total("calls", 0.0).entries == PLACES
    store.close()
