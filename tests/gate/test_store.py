"""The store: exactly one winner, across threads and processes, and an error rather than a guess."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from texml_mcp.gate.store import SqliteStore, StoreError


class Clock:
    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> SqliteStore:
    return SqliteStore(tmp_path / "state.db" if request.param == "file" else ":memory:", clock=clock)


def test_an_item_is_what_was_put(store: SqliteStore) -> None:
    store.put("a", "k", {"text": "søn\ud83d", "n": [1, 2.5, None]})
    found = store.get("a", "k")
    assert found is not None
    assert found.value == {"text": "søn\ud83d", "n": [1, 2.5, None]}
    assert store.get("b", "k") is None, "spaces are apart"


def test_an_expired_item_is_not_there(store: SqliteStore, clock: Clock) -> None:
    store.put("a", "k", {"n": 1}, expires_at=1_010.0)
    clock.now = 1_010.0
    assert store.get("a", "k") is None
    assert store.list("a", 10) == ()
    assert not store.replace("a", "k", 1, {"n": 2})
    assert store.take("a", "k") is None
    clock.now = 1_000.0
    assert store.take("a", "k") is None, "what was found expired once does not come back with the clock"


def test_take_answers_once(store: SqliteStore) -> None:
    store.put("a", "k", {"n": 1})
    assert store.take("a", "k") == {"n": 1}
    assert store.take("a", "k") is None


def test_claim_is_true_once_until_it_expires(store: SqliteStore, clock: Clock) -> None:
    assert store.claim("a", "k", 1_010.0, {"by": "first"})
    assert not store.claim("a", "k", 1_010.0, {"by": "second"})
    found = store.get("a", "k")
    assert found is not None
    assert found.value == {"by": "first"}
    clock.now = 1_010.0
    assert store.claim("a", "k", None)


def test_replace_compares_versions(store: SqliteStore) -> None:
    store.put("a", "k", {"n": 1}, expires_at=1_010.0)
    read = store.get("a", "k")
    assert read is not None
    assert store.replace("a", "k", read.version, {"n": 2})
    assert not store.replace("a", "k", read.version, {"n": 3}), "someone else was quicker"
    now = store.get("a", "k")
    assert now is not None
    assert (now.value, now.expires_at) == ({"n": 2}, 1_010.0)
    assert not store.replace("a", "missing", 1, {})


def test_a_stale_reader_does_not_win_over_a_later_put(store: SqliteStore) -> None:
    store.put("a", "k", {"n": 1})
    read = store.get("a", "k")
    assert read is not None
    store.put("a", "k", {"n": 2})
    assert not store.replace("a", "k", read.version, {"n": 3})


def test_list_keeps_the_order_of_first_puts(store: SqliteStore) -> None:
    for name in ("x", "y", "z"):
        store.put("a", name, {})
    store.put("a", "x", {"again": True})
    assert [item.key for item in store.list("a", 10)] == ["x", "y", "z"]
    assert [item.key for item in store.list("a", 2, newest_first=True)] == ["z", "y"]
    assert store.delete("a", "y")
    assert not store.delete("a", "y")
    assert [item.key for item in store.list("a", 10)] == ["x", "z"]


def test_series_count_and_sum_since_a_moment(store: SqliteStore) -> None:
    assert store.latest("calls") is None
    for at in (10.0, 30.0, 20.0):
        store.add("calls", at, 0.5)
    assert store.total("calls", 20.0) == (2, 1.0)
    assert store.total("other", 0.0) == (0, 0.0)
    assert store.latest("calls") == 30.0


def test_purge_drops_only_what_is_over(store: SqliteStore, clock: Clock) -> None:
    clock.now = 40 * 86_400.0
    store.put("a", "old", {}, expires_at=clock.now - 1)
    store.put("a", "kept", {}, expires_at=clock.now + 1)
    store.put("a", "forever", {})
    store.add("calls", clock.now - 32 * 86_400)
    store.add("calls", clock.now - 86_400)
    assert store.purge(clock.now) == 2
    assert [item.key for item in store.list("a", 10)] == ["kept", "forever"]
    assert store.total("calls", 0.0).entries == 1


@pytest.mark.parametrize("value", [{"n": float("nan")}, {"n": object()}, {"n": {1, 2}}])
def test_a_value_that_is_not_json_is_an_error_and_changes_nothing(
    store: SqliteStore, value: dict[str, object]
) -> None:
    store.claim("a", "used", None)
    with pytest.raises(StoreError):
        store.put("a", "k", value)
    assert store.get("a", "k") is None
    assert not store.claim("a", "used", None), "an error must not forget what was claimed before it"


def test_a_closed_store_refuses(store: SqliteStore) -> None:
    store.close()
    with pytest.raises(StoreError):
        store.claim("a", "k", None)


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "new" / "deep" / "state.db")
        store.put("a", "k", {})
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new" / "deep").iterdir()
        }
        assert {"state.db", "state.db-wal"} <= set(modes)
        assert set(modes.values()) == {0o600}
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "new" / "deep").stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    path.chmod(0o644)
    SqliteStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "state.db")
    assert first.claim("a", "k", None)
    first.close()
    assert not SqliteStore(tmp_path / "state.db").claim("a", "k", None)


def test_a_locked_database_is_an_error_and_works_again_when_free(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path, busy_seconds=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for attempt in (
        lambda: store.put("a", "k", {}),
        lambda: store.take("a", "k"),
        lambda: store.claim("a", "k", None),
        lambda: store.add("s", 1.0),
    ):
        with pytest.raises(StoreError):
            attempt()
    other.execute("ROLLBACK")
    other.close()
    assert store.claim("a", "k", None)


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    with store._connected() as db:  # the one way to a full disk without filling one
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError):
        store.put("a", "k", {"text": "x" * 100_000})
    assert store.get("a", "k") is None


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 40, b"\0" * 4096])
def test_a_file_of_something_else_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    with pytest.raises(StoreError):
        SqliteStore(path)
    assert path.read_bytes() == content, "somebody's file is not overwritten"


def test_a_newer_version_and_an_unusable_path_stop_the_start(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="99"):
        SqliteStore(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        SqliteStore(tmp_path / "file" / "state.db")


def test_of_many_threads_one_takes(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db", busy_seconds=20)
    store.put("a", "k", {"n": 1})
    start = threading.Barrier(16)

    def attempt(_: int) -> bool:
        start.wait(20)
        return store.take("a", "k") is not None

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


# A process of its own: waits for the word on stdin, then 32 threads try at once.
_RACER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from texml_mcp.gate.store import SqliteStore
path, what = sys.argv[1:]
stores = [SqliteStore(path, busy_seconds=30) for _ in range(32)]
def attempt(store):
    if what == "take":
        return store.take("approvals", "k") is not None
    if what == "replace":
        return store.replace("approvals", "k", 1, {"n": 2})
    return store.claim("used", "k", None)
with ThreadPoolExecutor(32) as pool:
    list(pool.map(lambda store: store.get("x", "y"), stores))
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(pool.map(attempt, stores)), flush=True)
"""


@pytest.mark.parametrize("what", ["take", "claim", "replace"])
def test_of_64_attempts_in_two_processes_one_wins(tmp_path: Path, what: str) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).put("approvals", "k", {"n": 1})
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(path), what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        wins = [json.loads(racer.communicate("go\n", timeout=60)[0]) for racer in racers]
    finally:
        for racer in racers:
            if racer.poll() is None:
                racer.kill()
                racer.wait()
    assert sum(wins) == 1
    assert [racer.returncode for racer in racers] == [0, 0]


def test_a_forked_child_opens_the_file_anew_and_memory_refuses(tmp_path: Path) -> None:
    shared, alone = SqliteStore(tmp_path / "state.db"), SqliteStore(":memory:")
    child = os.fork()
    if child == 0:  # pragma: no cover - counted in the parent
        try:
            won = shared.claim("a", "k", None)
            try:
                alone.claim("a", "k", None)
                refused = False
            except StoreError:
                refused = True
            os._exit(0 if won and refused else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not shared.claim("a", "k", None)
