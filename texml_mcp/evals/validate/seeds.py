"""Whether a task comes out the same in any process: its reference, played under several hash seeds.

Run as a module it plays the tasks on its standard input, a JSON list, and writes what each came to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import anyio

from texml_mcp.evals.agents.scripted import Reference
from texml_mcp.evals.grading import expected_of, grade
from texml_mcp.evals.model import Task
from texml_mcp.evals.play import play
from texml_mcp.evals.view import fingerprint

HASH_SEEDS = ("0", "1", "4242")
LONGEST_SECONDS = 600.0

Outcome = dict[str, Any]
Outcomes = dict[str, Outcome]
"""The outcome of each task, by its id."""


async def outcome(task: Task) -> Outcome:
    """What must be equal in every process: score, hash of the end, and what names hold."""
    episode = await play(task, Reference())
    score = grade(task, episode, expected_of(episode))
    return {
        "score": score.score,
        "end": fingerprint(episode.end, task.grade.ignoring),
        "start": episode.start_print,
        "names": episode.names,
        "why": episode.why,
    }


async def outcomes(tasks: Sequence[Task], seed: str) -> Outcomes:
    """The outcome of each task in one new process with this hash seed."""
    given = json.dumps([task.model_dump(mode="json", by_alias=True) for task in tasks])
    with anyio.fail_after(LONGEST_SECONDS):
        done = await anyio.run_process(
            [sys.executable, "-m", __name__],
            input=given.encode(),
            env={**os.environ, "PYTHONHASHSEED": seed},
            stderr=subprocess.PIPE,
        )
    return json.loads(done.stdout)


def differing(found: Sequence[Outcomes]) -> dict[str, list[str]]:
    """Of the outcomes in several processes, what differs in which task."""
    differences = {
        task: sorted({name for other in found for name in wanted if other[task][name] != wanted[name]})
        for task, wanted in (found[0] if found else {}).items()
    }
    return {task: names for task, names in differences.items() if names}


async def _main() -> None:
    tasks = [Task.model_validate(each) for each in json.load(sys.stdin)]
    sys.stdout.write(json.dumps({task.id: await outcome(task) for task in tasks}))


if __name__ == "__main__":
    anyio.run(_main)
