"""Runs, through the real command: stopped, killed, several at once, and with tasks and agents that fail."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tests.commands import CliRunner
from tests.evals import tiny
from tests.lengths import few
from texml_mcp.cli.app import app
from texml_mcp.evals.agents import Agent
from texml_mcp.evals.agents.scripted import Reference
from texml_mcp.evals.recorder import Recorder
from texml_mcp.evals.run import Plan, run
from texml_mcp.evals.servers import OwnServer
from texml_mcp.evals.stage import Stage
from texml_mcp.evals.tasks import parse_task
from texml_mcp.evals.trace import read


def quick(*words: str | Path) -> None:
    """A run in this process, that must succeed."""
    done = CliRunner().invoke(app, ["eval", *map(str, words)])
    assert done.exit_code == 0, done.output


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    return tiny.suite(tmp_path / "tasks")


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def lines(trace: Path) -> int:
    return trace.read_bytes().count(b'{"kind":"episode"') if trace.exists() else 0


def test_every_task_is_tried_and_the_table_tells(tasks: Path, tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    told = tiny.evaluated("run", "--agent", "reference", "--tasks", tasks, "--trials", "2", "--out", trace)
    assert "place_and_report" in told.stdout
    assert "pass^2 1.000" in told.stdout
    assert told.stderr == ""
    held = read(trace)
    keys = [(task, trial) for task in ("call-anna", "call-anna-again", "name-it") for trial in (1, 2)]
    assert [each.key for each in held.in_order()] == keys
    assert all(each.score.success for each in held.in_order())
    assert set(held.expected) == set(held.header.tasks)


@pytest.mark.long
def test_a_run_that_was_killed_goes_on_and_comes_to_the_same(tasks: Path, tmp_path: Path) -> None:
    words = ["run", "--agent", "random", "--tasks", tasks, "--trials", "10", "--seed", "3"]
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    tiny.evaluated(*words, "--out", whole)
    process = subprocess.Popen(tiny.command(*words, "--out", killed))
    until(lambda: lines(killed) >= 3)
    process.kill()
    process.wait()
    assert 3 <= lines(killed) < 30
    with killed.open("ab") as file:
        file.write(b'{"kind":"episode","digest":"12')  # as far as a write may have come
    told = tiny.evaluated(*words, "--out", killed, "--resume", "--jobs", "2")
    assert "of 30 runs were there already" in told.stderr
    assert tiny.content(killed) == tiny.content(whole)


@pytest.mark.parametrize("left", few([None, 10], 1))
def test_a_torn_line_is_played_again(tasks: Path, tmp_path: Path, left: int | None) -> None:
    words = ["run", "--agent", "null", "--tasks", tasks, "--task", "name-it"]
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    quick(*words, "--out", whole)
    torn.write_bytes(whole.read_bytes()[: -1 if left is None else left])
    quick(*words, "--out", torn, "--resume")
    assert tiny.content(torn) == tiny.content(whole)


@pytest.mark.parametrize(("sent", "code"), few([(signal.SIGINT, 130), (signal.SIGTERM, 143)], 1))
def test_stopping_keeps_what_has_finished_and_says_how_to_go_on(
    tasks: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    trace, pid = tmp_path / "t.jsonl", tmp_path / "pid"
    agent = tmp_path / "agent.py"
    agent.write_text(
        "import json, os, pathlib, sys, time\n"
        "if json.loads(sys.stdin.readline())['trial'] == 1:\n"
        "    print(json.dumps({'type': 'done'}), flush=True)\n"
        "else:\n"
        f"    pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n"
    )
    spec = f"command:{shlex.join([sys.executable, str(agent)])}"
    words = ["run", "--agent", spec, "--tasks", tasks, "--task", "name-it", "--trials", "2", "--out", trace]
    process = subprocess.Popen(tiny.command(*words), stderr=subprocess.PIPE, text=True)
    until(lambda: pid.exists() and pid.read_text() != "")
    process.send_signal(sent)
    _, said = process.communicate(timeout=300)
    assert process.returncode == code
    assert f"1 of 2 runs are in {trace}" in said
    assert "--resume" in said
    assert "Traceback" not in said
    assert [each.key for each in read(trace).in_order()] == [("name-it", 1)]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.long
def test_a_full_disk_is_said_and_what_was_written_can_be_gone_on_with(tasks: Path, tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    words = ["run", "--agent", "null", "--tasks", tasks, "--trials", "4", "--out", trace]
    full = tiny.evaluated(
        *words,
        code=2,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)),
    )
    assert f"{trace}: cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    tiny.evaluated(*words, "--resume")
    assert len(read(trace).runs) == 12


@pytest.mark.long
def test_one_task_that_cannot_be_played_does_not_stop_the_rest(tasks: Path) -> None:
    tiny.written(tasks, tiny.task("broken", reference=[{"call": "get_call", "with": {"call_sid": "v3:no"}}]))
    tiny.written(tasks, tiny.task("no-such-world", world={"fixture": "atlantis"}))
    (tasks / "garbage.yaml").write_text("{]")
    told = tiny.evaluated("run", "--agent", "reference", "--tasks", tasks, "--json", code=1)
    report = json.loads(told.stdout)
    ended = {each["task"]: each["ended"] for each in report["runs"]}
    assert ended == {
        "broken": "task_failed",
        "call-anna": "done",
        "call-anna-again": "done",
        "name-it": "done",
        "no-such-world": "task_failed",
    }
    assert "answered error, not ok" in report["not_played"]["broken"]
    assert "there is no fixture 'atlantis'" in report["not_played"]["no-such-world"]
    assert "garbage.yaml" in report["unreadable"][0]
    assert "garbage.yaml" in told.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("program", "seconds", "why"),
    few(
        [
            ("raise SystemExit(3)", "600", "exit code 3"),
            ("while True: print('garbage', flush=True)", "600", "bad lines"),
            ("import time; time.sleep(600)", "1", "not done after 1 s"),
        ],
        1,
    ),
)
def test_an_agent_that_fails_is_scored_and_the_run_goes_on(
    tasks: Path, program: str, seconds: str, why: str
) -> None:
    spec = f"command:{shlex.join([sys.executable, '-c', program])}"
    told = tiny.evaluated(
        *("run", "--agent", spec, "--tasks", tasks, "--seconds", seconds, "--jobs", "3", "--json")
    )
    runs = json.loads(told.stdout)["runs"]
    assert len(runs) == 3
    assert all(why in each["why"] and not each["success"] for each in runs)
    assert why in told.stderr


class Together:
    """Plays only when there are two of it at once."""

    name = "together"

    def __init__(self) -> None:
        self._there = 0
        self._two = anyio.Event()

    async def play(self, stage: Stage) -> None:
        self._there += 1
        if self._there == 2:
            self._two.set()
        await self._two.wait()
        await Reference().play(stage)


def plan(agent: Agent, jobs: int, trials: int = 1) -> Plan:
    parsed = [parse_task(each, "here") for each in (tiny.task("call-anna"), tiny.report("name-it"))]
    return Plan(parsed, agent, OwnServer(), trials=trials, jobs=jobs)


async def test_two_jobs_are_two_at_once_each_in_its_own_world() -> None:
    runs = await run(plan(Together(), jobs=2, trials=2))
    assert [each.key for each in runs] == [
        ("call-anna", 1),
        ("call-anna", 2),
        ("name-it", 1),
        ("name-it", 2),
    ]
    assert all(each.score.success for each in runs)


class Odd:
    """Says what no JSON holds, and nests what no parser takes."""

    name = "odd"

    def __init__(self, depth: int) -> None:
        self._depth = depth

    async def play(self, stage: Stage) -> None:
        nested: dict[str, object] = {}
        for _ in range(self._depth):
            nested = {"in": nested}
        await stage.call("get_call", {"call_sid": "half \ud800", "wait": float("inf"), "nested": nested})
        await stage.done("clinic reminders \udfff")


@pytest.mark.parametrize("depth", [1, 150, 3000])
async def test_whatever_an_agent_sends_the_trace_can_be_read(tmp_path: Path, depth: int) -> None:
    recorder = Recorder(tmp_path / "t.jsonl")
    try:
        runs = await run(plan(Odd(depth), jobs=1), recorder=recorder)
    finally:
        recorder.close()
    assert read(tmp_path / "t.jsonl").in_order() == runs
    assert [each.score.success for each in runs] == [False, depth < 1000]
