"""A task as an environment in the manner of tau-bench: play it, replay it elsewhere, and compare the hashes.

Needs texml-mcp[eval].

python examples/tau2_style.py [TASK]
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

from texml_mcp.evals.adapters.tau2 import Environment
from texml_mcp.evals.adapters.tau2_tasks import tau2_task
from texml_mcp.evals.tasks import suite


def main(name: str) -> int:
    task = suite()[0].get(name)
    if task is None:
        sys.exit(f"There is no task {name}: texml-mcp eval list shows them.")
    entry = tau2_task(task)
    print(json.dumps(entry["user_scenario"], indent=2))
    golden = entry["evaluation_criteria"]["actions"]
    with Environment(task) as wanted, Environment(task) as same, Environment(task) as other:
        for action in golden:
            wanted.make_tool_call(action["name"], action["requestor"], **action["arguments"])
        writes = [each for each in golden if each["name"] in mutating(same)]
        for action in writes:  # what an evaluator does with a finished conversation: reads are left out
            same.make_tool_call(action["name"], action["requestor"], **action["arguments"])
        other.make_tool_call("wait", "user", seconds=600)
        for name, environment in (("the reference", wanted), ("its writes alone", same), ("nothing", other)):
            print(f"{environment.get_db_hash()[:16]}  {name}")
        return 0 if wanted.get_db_hash() == same.get_db_hash() != other.get_db_hash() else 1


def mutating(environment: Environment) -> set[str]:
    return {tool.name for tool in environment.get_tools() if tool.mutates_state}


if __name__ == "__main__":
    for needed in ("jmespath", "yaml"):
        if find_spec(needed) is None:
            sys.exit(f"{needed} is missing: pip install 'texml-mcp[eval]'")
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "call-and-report-length"))
