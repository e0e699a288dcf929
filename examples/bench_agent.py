"""An agent for the benchmark in one file: it rings somebody and tells how long the call lasted.

It has no model, so it can do this one kind of task. Put yours where `Agent.work` is, and keep the rest.

texml-mcp eval run --agent "command:python examples/bench_agent.py" --task call-and-report-length
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any


class Agent:
    """Speaks the protocol: one JSON object a line, in and out."""

    def __init__(self) -> None:
        self.start = self.hear()

    def hear(self) -> dict[str, Any]:
        line = sys.stdin.readline()
        if not line:
            sys.exit(0)
        return json.loads(line)

    def ask(self, **message: Any) -> dict[str, Any]:
        print(json.dumps(message), flush=True)
        return self.hear()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A tool call. Where the server wants approval, the user is asked, and the call repeated."""
        story = self.ask(type="call", tool=tool, arguments=arguments)["structured"]
        if story.get("status") == "confirmation_required":
            said = self.ask(type="say", text=f"{story['summary']} {story['preview']} Is that right?")
            if said.get("text", "").lower().startswith("yes"):
                token = story["confirm_token"]
                return self.call(tool, **arguments, confirm_token=token)
        return story

    def work(self) -> str:
        told = self.ask(type="say", text="Whom shall I call, from which number, with which application?")
        numbers = ["+" + re.sub(r"\D", "", each) for each in re.findall(r"\+[\d ]+\d", told["text"])]
        for each in self.call("list_applications")["items"]:
            if each["friendly_name"].lower() in told["text"].lower():
                break
        else:
            return "I do not know that application, so nobody was called."
        placed = self.call("create_call", To=numbers[0], From=numbers[1], ApplicationSid=each["id"])
        if placed["status"] != "ok":
            return f"Nobody was called: {placed['summary']}"
        sid = placed["data"]["sid"]
        for _ in range(20):
            call = self.call("get_call", call_sid=sid, wait_for="ended", max_wait_seconds=25)["data"]
            if call["status"] in ("completed", "busy", "no-answer", "failed", "canceled"):
                return f"The call is over ({call['status']}); it lasted {call.get('duration', 0)} seconds."
        return "The call is still going on."


if __name__ == "__main__":
    agent = Agent()
    agent.ask(type="done", text=agent.work())
