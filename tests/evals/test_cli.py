"""The commands around a run: list, score, diff, report, and what they say to what cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import CliRunner, Result
from tests.evals import tiny
from texml_mcp.cli.app import app
from texml_mcp.cli.eval_run import server_named
from texml_mcp.evals.trace import read


def quick(*words: str | Path) -> Result:
    """The same in this process: for what says no before anything runs, and for what only reads."""
    return CliRunner().invoke(app, ["eval", *map(str, words)])


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.suite(tmp_path_factory.mktemp("suite") / "tasks")


@pytest.fixture(scope="module")
def traces(tasks: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A trace of each agent, of two trials."""
    where = tmp_path_factory.mktemp("traces")
    paths = {agent: where / f"{agent}.jsonl" for agent in ("reference", "greedy", "null")}
    for agent, path in paths.items():
        done = quick(*("run", "--agent", agent, "--tasks", tasks, "--trials", "2", "--out", path))
        assert done.exit_code == 0, done.output
    return paths


def test_the_shipped_suite_is_listed() -> None:
    told = json.loads(quick("list", "--json").stdout)
    assert told["unreadable"] == []
    assert {"id", "family", "difficulty", "title"} == set(told["tasks"][0])
    some = quick("list", "--family", "secrets", "--difficulty", "hard", "--difficulty", "easy").stdout
    assert some.splitlines()
    assert all(" secrets " in line and " medium " not in line for line in some.splitlines())


def test_run_as_json_has_every_score_and_every_measure(tasks: Path) -> None:
    done = quick("run", "--agent", "greedy", "--tasks", tasks, "--task", "call-*", "--json")
    report = json.loads(done.stdout)
    assert [each["task"] for each in report["runs"]] == ["call-anna", "call-anna-again"]
    assert all(each["unsafe"] and each["mines"] == ["confirmed_by_itself"] for each in report["runs"])
    overall = report["summaries"]["overall"]
    assert overall["pass_hat"]["1"]["value"] == 0
    assert overall["measures"]["unsafe_action_rate"]["value"] == 1
    assert overall["measures"]["confirmation_compliance"]["value"] == 0
    assert overall["measures"]["tokens_per_success"]["value"] is None
    assert done.exit_code == 0


def test_a_table_says_what_cannot_be_said_with_a_dash(tasks: Path) -> None:
    told = quick("run", "--agent", "null", "--tasks", tasks).stdout
    assert "gated calls that the user had agreed to: -\n" in told
    assert "tokens a success: -\n" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--agent", "nobody"], "there are reference, null, random, greedy, command:COMMAND, openai:MODEL"),
        (["--agent", "command:"], "names nothing after the colon"),
        (["--agent", "command:'"], "cannot be used"),
        (["--agent", "null", "--server", "nowhere"], "no such file, and no server of that name (texml-mcp"),
        (["--agent", "null", "--family", "cooking"], "there are place_and_report, look_alikes"),
        (["--agent", "null", "--difficulty", "brutal"], "there are easy, medium, hard"),
        (["--agent", "null", "--task", "zzz"], "no task fits 'zzz'; texml-mcp eval list shows them"),
        (["--agent", "null", "--family", "secrets"], "there is no task that fits all of these options"),
        (["--agent", "null", "--resume"], "--resume goes on with the trace that --out names"),
        (
            ["--agent", "null", "--out", "/nowhere/t.jsonl"],
            "/nowhere/t.jsonl: cannot be written: No such file",
        ),
        (["--agent", "null", "--trials", "0"], "--trials"),
        (["--agent", "null", "--jobs", "0"], "--jobs"),
        ([], "--agent"),
    ],
)
def test_what_cannot_be_run_is_said_at_once(tasks: Path, words: list[str], said: str) -> None:
    done = quick("run", "--tasks", tasks, *words)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_no_tasks_at_all_is_said_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")
    done = quick("run", "--agent", "null", "--tasks", tmp_path)
    assert done.exit_code == 2
    assert "there is no task to be used" in done.output
    assert "bad.json" in done.output


def test_a_trace_that_is_there_is_not_written_over(tasks: Path, traces: dict[str, Path]) -> None:
    before = traces["null"].read_bytes()
    words = ["run", "--tasks", tasks, "--trials", "2", "--out", traces["null"]]
    assert "is there already: go on with it by --resume" in quick(*words, "--agent", "null").output
    done = quick(*words, "--agent", "greedy", "--resume")
    assert done.exit_code == 2
    assert 'agent is "null" there and "greedy" here' in done.output
    assert traces["null"].read_bytes() == before


def test_a_trace_tells_servers_apart_by_how_they_are_set_up(tmp_path: Path) -> None:
    """And holds nothing of the configuration itself, in which there may be a key."""
    digests: list[str] = []
    for place, key in (("a", "secret"), ("b", "secret"), ("c", "other")):
        file = tmp_path / place / "server.toml"
        file.parent.mkdir()
        file.write_text(f'name = "mine"\ncommand = "mine"\nenv = {{ KEY = "{key}" }}\n')
        server, options = server_named(str(file))
        assert server.name == "mine"
        assert "secret" not in json.dumps(options)
        digests.append(options["server_digest"])
    assert digests[0] == digests[1] != digests[2]
    assert server_named("texml-mcp")[1] == {}


def test_runs_that_are_left_out_of_a_trace_are_played_again(
    tasks: Path, traces: dict[str, Path], tmp_path: Path
) -> None:
    some = tmp_path / "some.jsonl"
    held = traces["reference"].read_text().splitlines(keepends=True)
    some.write_text("".join(line for line in held if '"trial":2' not in line))
    words = ["run", "--agent", "reference", "--tasks", tasks, "--trials", "2", "--out", some, "--resume"]
    assert "3 of 6 runs were there already" in quick(*words).stderr
    assert tiny.content(some) == tiny.content(traces["reference"])


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['jmespath'] = None; sys.argv = ['texml-mcp', 'eval', 'list']\n"
        "from texml_mcp.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "texml-mcp: jmespath is missing: pip install 'texml-mcp[eval]'\n"


def test_scoring_anew_changes_nothing_where_nothing_has_changed(tasks: Path, traces: dict[str, Path]) -> None:
    told = json.loads(quick("score", *traces.values(), "--tasks", tasks, "--json").stdout)
    for each, agent in zip(told["traces"], traces, strict=True):
        assert each["agent"] == agent
        assert each["changed"] == []
        assert each["not_comparable"] == {}
        assert len(each["runs"]) == 6


def test_scoring_anew_says_what_a_stricter_grade_changes(traces: dict[str, Path], tmp_path: Path) -> None:
    """Only the grade of the task is another: what the agents met is what it was."""
    strict = tiny.task("call-anna")
    strict["grade"]["budget"] = {"calls": 1, "turns": 4}
    directory = tiny.written(tmp_path / "tasks", strict, tiny.task("call-anna-again"), tiny.report("name-it"))
    out = tmp_path / "new.jsonl"
    done = quick("score", traces["reference"], "--tasks", directory, "--out", out)
    assert "call-anna, trial 1: success True -> False" in done.stdout
    assert "2 of 6 scores have changed" in done.stdout
    assert [each.score.success for each in read(out).in_order()] == [False, False, True, True, True, True]
    assert [each.episode for each in read(out).in_order()] == [
        each.episode for each in read(traces["reference"]).in_order()
    ]


def test_scoring_anew_leaves_out_what_is_not_comparable(traces: dict[str, Path], tmp_path: Path) -> None:
    other = tiny.task("call-anna", policy="Be quick.")
    directory = tiny.written(tmp_path / "tasks", other, tiny.report("name-it"))
    told = quick("score", traces["reference"], "--tasks", directory).stdout
    assert "call-anna is not comparable: the task is not what it was when it was run" in told
    assert "call-anna-again is not comparable: there is no such task any more" in told
    assert "0 of 2 scores have changed" in told
    nothing = tiny.written(tmp_path / "none", tiny.task("another"))
    assert quick("score", traces["reference"], "--tasks", nothing).exit_code == 1


def test_scoring_says_that_a_trace_is_torn(tasks: Path, traces: dict[str, Path], tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(traces["null"].read_bytes()[:-9])
    told = quick("score", torn, "--tasks", tasks).stdout
    assert "not finished: 1 runs are missing" in told
    assert "its last line is torn" in told


def test_a_diff_names_the_flips(traces: dict[str, Path], tmp_path: Path) -> None:
    told = quick("diff", traces["greedy"], traces["reference"]).output
    assert "+ call-anna: 0 of 2 -> 2 of 2" in told
    assert "+ call-anna-again: 0 of 2 -> 2 of 2" in told
    found: dict[str, Any] = json.loads(quick("diff", traces["reference"], traces["greedy"], "--json").stdout)
    assert {each["task"]: each["gained"] for each in found["flips"]} == {
        "call-anna": False,
        "call-anna-again": False,
        "name-it": False,
    }
    assert found["measures"]["unsafe_action_rate"]["difference"]["value"] == pytest.approx(2 / 3)
    assert found["warnings"] == []


def test_a_diff_of_different_things_warns(tasks: Path, traces: dict[str, Path], tmp_path: Path) -> None:
    one = tmp_path / "one.jsonl"
    quick("run", "--agent", "null", "--tasks", tasks, "--task", "name-it", "--out", one, "--seed", "4")
    said = quick("diff", one, traces["null"]).stderr
    assert "the task sets differ: 0 tasks are only in the first, 2 only in the second" in said
    assert "the seeds differ: 4 and 0" in said


def test_a_report_is_one_page(traces: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    done = quick("report", traces["reference"], traces["greedy"], "--out", out)
    assert done.stdout == f"The report is in {out}.\n"
    page = out.read_text()
    assert "greedy" in page
    assert "call-anna-again" in page
    assert quick("report", traces["null"], "--out", traces["null"]).exit_code == 2
    refused = quick("report", traces["null"], "--out", tmp_path)
    assert refused.exit_code == 2
    assert f"{tmp_path}: cannot be written" in refused.output


@pytest.mark.parametrize("words", [["score"], ["diff", "same"], ["report", "--out", "o"]])
def test_what_is_no_trace_is_said_with_its_line(tmp_path: Path, words: list[str]) -> None:
    for held, said in (
        (b"my thesis\n", "line 1: this is not the header"),
        (b"", "line 1: there is no header"),
    ):
        path = tmp_path / "thesis"
        path.write_bytes(held)
        given = [str(path) if each == "same" else each for each in words]
        done = quick(given[0], path, *given[1:])
        assert done.exit_code == 2
        assert said in done.output
    missing = quick(words[0], tmp_path / "missing", *(str(path) if it == "same" else it for it in words[1:]))
    assert missing.exit_code == 2
    assert "cannot be read: No such file" in missing.output


@pytest.mark.long
def test_validate_says_what_is_wrong(tmp_path: Path) -> None:
    broken = tiny.task("broken", reference=[{"call": "no_such_tool"}])
    done = quick("validate", tiny.written(tmp_path / "tasks", broken), "--json")
    problems = json.loads(done.stdout)["problems"]
    assert done.exit_code == 1
    assert any(each["task"] == "broken" and "no_such_tool" in each["why"] for each in problems)
