"""The store: exactly one winner, across threads and processes, and an error rather than a guess."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from texml_mcp.gate.store import Amount, Limit, SqliteStore, Store, StoreError, Total
from texml_mcp.gate.store.redis import RedisStore


class Clock:
    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["file", "memory", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """Each store that there is, on the clock of the test: what follows is what all of them promise."""
    made: Store
    if request.param == "redis":
        made = RedisStore(request.getfixturevalue("redis_url"), clock=clock)
    else:
        made = SqliteStore(tmp_path / "state.db" if request.param == "file" else ":memory:", clock=clock)
    yield made
    made.close()


def test_an_item_is_what_was_put(store: Store) -> None:
    store.put("a", "k", {"text": "søn\ud83d", "n": [1, 2.5, None]})
    found = store.get("a", "k")
    assert found is not None
    assert found.value == {"text": "søn\ud83d", "n": [1, 2.5, None]}
    assert store.get("b", "k") is None, "spaces are apart"


def test_an_expired_item_is_not_there(store: Store, clock: Clock) -> None:
    store.put("a", "k", {"n": 1}, expires_at=1_010.0)
    read = store.get("a", "k")
    assert read is not None
    clock.now = 1_010.0
    assert store.get("a", "k") is None
    assert store.list("a", 10) == ()
    assert not store.replace("a", "k", read.version, {"n": 2})
    assert store.take("a", "k") is None
    clock.now = 1_000.0
    assert store.take("a", "k") is None, "what was found expired once does not come back with the clock"


def test_take_answers_once(store: Store) -> None:
    store.put("a", "k", {"n": 1})
    assert store.take("a", "k") == {"n": 1}
    assert store.take("a", "k") is None


def test_delete_can_be_of_one_value_alone(store: Store) -> None:
    """Whoever removes what they have seen must not remove what somebody else has put there since."""
    store.put("a", "k", {"n": 1, "by": "first"})
    store.delete("a", "k")
    store.put("a", "k", {"n": 1, "by": "second"})
    assert not store.delete("a", "k", holding={"n": 1, "by": "first"})
    assert store.get("a", "k") is not None
    assert store.delete("a", "k", holding={"by": "second", "n": 1})
    assert store.get("a", "k") is None
    assert not store.delete("a", "k", holding={"by": "second", "n": 1})


def test_claim_is_true_once_until_it_expires(store: Store, clock: Clock) -> None:
    assert store.claim("a", "k", 1_010.0, {"by": "first"})
    assert not store.claim("a", "k", 1_010.0, {"by": "second"})
    found = store.get("a", "k")
    assert found is not None
    assert found.value == {"by": "first"}
    clock.now = 1_010.0
    assert store.claim("a", "k", None)


def test_replace_compares_versions(store: Store) -> None:
    store.put("a", "k", {"n": 1}, expires_at=1_010.0)
    read = store.get("a", "k")
    assert read is not None
    assert store.replace("a", "k", read.version, {"n": 2})
    assert not store.replace("a", "k", read.version, {"n": 3}), "someone else was quicker"
    now = store.get("a", "k")
    assert now is not None
    assert (now.value, now.expires_at) == ({"n": 2}, 1_010.0)
    assert not store.replace("a", "missing", 1, {})


def test_a_stale_reader_does_not_win_over_a_later_put(store: Store) -> None:
    store.put("a", "k", {"n": 1})
    read = store.get("a", "k")
    assert read is not None
    store.put("a", "k", {"n": 2})
    assert not store.replace("a", "k", read.version, {"n": 3})


def test_list_keeps_the_order_of_first_puts(store: Store) -> None:
    for name in ("x", "y", "z"):
        store.put("a", name, {})
    store.put("a", "x", {"again": True})
    assert [item.key for item in store.list("a", 10)] == ["x", "y", "z"]
    assert [item.key for item in store.list("a", 2, newest_first=True)] == ["z", "y"]
    assert store.delete("a", "y")
    assert not store.delete("a", "y")
    assert [item.key for item in store.list("a", 10)] == ["x", "z"]


def test_a_version_is_never_used_again(store: Store, clock: Clock) -> None:
    """Whoever read a value that has expired or was taken must not write over the next one."""
    store.put("a", "k", {"n": 1}, expires_at=1_010.0)
    read = store.get("a", "k")
    assert read is not None
    clock.now = 1_010.0
    assert store.claim("a", "k", None, {"n": 2})
    assert not store.replace("a", "k", read.version, {"n": 3})


def note(store: Store, series: str, at: float, amount: float = 1.0) -> Amount:
    each = Amount(series, f"{at}/{amount}", at, amount)
    assert store.reserve([], [each]) is None
    return each


def test_series_count_and_sum_since_a_moment(store: Store) -> None:
    for at in (10.0, 30.0, 20.0):
        note(store, "calls", at, 0.5)
    assert store.total("calls", 20.0) == Total(2, 1.0)
    assert store.total("calls", 30.000001) == Total(0, 0.0)
    assert store.total("other", 0.0) == Total(0, 0.0)


def test_an_amount_ahead_counts_until_its_time_has_come(store: Store) -> None:
    note(store, "open", 1_060.0)
    assert store.total("open", 1_000.0).entries == 1
    assert store.total("open", 1_060.1).entries == 0


def test_a_reservation_is_all_or_nothing_and_names_the_limit(store: Store) -> None:
    calls = Limit("calls", 940.0, 2, 1)
    spend = Limit("spend", 0.0, 1.0, 0.4, "amount")
    for number in range(2):
        amounts = [Amount("calls", str(number), 1_000.0), Amount("spend", str(number), 1_000.0, 0.4)]
        assert store.reserve([calls, spend], amounts) is None
    third = [Amount("calls", "2", 1_000.0), Amount("spend", "2", 1_000.0, 0.4)]
    assert store.reserve([calls, spend], third) == (0, 2.0)
    assert store.reserve([spend], third) == (0, 0.8)
    assert store.reserve([Limit("calls", 1_000.1, 2, 1), spend], third) == (1, 0.8), "the first has room"
    assert store.total("calls", 0.0).entries == 2, "a refusal notes nothing"


def test_what_is_released_has_room_again_once(store: Store) -> None:
    limit, first = Limit("calls", 0.0, 1, 1), Amount("calls", "1", 1_000.0)
    second = Amount("calls", "2", 1_000.0)
    assert store.reserve([limit], [first]) is None
    assert store.reserve([limit], [second]) == (0, 1.0)
    store.release([first])
    store.release([first])
    assert store.reserve([limit], [second]) is None
    assert store.total("calls", 0.0) == Total(1, 1.0)


def test_names_of_series_and_keys_may_be_anything(store: Store) -> None:
    strange = "to:sip:a b\n{0}*?[x]\u202e@example.com@acc"
    note(store, strange, 1_000.0)
    store.put(strange, strange, {"n": 1})
    assert store.total(strange, 0.0).entries == 1
    assert [item.key for item in store.list(strange, 5)] == [strange]
    with pytest.raises(StoreError):
        store.put("a", "half a character \ud83d", {})


def test_a_bucket_is_full_at_first_and_fills_up_again(store: Store, clock: Clock) -> None:
    assert [store.draw("b", 3, 0.5) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    clock.now += 1.5
    assert store.draw("b", 3, 0.5) == 0.5
    assert store.draw("other", 1, 0.5) == 0.0
    clock.now += 0.5
    assert store.draw("b", 3, 0.5) == 0.0
    clock.now += 1_000
    assert [store.draw("b", 3, 0.5) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0], "never more than it holds"


def test_a_clock_that_is_put_back_does_not_close_a_bucket(store: Store, clock: Clock) -> None:
    assert store.draw("b", 1, 1.0) == 0.0
    clock.now -= 500
    assert store.draw("b", 1, 1.0) <= 1.0


def test_purge_drops_only_what_is_over(store: Store, clock: Clock) -> None:
    clock.now = 40 * 86_400.0
    store.put("a", "old", {}, expires_at=clock.now - 1)
    store.put("a", "kept", {}, expires_at=clock.now + 1)
    store.put("a", "forever", {})
    note(store, "calls", clock.now - 86_400)
    note(store, "calls", clock.now - 32 * 86_400)  # last: a store may sweep as it notes
    assert store.purge(clock.now) == 2
    assert [item.key for item in store.list("a", 10)] == ["kept", "forever"]
    assert store.total("calls", 0.0).entries == 1


@pytest.mark.parametrize("value", [{"n": float("nan")}, {"n": object()}, {"n": {1, 2}}])
def test_a_value_that_is_not_json_is_an_error_and_changes_nothing(
    store: Store, value: dict[str, object]
) -> None:
    store.claim("a", "used", None)
    with pytest.raises(StoreError):
        store.put("a", "k", value)
    assert store.get("a", "k") is None
    assert not store.claim("a", "used", None), "an error must not forget what was claimed before it"


def test_a_closed_store_refuses(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError):
        store.claim("a", "k", None)


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_done_together_is_seen_inside_and_kept_after(store: Store, durable: bool) -> None:
    limit = Limit("calls", 0.0, 1, 1)
    with store.together(durable=durable):
        store.put("a", "k", {"n": 1})
        assert store.take("a", "k") == {"n": 1}
        assert store.claim("a", "k", None, {"n": 2})
        assert store.reserve([limit], [Amount("calls", "1", 1_000.0)]) is None
        assert store.reserve([limit], [Amount("calls", "2", 1_000.0)]) == (0, 1.0)
        assert store.total("calls", 0.0).entries == 1
    found = store.get("a", "k")
    assert found is not None
    assert found.value == {"n": 2}
    assert store.total("calls", 0.0).entries == 1


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("where", ["state.db", ":memory:"])
def test_an_error_leaves_nothing_of_what_was_done_together(where: str, durable: bool, tmp_path: Path) -> None:
    store = SqliteStore(where if where == ":memory:" else tmp_path / where)
    store.put("a", "before", {})

    def some(fails: bool) -> None:
        with store.together(durable=durable):
            store.delete("a", "before")
            store.put("a", "k", {})
            if fails:
                raise KeyError

    with pytest.raises(KeyError):
        some(fails=True)
    assert [item.key for item in store.list("a", 10)] == ["before"]
    some(fails=False)
    assert [item.key for item in store.list("a", 10)] == ["k"]
    store.close()


@pytest.mark.parametrize("where", ["state.db", ":memory:"])
def test_a_part_that_failed_cannot_be_passed_over(where: str, tmp_path: Path) -> None:
    """Whoever catches the error of one part does not get the rest written down without it."""
    store = SqliteStore(where if where == ":memory:" else tmp_path / where)

    def passes_over() -> None:
        with store.together():
            store.put("a", "k", {})
            with contextlib.suppress(StoreError):
                store.put("a", "other", {"n": object()})

    with pytest.raises(StoreError, match="in a part of it"):
        passes_over()
    assert store.list("a", 10) == ()
    store.put("a", "k", {})
    assert [item.key for item in store.list("a", 10)] == ["k"]
    store.close()


@pytest.mark.parametrize("durable", [True, False])
def test_what_waits_for_the_disk_is_said_by_whoever_begins(tmp_path: Path, durable: bool) -> None:
    """A part of a durable whole is durable with it; a durable part of another whole would be a lie."""
    store = SqliteStore(tmp_path / "state.db")
    with store.together(durable=durable), store._file()._connected() as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == (2 if durable else 1)
        with store.together(durable=False):
            store.put("a", "part", {})
    with (
        store.together(durable=False),
        pytest.raises(StoreError, match="must be on the disk"),
        store.together(),
    ):
        pass
    assert [item.key for item in store.list("a", 10)] == ["part"]
    store.close()


@pytest.mark.parametrize(("indent", "left"), [("    ", []), ("", ["k"])], ids=["amid it", "after it"])
def test_a_process_that_is_killed_leaves_all_of_what_it_did_together_or_nothing(
    indent: str, left: list[str], tmp_path: Path
) -> None:
    """What waits for no disk survives the process too: it takes a power cut to lose it."""
    killed = (
        "import os, signal, sys\n"
        "from texml_mcp.gate.store import SqliteStore\n"
        "store = SqliteStore(sys.argv[1])\n"
        "with store.together(durable=False):\n"
        "    store.put('a', 'k', {})\n"
        f"{indent}os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "state.db"
    done = subprocess.run([sys.executable, "-c", killed, str(path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    store = SqliteStore(path)
    assert [item.key for item in store.list("a", 10)] == left
    store.close()


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
    store.draw("b", 1, 1.0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for attempt in (
        lambda: store.put("a", "k", {}),
        lambda: store.take("a", "k"),
        lambda: store.claim("a", "k", None),
        lambda: store.reserve([], [Amount("s", "1", 1.0)]),
        lambda: store.draw("b", 1, 1.0),
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


def test_a_file_of_the_first_version_is_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    assert store.claim("used", "k", None)
    store.close()
    with sqlite3.connect(path) as db:  # as the first version made it
        db.execute("DROP TABLE amounts")
        db.execute("DROP TABLE buckets")
        db.execute("CREATE TABLE amounts (series TEXT NOT NULL, at REAL NOT NULL, amount REAL NOT NULL)")
        db.execute("PRAGMA user_version = 1")
    db.close()
    later = SqliteStore(path)
    assert not later.claim("used", "k", None)
    assert note(later, "calls", 10.0)
    assert later.draw("b", 1, 1.0) == 0.0


def test_a_forked_child_opens_the_file_anew_and_memory_refuses(tmp_path: Path) -> None:
    shared, alone = SqliteStore(tmp_path / "state.db"), SqliteStore(":memory:")
    child = os.fork()
    if child == 0:  # pragma: no cover - counted in the parent
        try:
            won = shared.claim("a", "k", None) and shared.draw("b", 1, 0.001) == 0.0
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
    assert shared.draw("b", 1, 0.001) > 0


_VISITOR = """
import sys
from texml_mcp.gate.store import SqliteStore
store = SqliteStore(sys.argv[1])
print(*[item.key for item in store.list("journal", 10)])
store.close()
"""


def _visited(path: Path) -> list[str]:
    """What another program finds in the file, which it opens and closes as `texml-mcp approvals` does."""
    seen = subprocess.run(
        [sys.executable, "-c", _VISITOR, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    return seen.stdout.split()


def test_another_program_that_comes_and_goes_takes_nothing_of_a_running_server_along(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    server = SqliteStore(path)
    server.put("journal", "before", {})
    server.total("calls", 0.0)  # its second connection: opening it must not give up the locks of the first
    assert _visited(path) == ["before"]
    server.put("journal", "after", {})
    assert _visited(path) == ["before", "after"]
    server.close()
    assert _visited(path) == ["before", "after"]
