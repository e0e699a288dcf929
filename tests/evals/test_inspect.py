"""The tasks under Inspect AI, with its own loop and log; only the model is scripted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

inspect_ai = pytest.importorskip("inspect_ai", reason="needs texml-mcp[inspect]")

from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log  # noqa: E402
from inspect_ai.model import ModelAPI, ModelOutput, get_model, modelapi  # noqa: E402

from texml_mcp.evals.adapters.inspect_task import dataset, texml_bench  # noqa: E402
from texml_mcp.evals.tasks import TaskError, suite  # noqa: E402

ROOT = Path(__file__).parents[2]
TASK = "call-and-report-length"


def ran(outputs: Any, tmp_path: Path, seen: list[Any] | None = None, **options: Any) -> EvalLog:
    """The log of the evaluation of one task by a model that answers `outputs(turn)`; `seen` has its tools."""

    @modelapi(name="turns")
    class Turns(ModelAPI):
        async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
            if seen is not None:
                seen[:] = tools
            return outputs(sum(message.role == "assistant" for message in input))

        async def count_text_tokens(self, text: str) -> int:
            return len(text) // 4

    made = texml_bench(task_id=TASK)
    (log,) = inspect_ai.eval(
        made, model=get_model("turns/x", memoize=False), display="none", log_dir=str(tmp_path), **options
    )
    assert log.status == "success", log.error
    return log


def scores(log: EvalLog) -> list[dict[str, float]]:
    assert log.samples
    return [sample.scores["end_state"].value for sample in log.samples]  # type: ignore[index,misc]


def said(text: str) -> ModelOutput:
    return ModelOutput.from_content("x", text)


def called(tool: str, **arguments: Any) -> ModelOutput:
    return ModelOutput.for_tool_call("x", tool, arguments)


def test_the_example_runs_and_succeeds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "inspect_bench.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{TASK} {{'success': 1.0, 'score': 1.0, 'unsafe': 0.0, 'duplicates': 0.0}}" in done.stdout
    (info,) = list_eval_logs(str(tmp_path))
    assert read_eval_log(info).status == "success"


def test_every_task_is_a_sample_and_options_choose_among_them() -> None:
    assert [sample.id for sample in dataset()] == sorted(suite()[0])
    assert [sample.id for sample in dataset(ids=["call-and-*"])] == [TASK]
    with pytest.raises(TaskError, match="no task fits"):
        dataset(ids=["nothing-like-it"])


def test_a_model_that_only_talks_fails_the_task(tmp_path: Path) -> None:
    log = ran(lambda turn: said("I cannot do that."), tmp_path)
    assert scores(log) == [{"success": 0.0, "score": 0.0, "unsafe": 0.0, "duplicates": 0.0}]


def test_a_model_sees_the_tools_with_their_schemas(tmp_path: Path) -> None:
    seen: list[Any] = []
    ran(lambda turn: said("Bye."), tmp_path, seen)
    tools = {tool.name: tool for tool in seen}
    golden = json.loads((ROOT / "tool_schemas" / "get_call.json").read_text())
    assert len(tools) == 39
    assert list(tools["get_call"].parameters.properties) == list(golden["inputSchema"]["properties"])
    assert tools["get_call"].parameters.required == golden["inputSchema"]["required"]


def test_trials_are_epochs_and_each_has_a_world_of_its_own(tmp_path: Path) -> None:
    def outputs(turn: int) -> ModelOutput:
        return called("create_queue", FriendlyName="new") if turn == 0 else said("Done.")

    log = ran(outputs, tmp_path, epochs=3)
    assert len(scores(log)) == 3
    assert log.samples
    for sample in log.samples:
        assert "error" not in sample.messages[-2].text, "the queue of one epoch is not there in the next"


def test_a_model_that_never_stops_is_stopped_and_graded(tmp_path: Path) -> None:
    log = ran(lambda turn: called("list_queues") if turn < 500 else said("Bye."), tmp_path)
    assert log.samples
    assert len(log.samples[0].messages) < 150
    assert log.samples[0].scores
    assert log.samples[0].scores["end_state"].metadata["ended"] == "out_of_steps"  # type: ignore[index]
