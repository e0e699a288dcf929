"""A few small tasks, and the command that runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from texml_mcp.evals.model import Task
from texml_mcp.evals.tasks import suite as read_suite

CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "$app"}
APPLICATION = {
    "call": "list_applications",
    "keep": {"app": "items[?friendly_name=='Clinic reminders'].id | [0]"},
}


@cache
def shipped() -> dict[str, Task]:
    """The tasks that come along, read once for all tests: it takes a while."""
    return read_suite()[0]


def task(name: str, **changes: Any) -> dict[str, Any]:
    """Call somebody: the reference asks, null does nothing, greedy approves its own call."""
    return {
        "schema": "texml-bench/1",
        "id": name,
        "family": "place_and_report",
        "difficulty": "easy",
        "title": "Call Anna",
        "user": {"opening": "Please call +13125550142 from +13125550100.", "goal": "Anna is called."},
        "reference": [APPLICATION, {"call": "create_call", "with": CALL}, {"say": "Anna is being called."}],
        "grade": {
            "asserts": [
                {"that": "length(calls[?to=='+13125550142'])", "equals": 1, "why": "Anna is called once"}
            ],
            "budget": {"calls": 12, "turns": 4},
        },
        **changes,
    }


def report(name: str) -> dict[str, Any]:
    """Tell which applications there are: nothing is gated."""
    return task(
        name,
        family="applications",
        difficulty="hard",
        user={"opening": "Is there an application for reminders?", "goal": "The user hears its name."},
        reference=[APPLICATION, {"say": "Yes: Clinic reminders."}],
        grade={"communicated": [{"any_of": ["clinic reminders"], "why": "the user asked for it"}]},
    )


def written(directory: Path, *tasks: dict[str, Any]) -> Path:
    """A directory with these task files."""
    directory.mkdir(exist_ok=True)
    for each in tasks:
        (directory / f"{each['id']}.json").write_text(json.dumps(each))
    return directory


def suite(directory: Path) -> Path:
    return written(directory, task("call-anna"), task("call-anna-again"), report("name-it"))


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "texml_mcp", "eval", *map(str, words)]


def evaluated(*words: str | Path, code: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """`texml-mcp eval ...`, in a process of its own."""
    environment = {**os.environ, "COLUMNS": "40"}  # narrow, and still nothing may be cut off
    done = subprocess.run(
        command(*words), capture_output=True, text=True, check=False, timeout=300, env=environment, **more
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def content(trace: Path) -> list[dict[str, Any]]:
    """The lines of a trace in an order of their own, without what differs between any two runs: how long it
    took, when it was, and the tokens of approvals, which are drawn by chance."""
    text = re.sub(r'(confirm_token[\\": ]{1,6})[\w-]{16}', r"\1-", trace.read_text())
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        line.pop("started", None)
        line.get("episode", {}).pop("wall_seconds", None)
    return sorted(lines, key=lambda line: json.dumps(line, sort_keys=True))
