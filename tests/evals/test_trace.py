"""The trace: what is written comes back, what is torn is let pass, and all else is said with its line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evals import tiny
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.grading import Check, Expected, Score
from texml_mcp.evals.recorder import Recorder, as_kept
from texml_mcp.evals.regrade import regraded
from texml_mcp.evals.tasks import digest, parse_task
from texml_mcp.evals.trace import Entry, Header, Run, Trace, TraceError, read, trace_in

TASK = parse_task(tiny.report("name-it"), "here")
OTHER = parse_task(tiny.task("call-anna"), "here")
LOG: list[dict[str, Any]] = [
    {"kind": "user", "at": 0.0, "text": "Which one?"},
    {"kind": "call", "at": 2.0, "tool": "list_applications", "arguments": {}, "digest": "1", "status": "ok"},
    {
        "kind": "request",
        "at": 2.0,
        "operation": "list_applications",
        "path": {},
        "query": {},
        "body": {},
        "status": 200,
        "risky": False,
        "fault": "",
    },
    {"kind": "asked", "at": 2.0, "text": "Really?", "answer": True},
    {"kind": "agent", "at": 3.0, "text": "Clinic reminders\u2028, naïve \U0001f4de", "final": True},
]


def header(**changes: Any) -> Header:
    entries = {
        task.id: Entry(digest=digest(task), family=task.family, difficulty=task.difficulty)
        for task in (TASK, OTHER)
    }
    told: dict[str, Any] = {
        "grader": "1",
        "texml_mcp": "1.0.0",
        "agent": "null",
        "server": "texml-mcp",
        "tasks": entries,
        "trials": 3,
        "seed": 7,
        "options": {"seconds": 600.0},
        "started": "2026-01-01T00:00:00+00:00",
    }
    return Header(**{**told, **changes})


def finished(trial: int) -> Run:
    episode = Episode(TASK.id, trial, 7, log=LOG, end={"calls": []}, tokens={"read": 10}, wall_seconds=0.5)
    score = Score(TASK.id, trial, True, 1.0, [Check("ended", True)], ["a_mine"], tokens=10)
    return Run(episode, score, digest(TASK))


def recorded(path: Path, *runs: Run) -> bytes:
    recorder = Recorder(path)
    recorder.begin(header())
    recorder.expected(TASK.id, Expected({"calls": []}, {"create_call {}": 2}))
    for each in runs:
        recorder.run(each)
    recorder.close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return recorded(tmp_path_factory.mktemp("trace") / "t.jsonl", finished(2), finished(1))


def parsed(held: bytes) -> Trace | None:
    return trace_in(Path("t.jsonl"), held.splitlines(keepends=True))


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    recorded(tmp_path / "t.jsonl", finished(2), finished(1))
    trace = read(tmp_path / "t.jsonl")
    assert trace.header == header()
    assert trace.in_order() == [finished(1), finished(2)]
    assert trace.expected == {TASK.id: Expected({"calls": []}, {"create_call {}": 2})}
    assert not trace.torn


def test_the_file_is_for_any_reader(whole: bytes) -> None:
    lines = [json.loads(line, parse_constant=lambda it: pytest.fail(it)) for line in whole.split(b"\n")[:-1]]
    assert [line["kind"] for line in lines] == ["header", "expected", "episode", "episode"]
    assert lines[0]["schema"] == "texml-bench-trace/1"
    assert lines[2]["unsafe"] is True


@given(st.data())
def test_cut_off_anywhere_it_holds_what_was_whole(whole: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(whole)))
    lines = whole[:cut].count(b"\n")
    trace = parsed(whole[:cut])
    if trace is None:
        assert lines == 0
        return
    assert 1 + len(trace.expected) + len(trace.runs) == lines
    assert trace.torn is not whole[:cut].endswith(b"\n")
    assert trace.whole == whole[:cut].rfind(b"\n") + 1


@given(st.lists(st.binary(), max_size=5).map(b"\n".join))
def test_whatever_bytes_it_is_said_what_is_wrong(held: bytes) -> None:
    said = _harmless(held)
    assert said == "" or said.startswith("t.jsonl: line 1: ")


@given(st.data())
def test_spoiled_bytes_are_said_with_their_line_or_do_no_harm(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    length = data.draw(st.integers(0, 30))
    _harmless(whole[:at] + data.draw(st.binary(max_size=30)) + whole[at + length :])


def test_a_line_too_many_is_said_with_its_number(whole: bytes) -> None:
    lines = whole.count(b"\n")
    assert _harmless(whole + b"\n").startswith(f"t.jsonl: line {lines + 1}: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_spoiled_values_are_said_with_their_line_or_do_no_harm(whole: bytes, data: st.DataObject) -> None:
    lines = [json.loads(line) for line in whole.split(b"\n")[:-1]]
    at = inner = lines[data.draw(st.integers(0, 3))]
    for _ in range(data.draw(st.integers(0, 6))):
        if not isinstance(inner, (dict, list)) or not inner:
            break
        at, key = (
            inner,
            data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner)))),
        )
        inner = at[key]
    if at is not inner:
        at[key] = data.draw(JSON)
    _harmless(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def _harmless(held: bytes) -> str:
    """What is said about these bytes; where nothing is, they can be graded."""
    try:
        trace = parsed(held)
    except TraceError as error:
        said = str(error)
    else:
        said = ""
        if trace is not None:
            regraded(trace, {TASK.id: TASK})
    if said:
        named = re.match(r"t\.jsonl: line (\d+): .", said)
        assert named is not None, said
        assert 1 <= int(named[1]) <= held.count(b"\n") + 1, said
    return said


@pytest.mark.parametrize(
    ("line", "changed", "said"),
    [
        (1, b"null", "line 1: this is not the header"),
        (1, b'{"schema": "texml-bench-trace/2"}', "line 1: this is a texml-bench-trace/2; this version"),
        (1, b'{"kind": "header", "schema": "texml-bench-trace/1"}', "line 1: grader: Field required"),
        (2, b"", "line 2: Invalid JSON"),
        (3, b"garbage", "line 3: Invalid JSON"),
        (3, b"\xff\xfe", "line 3: Invalid JSON"),
        (3, b'{"kind": "score"}', "line 3: Input tag 'score'"),
        (3, b"[" * 5000, "line 3: Invalid JSON: recursion limit"),
        (3, b'{"kind": "expected", "task": "no", "end": {}, "creates": {}}', "line 3: the header knows no"),
        (4, None, "line 4: trial 2 of name-it was there before"),
    ],
)
def test_a_line_that_is_none_is_said(whole: bytes, line: int, changed: bytes | None, said: str) -> None:
    lines = whole.split(b"\n")
    lines[line - 1] = lines[2] if changed is None else changed
    with pytest.raises(TraceError, match=r"^t\.jsonl: ") as error:
        parsed(b"\n".join(lines))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("episode", "trial"), "1", "episode.trial: Input should be a valid integer"),
        (("episode", "more"), 1, "episode.more: Unexpected"),
        (("episode", "seed"), 8, "this run of name-it has another digest or seed"),
        (("digest",), "x", "this run of name-it has another digest or seed"),
        (("episode", "trial"), 9, "the header knows no trial 9"),
        (("score", "trial"), 3, "the score is of another run"),
        (("episode", "log", 0, "kind"), "dream", "episode.log.0: kind must be one of"),
        (("episode", "log", 2, "status"), None, "episode.log.2: status must be there, of type int"),
    ],
)
def test_a_run_that_does_not_fit_is_said(whole: bytes, place: tuple[Any, ...], value: Any, said: str) -> None:
    lines = whole.split(b"\n")
    held = json.loads(lines[2])
    inner = held
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    lines[2] = json.dumps(held).encode()
    with pytest.raises(TraceError) as error:
        parsed(b"\n".join(lines))
    assert f"line 3: {said}" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agent": "greedy"}, 'agent is "null" there and "greedy" here'),
        ({"server": "other"}, "server is"),
        ({"seed": 8}, "seed is 7 there and 8 here"),
        ({"trials": 4}, "trials is 3 there and 4 here"),
        ({"grader": "2"}, "grader is"),
        ({"options": {"seconds": 1.0}}, "options is"),
        (
            {"tasks": {"name-it": Entry(digest="1", family="f", difficulty="easy")}},
            "tasks not what they were",
        ),
        ({"tasks": {}}, "tasks only there: call-anna, name-it"),
    ],
)
def test_a_trace_of_other_things_is_not_gone_on_with(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    path = tmp_path / "t.jsonl"
    before = recorded(path, finished(1))[:-5]
    path.write_bytes(before)
    recorder = Recorder(path, resume=True)
    try:
        with pytest.raises(TraceError) as error:
            recorder.begin(header(**changes))
    finally:
        recorder.close()
    assert said in str(error.value)
    assert path.read_bytes() == before


def test_there_is_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    first = Recorder(path)
    with pytest.raises(TraceError, match="another run is writing it"):
        Recorder(path, resume=True)
    first.close()
    Recorder(path, resume=True).close()


@pytest.mark.parametrize("held", [b"my thesis", b"my thesis\n", b'{"kind":"he said'])
def test_a_file_that_is_no_trace_stays_as_it_is(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "thesis"
    path.write_bytes(held)
    for resume in (False, True):
        with pytest.raises(TraceError):
            Recorder(path, resume=resume)
    assert path.read_bytes() == held


def test_a_header_that_is_torn_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    for held in (b"", b'{"kind', recorded(tmp_path / "other")[:200]):
        path.write_bytes(held)
        recorder = Recorder(path, resume=True)
        recorder.begin(header())
        recorder.close()
        assert read(path).header == header()


@given(st.recursive(JSON | st.text() | st.floats(), lambda inner: st.dictionaries(st.text(), inner)))
def test_what_is_kept_is_what_will_be_read(value: Any) -> None:
    episode = Episode("name-it", 1, 0, log=[{**LOG[1], "arguments": {"it": value}}], why="\ud800")
    kept = as_kept(episode)
    assert as_kept(kept) == kept
    assert kept.ended == "done"
