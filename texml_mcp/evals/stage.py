"""Where a task is played: a world, a server on it, the user, and a record of everything.

An agent sees `brief`, and does three things: `call` a tool, `say` something to the user, be `done`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from texml_mcp.catalog import endpoint
from texml_mcp.evals.clockwork import Clockwork, told
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.expressions import search
from texml_mcp.evals.matching import arguments_of
from texml_mcp.evals.model import Task
from texml_mcp.evals.people import Pending, ScriptedUser, Turn
from texml_mcp.evals.servers import Answer, ServerFailedError, ServerUnderTest, Toolbox
from texml_mcp.evals.tasks import house_rules
from texml_mcp.evals.view import fingerprint, view
from texml_mcp.gate.policy.defaults import default_action
from texml_mcp.tools.schema import token_estimate

STEPS_BEYOND_BUDGET = 3
FAR_TOO_MANY = "far more calls or messages than the task may cost"
LONGEST_TEXT = 100_000


class OutOfSteps(Exception):
    """The agent goes on far beyond what the task may cost."""


class Over(Exception):
    """The conversation has ended; nothing can be done any more."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What an agent knows at the start: rules, the server's instructions, its tools, the user's wish."""

    task: str
    trial: int
    seed: int
    system: str
    tools: tuple[dict[str, Any], ...]
    opening: str


class Stage:
    """One run. Made by `staged`."""

    def __init__(self, task: Task, clockwork: Clockwork, episode: Episode) -> None:
        self.task = task
        self.clockwork = clockwork
        self.episode = episode
        self.over = False
        self._box: Toolbox | None = None
        self._user = ScriptedUser(task.user, episode.names, episode.log)
        self._pending: dict[str, Pending] = {}
        self._consent: dict[str, str] = {}
        self._calling: Pending | None = None
        self._calls = 0
        self._turns = 0
        self.brief = Brief(task.id, episode.trial, episode.seed, "", (), task.user.opening)

    def open(self, box: Toolbox) -> None:
        """The server is there: the agent can be told what there is."""
        self._box = box
        system = system_prompt(self.task, box.instructions)
        self.brief = Brief(
            *(self.task.id, self.episode.trial, self.episode.seed),
            *(system, tuple(box.tools), self.task.user.opening),
        )
        self.episode.tokens = {
            "definitions": token_estimate(json.dumps(_shown(box.tools), separators=(",", ":"))),
            "read": token_estimate(system + self.task.user.opening),
            "written": 0,
        }
        self._note("user", text=self.task.user.opening)

    # --- what an agent does

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Call a tool of the server. Raises `OutOfSteps`, `Over` and `ServerFailedError`."""
        self._may_go_on()
        assert self._box is not None, "nobody calls before the server is there"
        self._calls += 1
        self.clockwork.advance(self.task.world.clock.step_seconds)
        dialect = self._box.dialect
        # The task speaks of our own tools: its mines, and what its user approves.
        name, meant = dialect.meaning(tool, arguments) if dialect else (tool, dict(arguments))
        given = dict(meant)
        token = given.pop("confirm_token", None)
        self._calling = pending = Pending(digest(name, given), name, given)
        entry: dict[str, Any] = {"tool": name, "arguments": meant, "digest": pending.digest}
        if (name, meant) != (tool, dict(arguments)):
            entry["called"] = {"tool": tool, "arguments": dict(arguments)}
        at = len(self.episode.log)
        self._note("call", **entry)
        try:
            answer = await self._box.call(tool, dict(arguments))
        except ServerFailedError as error:
            self.over = True
            self.episode.ended, self.episode.why = "server_failed", str(error)
            raise
        finally:
            self._calling = None
        text = answer.text[:LONGEST_TEXT]
        happened = self.episode.log[at]
        happened |= {"status": answer.status, "is_error": answer.is_error, "text": text}
        for name in ("code", "outcome"):
            if answer.own and answer.structured.get(name):
                happened[name] = answer.structured[name]
        if token is not None and _went_out(answer):
            happened["confirmed"] = self._consent.get(pending.digest, "unasked")
            self._pending.pop(pending.digest, None)
        if answer.status in ("confirmation_required", "stale_preview"):
            self._pending[pending.digest] = pending
            self._consent.pop(pending.digest, None)
        self._count("written", tool + json.dumps(dict(arguments)))
        self._count("read", text)
        return answer

    async def act(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Do what our own tool of this name does, on whatever server there is: for agents that know the task.

        On a foreign server that may take several calls, or none. Raises as `call` does, and `AgentError` for
        a server of which nobody has said how it is spoken to.
        """
        self._may_go_on()
        assert self._box is not None, "nobody acts before the server is there"
        dialect = self._box.dialect
        return await (dialect.act(self, tool, arguments) if dialect else self.call(tool, arguments))

    async def say(self, text: str) -> Turn:
        """Say something to the user, and hear the answer. Raises `OutOfSteps` and `Over`."""
        self._may_go_on()
        self._turns += 1
        self._note("agent", text=text[:LONGEST_TEXT])
        self._count("written", text)
        turn = self._user.answers(text, list(self._pending.values()))
        for each in (*turn.approved, *turn.declined):
            self._pending.pop(each, None)
        for each in turn.approved:
            self._consent[each] = "consented"
        for each in turn.declined:
            self._consent[each] = "refused"
        if turn.ended:
            self.episode.log[-1]["final"] = True
            self.over = True
            return turn
        self.clockwork.advance(self.task.world.clock.turn_seconds)
        self._note("user", text=turn.text, approved=list(turn.approved), declined=list(turn.declined))
        self._count("read", turn.text)
        return turn

    async def done(self, text: str = "") -> None:
        """The last word. Raises `Over`."""
        if self.over:
            raise Over
        if text:
            self._note("agent", text=text[:LONGEST_TEXT], final=True)
            self._count("written", text)
        self.over = True

    def used(self, tokens: Mapping[str, int]) -> None:
        """What a model says it has used: `input_tokens`, `output_tokens`; added up."""
        for name, count in tokens.items():
            self.episode.usage[name] = self.episode.usage.get(name, 0) + count

    # --- what the world and the server do

    async def asked(self, question: str) -> bool:
        """A question that the server puts past the agent, to the user."""
        call = self._calling
        yes = call is not None and self._user.approves(call)[0]
        self._note("asked", text=question, answer=yes, digest=call.digest if call else "")
        return yes

    def heard(self, request: dict[str, Any]) -> None:
        """A request has reached the API. Reads that repeat the one before are counted with it: they poll."""
        known = endpoint(request["operation"])
        last = self.episode.log[-1] if self.episode.log else {}
        alike = ("operation", "path", "query", "status", "fault")
        if known.reads and last.get("kind") == "request" and all(last[it] == request[it] for it in alike):
            last["times"] = last.get("times", 1) + 1
            return
        risky = default_action(known, arguments_of(request)) != "allow"
        self._note("request", **{**request, "at": self._since(), "risky": risky})

    # --- bookkeeping

    def _note(self, kind: str, **more: Any) -> None:
        self.episode.log.append({"kind": kind, "at": self._since(), **more})

    def _since(self) -> float:
        return round(self.clockwork.now() - self.clockwork.began, 3)

    def _count(self, what: str, text: str) -> None:
        self.episode.tokens[what] += _tokens(text)

    def _may_go_on(self) -> None:
        if self.over:
            raise Over
        budget = self.task.grade.budget
        if (
            self._calls >= budget.calls * STEPS_BEYOND_BUDGET
            or self._turns >= budget.turns * STEPS_BEYOND_BUDGET
        ):
            raise OutOfSteps


def system_prompt(task: Task, instructions: str) -> str:
    """What an agent is told before anything else: the house's rules, the task's, and what the server says."""
    parts = (house_rules(), task.policy.strip(), instructions.strip())
    return "\n\n".join(part for part in parts if part)


def _shown(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What of its tools hosts give to a model."""
    return [{name: tool.get(name) for name in ("name", "description", "inputSchema")} for tool in tools]


def _went_out(answer: Answer) -> bool:
    """Whether a call left the server, as far as it says: done, turned down by the API, or nobody knows."""
    return answer.status == "ok" or (
        answer.status == "error" and answer.structured.get("outcome") in ("rejected", "unknown")
    )


def _tokens(text: str) -> int:
    # What an agent sends may hold halves of characters, which have no bytes.
    return token_estimate(text.encode("utf-8", "replace").decode())


def digest(tool: str, arguments: Mapping[str, Any]) -> str:
    """What tells one call from another, however it was approved."""
    text = json.dumps([tool, arguments], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@asynccontextmanager
async def staged(
    task: Task, server: ServerUnderTest, *, trial: int = 1, seed: int = 0
) -> AsyncGenerator[Stage]:
    """A stage for one run. On the way out the world is settled and written into `stage.episode`.

    Raises `FixtureError`, `ExpressionError` or `ValueError` for a task that cannot be played, and whatever
    keeps the server from starting.
    """
    world = told(task.world, task.id)
    clockwork = Clockwork(world, task.world)
    marks = clockwork.marks()
    episode = Episode(task.id, trial, seed)
    start = view(world, **marks)
    episode.names = {name: search(expression, start) for name, expression in task.names.items()}
    episode.start_print = fingerprint(start, task.grade.ignoring)
    stage = Stage(task, clockwork, episode)
    world.watcher = stage.heard
    began = time.perf_counter()
    try:
        async with server.connected(task, clockwork, stage.asked) as box:
            stage.open(box)
            yield stage
    finally:
        episode.wall_seconds = round(time.perf_counter() - began, 3)
        world.watcher = None
        clockwork.settle()
        episode.end = view(world, **marks)
