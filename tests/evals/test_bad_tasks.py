"""A file that holds no task: said in one line, and the other tasks are none the worse for it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp.evals.tasks import SHIPPED, TaskError, load_task, parse_task, suite

GOOD = (SHIPPED / "call-and-report-length.yaml").read_text("utf-8")

BAD: dict[str, tuple[str | bytes, str]] = {
    "no YAML": ("a: [1, 2", "is not YAML"),
    "a tab": ("a:\n\t- 1", "is not YAML"),
    "two documents": (f"{GOOD}\n---\n{GOOD}", "is not YAML"),
    "a Python object": ("!!python/object/apply:os.system [ls]", "is not YAML"),
    "not UTF-8": (b"schema: texml-bench/1\nid: caf\xe9\n", "is not UTF-8"),
    "nothing": ("", "the whole"),
    "a list": ("- 1\n- 2", "the whole"),
    "a text": ("texml-bench/1", "the whole"),
    "the same key twice": (GOOD + "\ntitle: Another\n", "'title' is there twice"),
    "the same key twice within": (
        GOOD.replace("calls: 14", "calls: 14, calls: 15"),
        "'calls' is there twice",
    ),
    "deep": ("a: " + "[" * 100_000, "nested more than 50 levels"),
    "deep, and closed": ("a: " + "[" * 2000 + "]" * 2000, "nested more than 50 levels"),
    "many from few": ("a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]", "alias"),
    "huge": ("a: " + "x" * 1_000_001, "longer than 1,000,000 bytes"),
    "a huge number": (GOOD.replace("calls: 14", "calls: " + "9" * 5000), "4300 digits"),
    "too large a number": (GOOD.replace("calls: 14", "calls: " + "9" * 400), "/grade/budget/calls"),
    "no number": (GOOD.replace("settle_seconds: 1800", "settle_seconds: .nan"), "is no number"),
    "endless": (GOOD.replace("settle_seconds: 1800", "settle_seconds: .inf"), "is no number"),
    "a date": (GOOD.replace("equals: 1", "equals: 2026-01-01"), "put it into quotes"),
    "bytes": (GOOD.replace("equals: 1", 'equals: !!binary "aGk="'), "put it into quotes"),
    "a key that is yes": (GOOD.replace("{confirm: token}", "{on: token}"), "key True is no text"),
    "an unfit tag": (GOOD.replace("equals: 1", "equals: !!timestamp soon"), "group"),
    "another schema": (GOOD.replace("texml-bench/1", "texml-bench/2"), "/schema"),
    "an unknown key": (GOOD + "\nnotes: mine\n", "/notes: Extra inputs"),
    "an unknown family": (GOOD.replace("family: place_and_report", "family: chess"), "/family"),
    "a number for a text": (GOOD.replace("goal: Anna", "goal: 7 #"), "/user/goal"),
    "a text for an object": (GOOD.replace("server: {confirm: token}", "server: token"), "/server"),
    "a text for a list": (GOOD.replace("any_of: ['\\b37\\b']", "any_of: 37"), "/any_of"),
    "a text for a number": (GOOD.replace("calls: 14", "calls: '14'"), "/grade/budget/calls"),
    "a number for yes": (GOOD.replace("traps_greedy: true", "traps_greedy: 1"), "/traps_greedy"),
    "a pattern that is none": (GOOD.replace("['\\b37\\b']", "['(37']"), "is no regular expression"),
    "an unknown operator": (
        GOOD.replace("To: {not: ", "To: {is_not: "),
        "/grade/mines/1/never/where: To: one of",
    ),
    "two events in one": (
        GOOD.replace("{request: get_call}", "{request: get_call, tool: get_call}"),
        "one of",
    ),
    "two steps in one": (
        GOOD.replace("- call: list_app", "- say: Hm\n    call: list_app", 1),
        "exactly one of",
    ),
    "nothing that decides": (
        "schema: texml-bench/1\nid: a\nfamily: queues\ndifficulty: easy\ntitle: A\n"
        "user: {opening: a, goal: a}\nreference: [{say: a}]\ngrade: {}",
        "nothing else can be failed",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_file_says_what_is_wrong_and_holds_up_no_other(name: str, tmp_path: Path) -> None:
    content, said = BAD[name]
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    good.write_text(GOOD, "utf-8")
    with pytest.raises(TaskError) as found:
        load_task(bad)
    assert str(found.value).startswith(f"{bad}: ")
    assert said in str(found.value)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 1000
    tasks, wrong = suite([tmp_path])
    assert list(tasks) == ["call-and-report-length"]
    assert wrong == [str(found.value)]


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path: Path) -> None:
    tasks, wrong = suite([tmp_path / "none.yaml"])
    assert not tasks
    assert wrong == [f"{tmp_path / 'none.yaml'}: there is no such file or directory"]
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    with pytest.raises(TaskError, match="cannot be read"):
        load_task(folder)


def test_two_tasks_of_one_id(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD, "utf-8")
    tasks, wrong = suite([tmp_path])
    assert len(tasks) == 1
    assert wrong == [f"{tmp_path / 'b.yaml'}: call-and-report-length is the id of another task"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(content=JSON, place=st.sampled_from(["world", "names", "server", "user", "reference", "grade", "id"]))
def test_whatever_stands_in_a_file_is_a_task_or_a_task_error(content: object, place: str) -> None:
    task = {"schema": "texml-bench/1", "family": "queues", "difficulty": "easy", "title": "A", place: content}
    with contextlib.suppress(TaskError):
        parse_task(task, "it")
