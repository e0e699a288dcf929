"""The journal: no write without a note, no note without an end, and no end that was guessed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from texml_mcp.catalog import ENDPOINTS, endpoint
from texml_mcp.cli import journal as command
from texml_mcp.cli import panic
from texml_mcp.client import Upstream
from texml_mcp.gate.journal import ApiReader, DuplicateError, Entry, Journal, entry_for, reconcile
from texml_mcp.gate.state import State
from texml_mcp.gate.store import SqliteStore, StoreError
from texml_mcp.gate.store.digests import Digester
from texml_mcp.results.values import iso_time
from texml_mcp.sandbox.default_world import MAIN_APPLICATION
from texml_mcp.server.services import SANDBOX_ACCOUNT, build_upstream
from texml_mcp.settings import load

KEY = Digester(b"k" * 32)
CALL = {
    "account_sid": SANDBOX_ACCOUNT,
    "To": "+13125550191",
    "From": "+13125550100",
    "ApplicationSid": "1293384261075731499",
}


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0  # in the past: the commands read the wall clock

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(clock: Clock) -> Journal:
    return Journal(SqliteStore(":memory:", clock=clock), clock)


def entry(tool: str = "create_call", **wire: Any) -> Entry:
    given = {**CALL, **wire} if tool == "create_call" else {"account_sid": SANDBOX_ACCOUNT, **wire}
    return entry_for(endpoint(tool), given, KEY, principal="ann")


def test_a_write_is_unsettled_until_it_is_settled(journal: Journal) -> None:
    id = journal.begin(entry())
    (open_one,) = journal.unsettled()
    assert (open_one.id, open_one.outcome, open_one.shown["To"]) == (id, "open", "+1312***0191")
    journal.settle(id, "ok", 200, "v3:abc")
    assert journal.unsettled() == []
    (done,) = journal.settled()
    assert (done.outcome, done.status, done.sid) == ("ok", 200, "v3:abc")


def test_an_unknown_outcome_stays_open_and_the_first_final_word_stands(journal: Journal) -> None:
    id = journal.begin(entry())
    journal.settle(id, "unknown")
    assert [each.outcome for each in journal.unsettled()] == ["unknown"]
    journal.settle(id, "happened", sid="v3:abc")
    journal.settle(id, "did_not")
    found = journal.entry(id)
    assert found is not None
    assert (found.outcome, found.sid) == ("happened", "v3:abc")


def test_unsettled_leaves_out_what_has_just_begun(journal: Journal, clock: Clock) -> None:
    first = journal.begin(entry())
    clock.now += 60
    journal.begin(entry(To="+13125550192"))
    assert [each.id for each in journal.unsettled(older_than=30)] == [first]


def test_an_identical_create_in_the_window_is_found(journal: Journal, clock: Clock) -> None:
    one, other = entry(), entry(To="+13125550192")
    assert journal.similar("create_call", one.digest) is None
    id = journal.begin(one)
    found = journal.similar("create_call", one.digest)
    assert found is not None
    assert found.id == id
    assert journal.similar("create_call", other.digest) is None
    clock.now += 121
    assert journal.similar("create_call", one.digest) is None
    assert journal.similar("create_call", one.digest, window_seconds=200) is not None


@pytest.mark.parametrize("outcome", ["rejected", "not_sent", "did_not"])
def test_what_did_not_happen_is_no_earlier_create(journal: Journal, outcome: Any) -> None:
    journal.settle(journal.begin(entry()), outcome)
    assert journal.similar("create_call", entry().digest) is None
    journal.begin(entry(), unless_within=120)


def test_begin_refuses_a_twin_unless_it_is_wanted(journal: Journal, clock: Clock) -> None:
    first = journal.begin(entry(), unless_within=120)
    with pytest.raises(DuplicateError) as refused:
        journal.begin(entry(), unless_within=120)
    assert refused.value.earlier.id == first
    assert len(journal.unsettled()) == 1, "what was refused was not noted"
    second = journal.begin(entry())
    with pytest.raises(DuplicateError) as again:
        journal.begin(entry(), unless_within=120)
    assert again.value.earlier.id == second
    clock.now += 121
    journal.begin(entry(), unless_within=120)


def test_of_many_that_begin_the_same_create_at_once_one_goes_on(tmp_path: Path) -> None:
    journals = [Journal(SqliteStore(tmp_path / "state.db", busy_seconds=30)) for _ in range(16)]

    def attempt(journal: Journal) -> bool:
        try:
            journal.begin(entry(), unless_within=120)
        except DuplicateError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, journals)) == 1
    assert len(journals[0].unsettled()) == 1


def test_updates_have_no_twins(journal: Journal) -> None:
    muted = entry("update_call", call_sid="v3:abc", Status="completed")
    journal.begin(muted, unless_within=120)
    journal.begin(muted, unless_within=120)
    assert journal.similar("update_call", muted.digest) is None


def test_started_calls_are_those_that_may_still_last(journal: Journal, clock: Clock) -> None:
    journal.settle(journal.begin(entry()), "ok", 200, "v3:one")
    nameless = journal.begin(entry(To="+13125550192"))
    journal.settle(nameless, "ok", 200)
    journal.settle(journal.begin(entry(To="+13125550193")), "rejected", 422)
    journal.settle(journal.begin(entry("create_queue", FriendlyName="q")), "ok", 200, "q")
    assert [each.sid for each in journal.started_calls()] == ["v3:one", ""]
    assert journal.started_calls()[1].entry.id == nameless
    journal.call_over("v3:one")
    clock.now += 3600
    assert [each.entry.id for each in journal.started_calls()] == [nameless]
    clock.now += 86_400
    assert journal.started_calls() == []


def test_a_locked_store_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    import sqlite3

    journal = Journal(SqliteStore(tmp_path / "state.db", busy_seconds=0.05))
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError):
        journal.begin(entry())
    other.close()


_VICTIM = """
import sys
from texml_mcp.catalog import endpoint
from texml_mcp.gate.journal import Journal, entry_for
from texml_mcp.gate.store import SqliteStore
from texml_mcp.gate.store.digests import Digester
wire = {"To": "+13125550191", "From": "+13125550100", "ApplicationSid": "1"}
journal = Journal(SqliteStore(sys.argv[1]))
print(journal.begin(entry_for(endpoint("create_call"), wire, Digester(b"k" * 32))), flush=True)
sys.stdin.readline()  # the answer that never comes
"""


def test_a_process_killed_after_begin_leaves_an_unsettled_entry(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    id = victim.stdout.readline().strip()
    os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait(30) == -signal.SIGKILL
    victim.communicate()
    left = Journal(SqliteStore(path))
    assert [each.id for each in left.unsettled()] == [id]
    wire = {"To": "+13125550191", "From": "+13125550100", "ApplicationSid": "1"}
    again = left.similar("create_call", KEY.of_arguments("create_call", wire), window_seconds=3600)
    assert again is not None
    assert again.id == id


CANARIES = ("+13125550142", "3125550142", "hunter2-canary", "pin-canary", "cust-canary")


def test_no_number_secret_or_spoken_word_is_in_any_file(tmp_path: Path) -> None:
    journal = Journal(SqliteStore(tmp_path / "state.db"))
    wire = {
        "To": "+13125550142",
        "From": "+13125550142",
        "Url": "https://u:hunter2-canary@texml.example.com/a?token=hunter2-canary",
        "Texml": "<Response><Say>pin-canary 3125550142</Say></Response>",
        "SipAuthPassword": "hunter2-canary",
        "CustomHeaders": [{"name": "X-Customer", "value": "cust-canary"}],
    }
    journal.begin(entry(**wire))
    journal.begin(entry("create_secret", name="n", value="hunter2-canary"))
    label = {"conference_sid": "c", "call_sid_or_participant_label": "+13125550142", "Muted": True}
    journal.begin(entry("update_conference_participant", **label))
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert [each for each in CANARIES if each.encode() in content] == []


# Reconciliation, against the sandbox: the writes really happen there, or really do not.


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = build_upstream(load(sandbox=True))
    yield made
    await made.aclose()


@pytest.fixture
async def at_sandbox_time(upstream: Upstream, clock: Clock) -> Clock:
    """Our clock at the sandbox's now: when its newest call was made."""
    calls = (await send(upstream, "list_calls"))["calls"]
    clock.now = max(datetime.fromisoformat(iso_time(call["date_created"])).timestamp() for call in calls)
    return clock


async def send(upstream: Upstream, tool: str, **wire: Any) -> Any:
    return (await upstream.send(endpoint(tool), {"account_sid": SANDBOX_ACCOUNT, **wire})).body


async def application(upstream: Upstream) -> str:
    found = (await upstream.send(endpoint("list_applications"), {})).body["data"]
    return str(next(each["id"] for each in found if each["active"]))


STARTING: dict[str, dict[str, str]] = {
    "create_call": {"ApplicationSid": MAIN_APPLICATION},
    "dial_conference_participant": {"conference_sid": "ward", "ApplicationSid": MAIN_APPLICATION},
    "create_connection_call": {"connection_id": MAIN_APPLICATION},
    "initiate_ai_call": {"connection_id": MAIN_APPLICATION, "AIAssistantId": "assistant-1"},
}


def test_every_way_to_start_a_call_is_tried() -> None:
    assert list(STARTING) == [each.id for each in ENDPOINTS if each.starts_call]


@pytest.mark.parametrize("tool", STARTING)
async def test_a_call_whose_answer_was_lost_is_found(
    upstream: Upstream, journal: Journal, at_sandbox_time: Clock, tool: str
) -> None:
    wire = {"To": "+13125550144", "From": "+13125550100", **STARTING[tool]}
    id = journal.begin(entry(tool, **wire))
    await send(upstream, tool, **wire)
    at_sandbox_time.now += 31
    (verdict,) = await reconcile(journal, ApiReader(lambda _: upstream), KEY, clock=at_sandbox_time)
    assert (verdict.entry.id, verdict.found) == (id, "happened"), verdict.why
    assert verdict.sid.startswith("v3:")
    assert [each.sid for each in journal.started_calls()] == [verdict.sid]
    assert journal.unsettled() == []


async def test_a_call_is_found_by_the_clock_of_the_api_where_it_differs_from_ours(
    upstream: Upstream, journal: Journal, clock: Clock
) -> None:
    """Taken for another one's, a call that was placed would be placed again."""
    clock.now = 1_900_000_000.0
    wire = {"To": "+13125550144", "From": "+13125550100", "ApplicationSid": "1293384261075731499"}
    journal.begin(entry(**wire))
    await send(upstream, "create_call", **wire)
    clock.now += 31
    reader = ApiReader(lambda _: upstream, clock)
    (verdict,) = await reconcile(journal, reader, KEY, clock=clock, ahead=reader.ahead)
    assert verdict.found == "happened", verdict.why
    assert reader.ahead() < -86_400


async def test_a_call_that_our_clock_dates_right_is_not_taken_for_another_one(
    journal: Journal, clock: Clock
) -> None:
    """A proxy may answer with an old date: that must not make the call one of another hour."""

    async def read(account: str, tool: str, wire: Mapping[str, Any]) -> Any:
        return {"calls": [call_body(clock)], "page": 0}

    journal.begin(entry())
    clock.now += 31
    (verdict,) = await reconcile(journal, read, KEY, clock=clock, ahead=lambda: -3_600.0)
    assert verdict.found == "cannot_tell"


async def test_a_call_that_never_left_is_told_only_when_reads_no_longer_lag(
    upstream: Upstream, journal: Journal, at_sandbox_time: Clock
) -> None:
    journal.begin(entry(To="+13125550145"))
    (early,) = await reconcile(
        journal, ApiReader(lambda _: upstream), KEY, older_than=0, clock=at_sandbox_time
    )
    assert early.found == "cannot_tell"
    at_sandbox_time.now += 31
    (late,) = await reconcile(journal, ApiReader(lambda _: upstream), KEY, clock=at_sandbox_time)
    assert late.found == "did_not"
    assert journal.similar("create_call", entry(To="+13125550145").digest) is None


async def test_of_two_identical_calls_one_is_found(
    upstream: Upstream, journal: Journal, at_sandbox_time: Clock
) -> None:
    wire = {"To": "+13125550144", "From": "+13125550100", "ApplicationSid": "1293384261075731499"}
    await send(upstream, "create_call", **wire)
    journal.begin(entry(**wire))
    journal.begin(entry(**wire))
    at_sandbox_time.now += 31
    verdicts = await reconcile(journal, ApiReader(lambda _: upstream), KEY, clock=at_sandbox_time)
    assert sorted(each.found for each in verdicts) == ["did_not", "happened"]


async def test_queues_and_applications_by_name(
    upstream: Upstream, journal: Journal, at_sandbox_time: Clock
) -> None:
    await send(upstream, "create_queue", FriendlyName="night")
    journal.begin(entry("create_queue", FriendlyName="night"))
    journal.begin(entry("create_queue", FriendlyName="day"))
    journal.begin(entry("update_queue", queue_sid="night", MaxSize=7))
    journal.begin(entry("delete_queue", queue_sid="night"))
    journal.begin(entry("delete_queue", queue_sid="never-there"))
    at_sandbox_time.now += 31
    verdicts = await reconcile(journal, ApiReader(lambda _: upstream), KEY, clock=at_sandbox_time)
    assert [each.found for each in verdicts] == ["happened", "did_not", "did_not", "did_not", "happened"]


async def test_ending_a_call(upstream: Upstream, journal: Journal, at_sandbox_time: Clock) -> None:
    calls = (await send(upstream, "list_calls"))["calls"]
    live = next(each["sid"] for each in calls if each["status"] in ("ringing", "in-progress"))
    over = next(each["sid"] for each in calls if each["status"] == "completed")
    for sid, change in (
        (live, {"Status": "completed"}),
        (over, {"Status": "completed"}),
        (live, {"Texml": "<Response/>"}),
        ("v3:unheard-of", {"Status": "completed"}),
    ):
        journal.begin(entry("update_call", call_sid=sid, **change))
    at_sandbox_time.now += 31
    verdicts = await reconcile(journal, ApiReader(lambda _: upstream), KEY, clock=at_sandbox_time)
    assert [each.found for each in verdicts] == ["did_not", "happened", "cannot_tell", "cannot_tell"]


async def test_what_the_api_does_not_show_cannot_be_told(journal: Journal, clock: Clock) -> None:
    async def nothing_to_read(account: str, tool: str, wire: Mapping[str, Any]) -> Any:
        raise AssertionError(f"{tool} was read")

    journal.begin(entry("create_secret", name="n", value="v"))
    journal.begin(entry("start_call_stream", call_sid="v3:a", Url="wss://media.example.com"))
    clock.now += 31
    verdicts = await reconcile(journal, nothing_to_read, KEY, clock=clock)
    assert {(each.found, each.why) for each in verdicts} == {
        ("cannot_tell", "the API has no read that shows it")
    }
    assert len(journal.unsettled()) == 2


def call_body(clock: Clock, **fields: Any) -> dict[str, Any]:
    made = datetime.fromtimestamp(clock.now).astimezone().isoformat()
    return {"sid": "v3:x", "to": CALL["To"], "from": CALL["From"], "date_created": made, **fields}


@pytest.mark.parametrize(
    ("calls", "more", "found"),
    [
        ([{}], False, "happened"),
        ([{"to": "13125550191"}], False, "happened"),
        ([{"from": "+13125550109"}], False, "cannot_tell"),
        ([{"date_created": "soon"}], False, "cannot_tell"),
        ([{"date_created": "2020-01-01T00:00:00Z"}], False, "did_not"),
        ([{"direction": "inbound"}], False, "did_not"),
        ([], False, "did_not"),
        ([{"to": "+13125550109"}], True, "cannot_tell"),
    ],
)
async def test_a_call_is_told_by_numbers_and_time(
    journal: Journal, clock: Clock, calls: list[dict[str, Any]], more: bool, found: str
) -> None:
    async def read(account: str, tool: str, wire: Mapping[str, Any]) -> Any:
        assert tool == "list_calls"
        assert CALL["To"] not in map(str, wire.values()), "the number is not known any more"
        page = int(wire.get("Page", 0))
        following = {"next_page_uri": f"/v2/texml/x?Page={page + 1}&PageToken=t{page}"} if more else {}
        return {"calls": [call_body(clock, **each) for each in calls], "page": page, **following}

    journal.begin(entry())
    clock.now += 31
    (verdict,) = await reconcile(journal, read, KEY, clock=clock)
    assert verdict.found == found, verdict.why


async def test_a_read_that_fails_settles_nothing(journal: Journal, clock: Clock) -> None:
    async def broken(tool: str, wire: Mapping[str, Any]) -> Any:
        raise RuntimeError("no answer about +13125550142")

    journal.begin(entry())
    clock.now += 31
    (verdict,) = await reconcile(journal, broken, KEY, clock=clock)
    assert verdict.found == "cannot_tell"
    assert "+13125550142" not in verdict.why
    assert len(journal.unsettled()) == 1


async def test_a_twin_without_a_sid_makes_it_uncertain(journal: Journal, clock: Clock) -> None:
    async def one_call(tool: str, wire: Mapping[str, Any]) -> Any:
        return {"calls": [call_body(clock)], "page": 0}

    journal.settle(journal.begin(entry()), "ok", 200)
    journal.begin(entry())
    clock.now += 31
    (verdict,) = await reconcile(journal, one_call, KEY, clock=clock)
    assert verdict.found == "cannot_tell"


@pytest.mark.parametrize("tool", STARTING)
def test_panic_names_every_call_that_may_have_been_placed(
    journal: Journal, capsys: pytest.CaptureFixture[str], tool: str
) -> None:
    id = journal.begin(entry(tool, To="+13125550144", From="+13125550100", **STARTING[tool]))
    state = State(None)
    vars(state)["journal"] = journal
    assert panic.hang_up(state, lambda _: build_upstream(load(sandbox=True))) == panic.FAILED
    assert f"{id}: may have been placed" in capsys.readouterr().out


def test_the_commands_show_and_settle(clock: Clock, tmp_path: Path, capsys: Any) -> None:
    state = State(tmp_path, clock=clock)
    journal = state.journal

    async def nothing(account: str, tool: str, wire: Mapping[str, Any]) -> Any:
        return {"calls": [], "page": 0}

    assert command.show(state) == 0
    assert "No write" in capsys.readouterr().out
    journal.begin(entry())
    assert command.show(state) == 0
    assert "To=+1312***0191" in capsys.readouterr().out
    journal.begin(entry("create_secret", name="n", value="v"))
    clock.now += 60
    assert command.reconcile(journal, nothing, KEY) == 1
    out = capsys.readouterr().out
    assert "did not: there is no call to that number" in out
    assert "1 settled, 1 still open." in out
    journal.settle(journal.unsettled()[0].id, "ok")
    assert command.reconcile(journal, nothing, KEY) == 0
