"""Numbers that are the same on every run: when they have grown, the build fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.deterministic import command
from benchmarks.deterministic.baseline import (
    FAILS,
    Number,
    Skipped,
    accepted,
    compare,
    read,
    write,
)

TOKENS = {"tokens": Number(1000)}


def verdict(before: dict[str, Number], now: dict[str, Number | Skipped]) -> str:
    (finding,) = compare(before, now)
    return finding.verdict


@pytest.mark.parametrize(
    ("now", "expected"),
    [(1000, "within"), (1050, "within"), (1051, "grown"), (950, "within"), (949, "shrunk"), (0, "shrunk")],
)
def test_a_number_may_move_by_five_percent(now: int, expected: str) -> None:
    assert verdict(TOKENS, {"tokens": Number(now)}) == expected


def test_a_number_that_was_nothing_may_not_become_something() -> None:
    assert verdict({"tokens": Number(0)}, {"tokens": Number(1)}) == "grown"
    assert verdict({"tokens": Number(0)}, {"tokens": Number(0)}) == "within"


def test_growth_is_told_in_percent() -> None:
    (finding,) = compare(TOKENS, {"tokens": Number(1100)})
    assert finding.change == "+10.0 %"


def test_no_number_comes_or_goes_unnoticed() -> None:
    found = {each.name: each.verdict for each in compare(TOKENS, {"bytes": Number(1)})}
    assert found == {"bytes": "new", "tokens": "gone"}
    assert {"new", "gone", "grown"} == FAILS


def test_a_number_of_another_python_is_not_compared() -> None:
    before = {"modules": Number(400, "Python 3.11")}
    (finding,) = compare(before, {"modules": Number(900, "Python 3.14")})
    assert finding.verdict == "skipped"
    assert "Python 3.11" in finding.why
    assert "Python 3.14" in finding.why


def test_what_is_not_counted_says_why_and_keeps_its_baseline() -> None:
    now: dict[str, Number | Skipped] = {"tokens": Skipped("valgrind is not installed")}
    (finding,) = compare(TOKENS, now)
    assert (finding.verdict, finding.why) == ("skipped", "valgrind is not installed")
    assert accepted(TOKENS, now) == TOKENS


def test_accepting_takes_what_was_measured_and_drops_what_is_gone() -> None:
    before = {"tokens": Number(1000), "old": Number(1)}
    assert accepted(before, {"tokens": Number(2000), "new": Number(3)}) == {
        "tokens": Number(2000),
        "new": Number(3),
    }


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    held = {"tokens": Number(7042), "modules": Number(452, "Python 3.11")}
    write(held, tmp_path / "baseline.json")
    assert read(tmp_path / "baseline.json") == held
    assert read(tmp_path / "none.json") == {}


@pytest.mark.parametrize(("now", "code"), [(1000, 0), (1060, 1)])
def test_the_command_fails_on_growth_only_when_it_is_asked_to_check(
    now: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "read", lambda: TOKENS)
    monkeypatch.setattr(command, "numbers", lambda *, with_instructions: {"tokens": Number(now)})
    assert command.main([]) == 0
    assert command.main(["--check"]) == code
    assert ("undo it, or accept it with make baseline" in capsys.readouterr().out) == bool(code)


def test_the_committed_baseline_has_a_number_of_each_kind() -> None:
    names = " ".join(read())
    for kind in ("tokens", "bytes", "modules", "instructions"):
        assert kind in names
