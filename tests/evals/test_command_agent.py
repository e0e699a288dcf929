"""Any program as an agent: what it may do, and what becomes of a run when it does something else."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import anyio
import pytest

from tests.evals import tiny
from texml_mcp.evals.agents.command import Command
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.grading import grade
from texml_mcp.evals.play import expected, play

EXAMPLE = Path(__file__).parents[2] / "examples" / "bench_agent.py"
TASK = tiny.shipped()["call-and-report-length"]

START = """
import json, os, sys, time
def tell(**message):
    print(json.dumps(message), flush=True)
def hear():
    return json.loads(sys.stdin.readline())
start = hear()
"""


def ran(tmp_path: Path, script: str, *, seconds: float = 60) -> Episode:
    """The episode of an agent that is this script; `tell`, `hear` and `start` are there."""
    program = tmp_path / "agent.py"
    program.write_text(START + textwrap.dedent(script))
    return anyio.run(lambda: play(TASK, Command(f"{sys.executable} {program}"), seconds=seconds))


def test_the_example_solves_the_task_it_was_made_for() -> None:
    async def go() -> None:
        episode = await play(TASK, Command(f"{sys.executable} {EXAMPLE}"))
        score = grade(TASK, episode, await expected(TASK))
        assert score.success, (score.checks, episode.why)
        assert (score.gated, score.consented) == (1, 1)

    anyio.run(go)


def test_an_agent_is_told_what_it_needs(tmp_path: Path) -> None:
    episode = ran(
        tmp_path,
        """
        assert start["protocol"] == "texml-bench-agent/1"
        assert start["message"] and "confirm_token" in start["system"]
        assert "create_call" in [tool["name"] for tool in start["tools"]]
        tell(type="call", tool="list_queues", arguments={})
        answer = hear()
        assert answer["type"] == "result" and answer["structured"]["status"] == "ok", answer
        tell(type="usage", input_tokens=10, output_tokens=2)
        tell(type="usage", input_tokens=5, output_tokens=1)
        tell(type="done", text="That is all.")
        assert hear()["type"] == "end"
        """,
    )
    assert (episode.ended, episode.why) == ("done", "")
    assert episode.usage == {"input_tokens": 15, "output_tokens": 3}
    assert [each["text"] for each in episode.of_kind("agent")] == ["That is all."]


def test_the_user_ends_the_conversation(tmp_path: Path) -> None:
    episode = ran(
        tmp_path,
        """
        tell(type="say", text="Good day.")
        assert hear() == {"type": "end", "reason": "the conversation is over"}
        """,
    )
    assert (episode.ended, episode.why) == ("done", "")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("sys.exit(3)", "ended before it was done, exit code 3"),
        ("sys.stderr.write('no key'); sys.exit(1)", "it said: no key"),
        ("os.close(1); time.sleep(0.2)", "ended before it was done"),
        ("print('x' * 1_500_000, flush=True); time.sleep(60)", "a line of more than 1,000,000 bytes"),
        ("[print('hello', flush=True) for _ in range(9)]; time.sleep(60)", "3 bad lines in a row"),
        ("[tell(type='call', tool=7) for _ in range(9)]; time.sleep(60)", "3 bad lines in a row"),
        ("[tell(type='call', tool='list_calls', arguments=[]) for _ in range(9)]; time.sleep(60)", "object"),
        ("[tell(type='usage') for _ in range(20_000)]; time.sleep(60)", "10,000 lines about its usage"),
        ("print('[' * 100_000, flush=True); print(1); print(2, flush=True); time.sleep(60)", "bad lines"),
    ],
)
def test_a_bad_agent_fails_and_the_run_says_how(tmp_path: Path, script: str, why: str) -> None:
    episode = ran(tmp_path, script)
    assert episode.ended == "agent_failed"
    assert why in episode.why
    assert episode.end["calls"], "the world is graded all the same"


def test_one_bad_line_is_complained_about_and_forgiven(tmp_path: Path) -> None:
    episode = ran(
        tmp_path,
        """
        for _ in range(5):
            print("debug", flush=True)
            assert hear()["type"] == "error"
            tell(type="call", tool="list_queues", arguments={})
            assert hear()["type"] == "result"
        tell(type="done")
        """,
    )
    assert (episode.ended, episode.why) == ("done", "")


def test_an_agent_that_hangs_is_ended_with_all_it_has_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    episode = ran(
        tmp_path,
        f"""
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
        time.sleep(600)
        """,
        seconds=3,
    )
    assert episode.ended == "out_of_time"
    for pid in map(int, pids.read_text().split()):
        assert not _alive(pid)


def test_an_agent_that_floods_is_stopped(tmp_path: Path) -> None:
    episode = ran(
        tmp_path,
        """
        while True:
            tell(type="call", tool="list_queues", arguments={})
            hear()
        """,
    )
    assert episode.ended == "out_of_steps"
    assert len(episode.of_kind("call")) == 3 * TASK.grade.budget.calls


def test_unknown_tools_and_odd_text_are_answered(tmp_path: Path) -> None:
    episode = ran(
        tmp_path,
        r"""
        tell(type="call", tool="no_such_tool", arguments={})
        assert hear()["is_error"]
        tell(type="call", tool="get_call", arguments={"call_sid": "../\ud800\u0000"})
        assert hear()["is_error"]
        tell(type="done", text="\ud800 \u202e")
        """,
    )
    assert (episode.ended, episode.why) == ("done", "")


def test_a_program_that_is_not_there() -> None:
    episode = anyio.run(lambda: play(TASK, Command("/no/such/program")))
    assert episode.ended == "agent_failed"
    assert "cannot be started" in episode.why


def test_an_empty_command_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Command("  ")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
