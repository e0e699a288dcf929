"""A task's world as an environment in the manner of tau-bench: two sets of tools, a hash of what they left.

The agent has the tools of our server; the user has a few on the other side of the line: who picks up, who
hangs up, who calls in, and time. An evaluator of that kind replays the calls that change something on a fresh
environment, expects the same answers word for word, and compares hashes. So nothing here is left to chance,
and nothing but such a call moves the clock: reads, and waiting inside a read, leave the world as it is.

Nothing of tau2 is imported: its evaluator asks for methods and attributes, and they are here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

from anyio.from_thread import start_blocking_portal
from anyio.lowlevel import checkpoint

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.evals.clockwork import Clockwork, told
from texml_mcp.evals.model import Task
from texml_mcp.evals.servers import Answer, OwnServer
from texml_mcp.evals.stage import system_prompt
from texml_mcp.evals.view import fingerprint, view
from texml_mcp.sandbox.fixture import FixtureError
from texml_mcp.sandbox.people import DOES
from texml_mcp.tools.validate_texml import NAME as VALIDATE_TEXML

Requestor = Literal["assistant", "user"]
_READS = frozenset({each.id for each in ENDPOINTS if each.reads} | {VALIDATE_TEXML})
LONGEST_WAIT = 86_400.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as such harnesses list it."""

    name: str
    openai_schema: dict[str, Any]
    mutates_state: bool


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The answer to a tool call."""

    id: str
    content: str
    requestor: Requestor
    error: bool
    role: str = "tool"


class _Still(Clockwork):
    """A clock that reads do not move: whoever waits in one is told that the time is up."""

    _waited = 0.0

    def now(self) -> float:
        return self.world.clock.now + self._waited

    async def sleep(self, seconds: float) -> None:
        self._waited += seconds
        await checkpoint()


class Environment:
    """One task's world. Everything is answered at once, from any thread; `close` ends its server.

    Approval is the agent's policy here, not the server's: a token would be another one at each replay.
    """

    domain_name = "texml"

    def __init__(self, task: Task) -> None:
        spec = task.server.model_copy(update={"confirm": "off"})
        self.task = task.model_copy(update={"server": spec})
        self.world = told(task.world, task.id)
        self._clockwork = _Still(self.world, task.world)
        self._stack = ExitStack()
        portal = self._stack.enter_context(start_blocking_portal())
        connected = OwnServer().connected(self.task, self._clockwork, _nobody)
        server = portal.wrap_async_context_manager(connected)
        try:
            self._box = self._stack.enter_context(server)
        except BaseException:
            self._stack.close()
            raise
        self._portal = portal
        self._user_tools: dict[str, tuple[Callable[..., str], dict[str, Any], bool]] = {
            "wait": (self._wait, {"seconds": {"type": "number"}}, True),
            "look_at_phone": (self._look, {"number": {"type": "string"}}, False),
            "hang_up": (self._hang_up, {"number": {"type": "string"}}, True),
            "answer_as": (self._answer_as, _ANSWER_AS, True),
            "call_in": (self._call_in, _CALL_IN, True),
        }

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Environment:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what the harness asks for

    def get_domain_name(self) -> str:
        return self.domain_name

    def get_policy(self) -> str:
        """What the agent is told."""
        return system_prompt(self.task, self._box.instructions)

    def get_tools(self) -> list[Tool]:
        """The agent's tools, and `wait`: in this environment time passes only when somebody lets it."""
        ours = [
            Tool(
                each["name"],
                _function(each["name"], each.get("description", ""), each["inputSchema"]),
                each["name"] not in _READS,
            )
            for each in self._box.tools
        ]
        return [*ours, self._user_tool("wait")]

    def get_user_tools(self) -> list[Tool]:
        """The tools on the other side of the line."""
        return [self._user_tool(name) for name in self._user_tools]

    def make_tool_call(self, tool_name: str, requestor: Requestor = "assistant", **kwargs: Any) -> str:
        """The answer as text. Raises `ValueError` for a call that could not be made."""
        if requestor not in ("assistant", "user"):
            raise ValueError(f"requestor: assistant or user, not {requestor!r}")
        if requestor == "user" or tool_name == "wait":
            return self._used_by_user(tool_name, kwargs)
        answer = self.ask(tool_name, kwargs)
        if answer.is_error:
            raise ValueError(answer.text)
        return answer.text

    def ask(self, tool_name: str, arguments: Mapping[str, Any]) -> Answer:
        """The whole answer to a call of the agent, errors among them. Raises `ValueError` for no tool."""
        if tool_name not in {each["name"] for each in self._box.tools}:
            raise ValueError(f"Tool {tool_name!r} not found.")
        if self._mutates(tool_name):
            self._clockwork.advance(self.task.world.clock.step_seconds)
        return self._portal.call(self._box.call, tool_name, dict(arguments))

    def get_response(self, message: Any) -> ToolMessage:
        """The answer to a tool call of the harness: `id`, `name`, `arguments` and `requestor`."""
        requestor: Requestor = getattr(message, "requestor", "assistant")
        try:
            content, error = self.make_tool_call(message.name, requestor, **message.arguments), False
        except (ValueError, TypeError) as problem:
            content, error = f"Error: {problem}", True
        return ToolMessage(message.id, content, requestor, error)

    def set_state(
        self,
        initialization_data: Any = None,
        initialization_actions: Sequence[Any] | None = None,
        message_history: Sequence[Any] = (),
        strict: bool = True,
    ) -> None:
        """Replay what has happened: of the calls in the messages those that change something.

        Raises `ValueError` where an answer is not the recorded one, unless `strict` is false, and for
        initialization data: a world is told by its task.
        """
        if initialization_data is not None:
            raise ValueError("initialization_data: the world of this environment is told by its task")
        for action in initialization_actions or ():
            self.make_tool_call(action.func_name, action.env_type, **action.arguments)
        answers = {each.id: each for each in message_history if getattr(each, "role", "") == "tool"}
        for message in message_history:
            for call in getattr(message, "tool_calls", None) or ():
                if not self._mutates(call.name):
                    continue
                response = self.get_response(call)
                recorded = answers.get(call.id)
                if strict and (recorded is None or recorded.content != response.content):
                    was = None if recorded is None else recorded.content
                    raise ValueError(f"{call.name} answered {was!r} then and {response.content!r} now")

    def get_db_hash(self) -> str:
        """A hash of the network; times are no part of it."""
        return fingerprint(view(self.world), self.task.grade.ignoring)

    def get_user_db_hash(self) -> str:
        """A hash of the other side: what each number does when it is called."""
        text = json.dumps(self.world.callees, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    # --- the other side of the line

    def _used_by_user(self, name: str, given: Mapping[str, Any]) -> str:
        if name not in self._user_tools:
            raise ValueError(f"Tool {name!r} not found.")
        act, schema, _ = self._user_tools[name]
        unknown = sorted(set(given) - set(schema))
        if unknown:
            raise ValueError(f"{name} takes {', '.join(schema)}, not {unknown[0]}")
        try:
            return act(**given)
        except TypeError:
            raise ValueError(f"{name} needs {', '.join(schema)}") from None
        except FixtureError as error:
            raise ValueError(str(error)) from None

    def _wait(self, seconds: float) -> str:
        if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_WAIT:
            raise ValueError(f"seconds: from 0 to {LONGEST_WAIT:,.0f}")
        self._clockwork.advance(float(seconds))
        return f"{seconds:g} s have passed."

    def _look(self, number: str) -> str:
        legs = [each for each in self.world.table("calls").values() if number in (each["to"], each["from"])]
        live = [each for each in legs if each["ended"] is None]
        return "; ".join(_leg(each) for each in live) or f"No call of {number} is going on."

    def _hang_up(self, number: str) -> str:
        for each in list(self.world.table("calls").values()):
            theirs = each["from"] if each["direction"] == "inbound" else each["to"]
            if theirs == number and each["status"] == "in-progress":
                self.world.end(
                    each["sid"], "completed", "caller" if each["direction"] == "inbound" else "callee"
                )
                return f"{number} has hung up."
        raise ValueError(f"number: {number} is in no call")

    def _answer_as(self, number: str, does: str, says: str = "", presses: str = "") -> str:
        self.world.script_callee({"match": number, "does": does, "says": says, "presses": presses})
        return f"{number} {does} from now on."

    def _call_in(self, number: str, application: str, says: str = "", presses: str = "") -> str:
        call = self.world.call_in(number, application, says=says, presses=presses)
        return f"The call is {call['status']}."

    # --- lists

    def _mutates(self, name: str) -> bool:
        if name in self._user_tools:
            return self._user_tools[name][2]
        return any(each["name"] == name for each in self._box.tools) and name not in _READS

    def _user_tool(self, name: str) -> Tool:
        _, properties, mutates = self._user_tools[name]
        needed = [each for each in properties if each not in ("says", "presses")]
        schema = {"type": "object", "properties": properties, "required": needed}
        return Tool(name, _function(name, _WORDS[name], schema), mutates)


_NUMBER = {"type": "string", "description": "In E.164."}
_ANSWER_AS = {
    "number": _NUMBER,
    "does": {"type": "string", "enum": list(DOES)},
    "says": {"type": "string"},
    "presses": {"type": "string"},
}
_CALL_IN = {
    "number": _NUMBER,
    "application": {"type": "string", "description": "The id of the application that is called."},
    "says": {"type": "string"},
    "presses": {"type": "string"},
}
_WORDS = {
    "wait": "Let time pass.",
    "look_at_phone": "What the calls of a number do at the moment.",
    "hang_up": "Hang up the call that a number is in.",
    "answer_as": "Decide what a number does when it is called next.",
    "call_in": "Call an application from a number.",
}


async def _nobody(question: str) -> bool:
    """Answers what the server asks past the agent: with approval off it asks nothing."""
    return False


def _leg(call: Mapping[str, Any]) -> str:
    return f"{call['direction']} {call['from']} > {call['to']}: {call['status']}"


def _function(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": dict(parameters)},
    }
