"""Decision points: for each write on a task's reference path, what was said before, and the right call.

For harnesses that judge one call at a time. What they cannot see is what a task is graded by: whether the
call was approved, made once, and what became of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.evals.agents.paths import PathError
from texml_mcp.evals.agents.scripted import Reference
from texml_mcp.evals.clockwork import Clockwork
from texml_mcp.evals.episode import Happened
from texml_mcp.evals.model import Task
from texml_mcp.evals.play import play
from texml_mcp.evals.servers import Asked, OwnServer, Toolbox
from texml_mcp.evals.stage import system_prompt

WRITES = frozenset(each.id for each in ENDPOINTS if not each.reads)
SCRUBBED = "***"
# Approvals and journal entries are called otherwise in the next run.
_BY_CHANCE = re.compile(r"confirm_token: (\S+)|\b([0-9a-f]{16})\b")


@dataclass(frozen=True, slots=True)
class Decision:
    """`messages` are those of a chat completion, the user's words or a tool's answer at their end; `tool` and
    `arguments` are the call that the reference makes next."""

    id: str
    task: str
    messages: list[dict[str, Any]]
    tool: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class _Watched:
    """Our own server, whose tools and instructions are kept: a decision is made by what it says."""

    name: str = OwnServer.name
    instructions: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @asynccontextmanager
    async def connected(self, task: Task, clockwork: Clockwork, asked: Asked) -> AsyncGenerator[Toolbox]:
        async with OwnServer().connected(task, clockwork, asked) as box:
            self.instructions, self.tools = box.instructions, box.tools
            yield box


async def decisions(task: Task) -> tuple[list[Decision], list[dict[str, Any]]]:
    """The decision points of a task in their order, and the tools that there are, as `tools/list` has them.

    Where approval is asked, the point is the call that brings up the question. Raises `PathError` when the
    reference does not come through.
    """
    server = _Watched()
    episode = await play(task, Reference(), server)
    if episode.ended != "done":
        raise PathError(f"{task.id}: {episode.why}")
    messages: list[dict[str, Any]] = [{"role": "system", "content": system_prompt(task, server.instructions)}]
    found: list[Decision] = []
    tokens = _tokens(episode.log)
    for happened in episode.log:
        match happened["kind"]:
            case "user":
                messages.append({"role": "user", "content": happened["text"]})
            case "agent":
                messages.append({"role": "assistant", "content": _scrubbed(happened["text"], tokens)})
            case "call":
                given = {name: it for name, it in happened["arguments"].items() if name != "confirm_token"}
                if happened["tool"] in WRITES and "confirm_token" not in happened["arguments"]:
                    point = f"{task.id}-{len(found) + 1}"
                    found.append(Decision(point, task.id, list(messages), happened["tool"], given))
                messages += _exchange(happened, len(messages), tokens)
            case _:
                continue
    return found, server.tools


def _exchange(call: Happened, at: int, tokens: Sequence[str]) -> list[dict[str, Any]]:
    """A call and its answer as two messages."""
    arguments = _scrubbed(json.dumps(call["arguments"]), tokens)
    function = {"name": call["tool"], "arguments": arguments}
    made = {"id": f"call_{at}", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": made["id"], "content": _scrubbed(call["text"], tokens)},
    ]


def _tokens(log: Sequence[Happened]) -> list[str]:
    """What in this run was named by chance."""
    texts = [each["text"] for each in log if each["kind"] == "call"]
    return [found[1] or found[2] for text in texts for found in _BY_CHANCE.finditer(text)]


def _scrubbed(text: str, tokens: Sequence[str]) -> str:
    for token in tokens:
        text = text.replace(token, SCRUBBED)
    return text
