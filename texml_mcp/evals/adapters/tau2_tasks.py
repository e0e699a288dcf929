"""Tasks as entries of a harness in the manner of tau-bench: what the user says, and the golden actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from texml_mcp.evals.adapters.tau2 import Environment
from texml_mcp.evals.agents.paths import flat
from texml_mcp.evals.expressions import ExpressionError, filled, search
from texml_mcp.evals.model import Task

LONGEST_READ = 25  # how long one get_call waits


def tau2_task(task: Task) -> dict[str, Any]:
    """The task as an entry of such a harness's `tasks.json`. Raises as `golden_actions`.

    What must be communicated is given where it is plain text; a pattern has no place there.
    """
    knows = [f"If asked about it, say: {each.says}" for each in task.user.knows]
    plain = [re.sub(r"^\\b|\\b$", "", each.any_of[0]) for each in task.grade.communicated]
    told_to_user = [each for each in plain if re.escape(each) == each]
    return {
        "id": task.id,
        "description": {"purpose": task.title, "notes": f"{task.family}, {task.difficulty}"},
        "user_scenario": {
            "persona": None,
            "instructions": "\n".join([f"Begin with: {task.user.opening}", task.user.goal, *knows]),
        },
        "initial_state": None,
        "evaluation_criteria": {
            "actions": golden_actions(task),
            "communicate_info": told_to_user,
            "reward_basis": ["DB", "COMMUNICATE"] if told_to_user else ["DB"],
        },
    }


def golden_actions(task: Task) -> list[dict[str, Any]]:
    """The reference as the actions of such an evaluator: calls with their arguments, waits among them.

    Raises `ValueError` for a path that does not come through here: one that waits for the gate's question, or
    for the user's no.
    """
    actions: list[dict[str, Any]] = []
    kept: dict[str, Any] = {}

    def act(name: str, arguments: Mapping[str, Any]) -> None:
        made = {"action_id": f"{name}_{len(actions)}", "requestor": "assistant"}
        actions.append({**made, "name": name, "arguments": dict(arguments)})

    with Environment(task) as environment:
        for step in flat(task.reference):
            if step.call is None:
                continue
            try:
                arguments = filled(step.with_, kept)
                if "wait_for" in arguments:  # which moves no clock here
                    seconds = arguments.get("max_wait_seconds", LONGEST_READ)
                    act("wait", {"seconds": seconds})
                    environment.make_tool_call("wait", seconds=seconds)
                answer = environment.ask(step.call, arguments)
                kept |= {name: search(each, answer.structured) for name, each in step.keep.items()}
            except ExpressionError as error:
                raise ValueError(f"{task.id}: {step.call}: {error}") from None
            if answer.status != step.expect:
                said = " ".join(answer.text.split())[:200]
                raise ValueError(
                    f"{task.id}: {step.call} answered {answer.status}, not {step.expect}: {said}"
                )
            act(step.call, arguments)
    return actions
