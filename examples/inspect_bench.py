"""The benchmark under Inspect AI, offline: a scripted model stands where yours will.

Needs texml-mcp[inspect].

python examples/inspect_bench.py [LOG_DIR]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

try:
    from inspect_ai import eval as run
    from inspect_ai.log import EvalLog
    from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, get_model, modelapi
    from inspect_ai.tool import ToolChoice, ToolInfo

    from texml_mcp.evals.adapters.inspect_task import texml_bench
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is missing: pip install 'texml-mcp[inspect]'")

TASK = "call-and-report-length"


@modelapi(name="scripted")
class Scripted(ModelAPI):
    """Knows one task by heart; what it cannot know it takes from the answers of tools."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        turn = sum(message.role == "assistant" for message in input)
        answers = [message.text for message in input if message.role == "tool"]
        if turn == 0:
            return self.say("Which number shall I call, from which, and with which application?")
        if turn == 1:
            return self.call("list_applications")
        placed = {
            "To": "+13125550142",
            "From": "+13125550100",
            "ApplicationSid": found(r'(\d+) "Clinic reminders"', answers[0]),
        }
        if turn == 2:
            return self.call("create_call", **placed)
        if turn == 3:
            return self.say(f"{answers[1][:300]} Shall I?")
        if turn == 4:
            return self.call(
                "create_call", **placed, confirm_token=found(r"confirm_token: (\S+)", answers[1])
            )
        if turn < 7:
            sid = found(r"(v3:[\w-]+)", answers[2])
            return self.call("get_call", call_sid=sid, wait_for="ended", max_wait_seconds=25)
        return self.say(f"They were connected for {found(r'duration: (.+)', answers[-1])} seconds.")

    async def count_text_tokens(self, text: str) -> int:
        return len(text) // 4  # the default asks the network for a tokenizer

    def say(self, text: str) -> ModelOutput:
        return ModelOutput.from_content(self.model_name, text)

    def call(self, tool: str, **arguments: object) -> ModelOutput:
        return ModelOutput.for_tool_call(self.model_name, tool, dict(arguments))


def found(pattern: str, text: str) -> str:
    hit = re.search(pattern, text)
    if hit is None:
        raise ValueError(f"{pattern} is not in: {text}")
    return hit[1]


def main(log_dir: str | None) -> int:
    logs: Sequence[EvalLog] = run(
        texml_bench(task_id=TASK), model=get_model("scripted/by-heart"), display="none", log_dir=log_dir
    )
    (log,) = logs
    if log.status != "success" or not log.samples:
        print(f"{log.status}: {log.error.message if log.error else 'no sample'}")
        return 1
    for sample in log.samples:
        for score in (sample.scores or {}).values():
            print(sample.id, score.value, score.explanation)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
