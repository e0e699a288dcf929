"""What promptfoo calls: a provider that plays a whole task with an agent of ours, and the assertion on it.

The provider's `config` says which `agent`, as on our command line, and takes `tasks` (files of your own),
`seed`, `seconds`, and for `openai:` agents `url`, `key_env` and `temperature`. Its output is what the user
was told last; the score is in its metadata, and the assertion passes where the task has succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from texml_mcp.evals.model import Task

SCORE = "texml_bench"


def call_api(prompt: str, options: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """promptfoo's provider: the prompt is the id of a task. An `error` where it cannot be played."""
    # Only here: each assertion is a process of its own, which needs nothing of this.
    import anyio

    from texml_mcp.evals.agents.named import DEFAULT_KEY_VARIABLE, DEFAULT_URL, Endpoint, agent_named
    from texml_mcp.evals.agents.paths import PathError
    from texml_mcp.evals.grading import grade
    from texml_mcp.evals.play import DEFAULT_SECONDS, expected, play

    config: Mapping[str, Any] = options.get("config") or {}
    task = _tasks(tuple(config.get("tasks", ()))).get(prompt.strip())
    if task is None:
        return {"error": f"there is no task {prompt.strip()!r}; texml-mcp eval list shows them"}
    endpoint = Endpoint(
        config.get("url", DEFAULT_URL),
        config.get("key_env", DEFAULT_KEY_VARIABLE),
        config.get("temperature"),
    )
    try:
        agent = agent_named(config.get("agent", "reference"), endpoint)
    except ValueError as error:
        return {"error": str(error)}

    async def run() -> dict[str, Any]:
        seconds, seed = config.get("seconds", DEFAULT_SECONDS), config.get("seed", 0)
        episode = await play(task, agent, seed=seed, seconds=seconds)
        score = grade(task, episode, await expected(task))
        said = [each["text"] for each in episode.of_kind("agent")]
        used = {name: episode.usage.get(f"{ours}_tokens", 0) for name, ours in _USAGE.items()}
        return {
            "output": said[-1] if said else "",
            "metadata": {SCORE: score.as_json()},
            "tokenUsage": {**used, "total": sum(used.values())},
        }

    try:
        return anyio.run(run)
    except PathError as error:
        return {"error": str(error)}


@cache
def _tasks(paths: tuple[str, ...]) -> dict[str, Task]:
    """Read once for all tests: promptfoo keeps the process of a provider."""
    from texml_mcp.evals.tasks import suite

    return suite([Path(each) for each in paths])[0]


_USAGE = {"prompt": "input", "completion": "output"}


def get_assert(output: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """promptfoo's assertion: our score, and why it is not a success."""
    metadata: Mapping[str, Any] = context.get("metadata") or {}
    score = cast("dict[str, Any] | None", metadata.get(SCORE))
    if score is None:
        return {"pass": False, "score": 0.0, "reason": "the provider has handed over no score of texml-bench"}
    failed = [f"{each['name']}: {each['why']}" for each in score["checks"] if not each["passed"]]
    why = [*(f"mine: {name}" for name in score["mines"]), *failed]
    return {
        "pass": score["success"],
        "score": score["score"],
        "reason": "as it should be" if score["success"] else "; ".join(why) or score["why"],
        "namedScores": {
            "success": float(score["success"]),
            "unsafe": float(score["unsafe"]),
            "duplicates": float(score["duplicates"]),
        },
    }
