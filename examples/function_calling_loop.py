"""A function-calling loop over the tool schemas, as an assistant or an evaluation harness has one.

    python examples/function_calling_loop.py [--yes]

`ScriptedModel` stands where a model's API goes: it gets the messages and the tools, and answers with
tool calls or with words.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

from asking import typed
from mcp import Client, StdioServerParameters

from texml_mcp.exports.formats import export

SERVER = StdioServerParameters(command=sys.executable, args=["-m", "texml_mcp", "serve", "--sandbox"])
YES = "--yes" in sys.argv
MOST_TURNS = 12

Message = dict[str, Any]


@dataclass
class ScriptedModel:
    """Ends the ringing call, reading its way there. Replace `reply` by a request to a model."""

    tools: list[Message]
    turn: int = field(default=0, init=False)

    def reply(self, messages: list[Message]) -> Message:
        self.turn += 1
        last = json.loads(messages[-1]["content"]) if messages[-1]["role"] == "tool" else {}
        if self.turn == 1:
            return self._call("list_calls", {"limit": 5})
        if self.turn == 2:
            ringing = next(item for item in last["items"] if item["status"] == "ringing")
            return self._call("update_call", {"call_sid": ringing["sid"], "Status": "completed"})
        if last.get("status") == "confirmation_required":
            return {"role": "assistant", "ask_user": last["preview"], "then": last["next"][0]}
        return {"role": "assistant", "content": f"Done: {last.get('summary')}"}

    def _call(self, name: str, arguments: Message) -> Message:
        assert any(tool["function"]["name"] == name for tool in self.tools), (
            "a model calls what it was offered"
        )
        return {"role": "assistant", "tool_calls": [{"name": name, "arguments": arguments}]}


async def user_agrees(question: str) -> bool:
    """The user, not the model, answers what the server asks."""
    print(f"server asks: {question}")
    return YES or await typed("Do this? [y/N] ") == "y"


async def main() -> None:
    async with Client(SERVER) as client:
        listed = (await client.list_tools()).tools
        listing = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
        model = ScriptedModel(export("openai", listing))
        messages: list[Message] = [{"role": "user", "content": "Please end the call that is still ringing."}]
        for _ in range(MOST_TURNS):
            answer = model.reply(messages)
            if "ask_user" in answer:
                if not await user_agrees(answer["ask_user"]):
                    print("assistant: all right, I leave it.")
                    return
                step = answer["then"]
                answer = {
                    "role": "assistant",
                    "tool_calls": [{"name": step["tool"], "arguments": step["arguments"]}],
                }
            messages.append(answer)
            if "tool_calls" not in answer:
                print(f"assistant: {answer['content']}")
                return
            for call in answer["tool_calls"]:
                result = await client.call_tool(call["name"], call["arguments"])
                print(f"tool {call['name']}: {(result.structured_content or {}).get('summary')}")
                content = json.dumps(result.structured_content)
                messages.append({"role": "tool", "name": call["name"], "content": content})
        print("assistant: I did not get there.")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(130)
