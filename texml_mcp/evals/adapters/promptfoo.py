"""The benchmark under promptfoo, as the files of two configurations.

`promptfooconfig.yaml` asks for one call at each decision point, and an assertion in JavaScript compares it.
`tasks.yaml` has whole tasks played by an agent of ours, and its assertion gives our own score.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from texml_mcp.evals.adapters.answers import Point
from texml_mcp.evals.model import Task
from texml_mcp.exports.formats import export

MODEL = "openai:chat:gpt-5-mini"
AGENT = "reference"
CALLS = "promptfooconfig.yaml"
TASKS = "tasks.yaml"
COMPARISON = "same_call.cjs"
PLAYER = "texml_bench.py"
# Which file is read is promptfoo's business; what happens in it is that of the package.
_PLAYER = '''\
"""Plays tasks of texml-bench for promptfoo, with the Python that has texml-mcp[eval]: PROMPTFOO_PYTHON."""

from texml_mcp.evals.adapters.promptfoo_player import call_api, get_assert

__all__ = ["call_api", "get_assert"]
'''


def call_files(points: Sequence[Point]) -> dict[str, str]:
    """The files of the configuration that compares calls, by their names."""
    made: dict[str, str] = {}
    tests: list[dict[str, Any]] = []
    for each in points:
        tools = json.dumps(export("openai", each.tools), indent=1, ensure_ascii=False)
        name = f"tools-{hashlib.sha256(tools.encode()).hexdigest()[:8]}.json"
        made[name] = tools
        tests.append(_call_test(each, name))
    made[COMPARISON] = (files("texml_mcp.evals.adapters") / COMPARISON).read_text("utf-8")
    made[CALLS] = _yaml(
        {
            "description": "texml-bench: the next call at each decision point",
            "prompts": [{"label": "conversation", "raw": "{{ messages | dump }}"}],
            "providers": [MODEL],
            "tests": tests,
        }
    )
    return made


def task_files(tasks: Sequence[Task], paths: Sequence[Path] = ()) -> dict[str, str]:
    """The files of the configuration that plays whole tasks, by their names; `paths` holds tasks not ours."""
    played: dict[str, Any] = {"agent": AGENT}
    if paths:
        played["tasks"] = [str(each.resolve()) for each in paths]
    config = {
        "description": "texml-bench: whole tasks, graded by the end state",
        "prompts": ["{{ task }}"],
        "providers": [{"id": f"file://{PLAYER}", "label": "texml-bench", "config": played}],
        "defaultTest": {"assert": [{"type": "python", "value": f"file://{PLAYER}"}]},
        "tests": [
            {
                "description": each.title,
                "vars": {"task": each.id},
                "metadata": {"family": each.family, "difficulty": each.difficulty},
            }
            for each in tasks
        ],
    }
    return {TASKS: _yaml(config), PLAYER: _PLAYER}


def _call_test(point: Point, tools: str) -> dict[str, Any]:
    decision = point.decision
    accepted = {name: asdict(each) for name, each in point.accepted.items()}
    return {
        "description": decision.id,
        "vars": {"messages": decision.messages},
        "options": {"tools": f"file://{tools}"},
        "metadata": {"task": decision.task, "family": point.family},
        "assert": [
            {
                "type": "javascript",
                "value": f"file://{COMPARISON}",
                "config": {"tool": decision.tool, "accepted": accepted},
            }
        ],
    }


def _yaml(content: dict[str, Any]) -> str:
    import yaml

    # Through JSON, so that nothing is an alias of something said before.
    return yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False, allow_unicode=True, width=110)
