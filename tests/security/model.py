"""What should happen, told without looking at the gate: a ledger of approvals, and random steps against it.

The ledger knows which approval was given for which call, by whom it may be used, what the target looked
like and until when. Each step says in advance how many requests may leave; the upstream counts how many did.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx

from tests.security.world import (
    MODES,
    Clock,
    CountingUpstream,
    by_connection,
    create_call,
    pipelines,
    state_at,
    wire_key,
)
from texml_mcp.execute import Call, Services, execute
from texml_mcp.gate.confirm import Answer, AskThroughClient, CannotAskError, Person
from texml_mcp.gate.external import NotAllowedError, Queue
from texml_mcp.gate.state import State
from texml_mcp.results import ToolResult
from texml_mcp.server.services import SANDBOX_ACCOUNT

CLIENTS = ("modern form", "modern none", "legacy form", "legacy none")
PRINCIPALS = ("assistant", "colleague")
YES, UNTICKED = Answer("accept", True), Answer("accept", False)
NO, AWAY = Answer("decline", False), Answer("cancel", True)
LIVE_CALL, RECORDING = "v3:live", "rec-1"

# Pairs that differ in one value only: what an approval must not be carried over.
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    create_call(),
    create_call("+13125550150"),
    create_call(Record=True),
    create_call(TimeLimit=60),
    ("update_call", {"call_sid": LIVE_CALL, "Status": "completed"}),
    ("update_call", {"call_sid": LIVE_CALL, "Texml": "<Response><Hangup/></Response>"}),
    ("delete_recording", {"recording_sid": RECORDING}),
    ("delete_recording", {"recording_sid": "rec-2"}),
    by_connection("create_connection_call"),
    by_connection("initiate_ai_call", AIAssistantId="assistant-1"),
    by_connection("initiate_ai_call", AIAssistantId="assistant-1", TimeLimit=60),
)

Who = tuple[int, str]  # the call, and who asks


def wire_of(which: int) -> str:
    """The one request that this call stands for, written down by hand."""
    tool, given = CALLS[which]
    root = f"/v2/texml/Accounts/{SANDBOX_ACCOUNT}"
    if tool == "create_call":
        return wire_key("POST", f"{root}/Calls", given)
    if "connection_id" in given:
        form = {key: value for key, value in given.items() if key != "connection_id"}
        kind = "ai_calls" if tool == "initiate_ai_call" else "calls"
        return wire_key("POST", f"/v2/texml/{kind}/{given['connection_id']}", form)
    if tool == "update_call":
        form = {key: value for key, value in given.items() if key != "call_sid"}
        return wire_key("POST", f"{root}/Calls/{LIVE_CALL}", form)
    return wire_key("DELETE", f"{root}/Recordings/{given['recording_sid']}.json", {})


class Violation(AssertionError):
    """More or fewer requests left than approvals allow."""


@dataclass
class Grant:
    """One approval as its holder knows it."""

    secret: str
    kind: str  # "token" or "form"
    who: Who
    seen: str
    until: float
    live: bool = True
    was_live: bool = True  # before it was last presented


@dataclass
class Request:
    """One request in the external queue."""

    id: str
    seen: str
    until: float
    standing: str = "waiting"


@dataclass
class Given:
    """Everything one call brings along."""

    which: int
    principal: str
    mode: str
    client: str
    token: Grant | None = None
    state: Grant | None = None
    answer: Answer | None = None
    form: Answer | None = None  # None: the client fails to show it
    turns: bool = False  # the target changes while the form is shown

    @property
    def who(self) -> Who:
        return self.which, self.principal


@dataclass
class Walk:
    """A random walk over two servers that share one state directory.

    `exact`: what was approved must leave, too; otherwise the walk could be safe by sending nothing.
    """

    seed: int
    directory: Path
    audited: bool = False
    steps: int = 0
    calls: int = 0
    sent: int = 0
    approved: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])
    trace: list[str] = field(default_factory=list[str])
    exact: bool = True

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.clock = Clock()
        self.upstream = CountingUpstream(
            facts={LIVE_CALL: "ringing", RECORDING: "completed", "rec-2": "completed"}
        )
        self.grants: dict[str, Grant] = {}
        self.queue: dict[Who, Request] = {}
        self.states: list[State] = [self._state(), self._state()]
        self.servers = [self._server(each) for each in self.states]
        self.steps_by_name: list[tuple[Callable[[], Any], int]] = [
            (self.ask_or_use, 60),
            (self.race, 8),
            (self.cancel, 6),
            (self.lose_the_answer, 4),
            (self.settle_somewhere_else, 14),
            (self.time_passes, 4),
            (self.the_world_changes, 5),
            (self.restart, 2),
        ]

    def _state(self) -> State:
        state = state_at(self.directory, self.clock)
        if not self.audited:
            # What holds without a power cut needs no wait for the disk; one walk in the suite waits.
            vars(state)["audit"] = None
            state.store._open().execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]
        return state

    def _server(self, state: State) -> dict[str, Services]:
        return pipelines(state, self.upstream, self.clock)

    async def run(self, steps: int) -> None:
        names, weights = zip(*self.steps_by_name, strict=True)
        for _ in range(steps):
            self.steps += 1
            step = self.random.choices(names, weights)[0]
            self.trace.append(step.__name__)
            await step()

    def close(self) -> None:
        for state in self.states:
            state.close()

    # --- what should happen

    def now_of(self, which: int) -> str:
        """What a preview of this call would show now."""
        tool, arguments = CALLS[which]
        sid = arguments.get("call_sid") or arguments.get("recording_sid")
        return self.upstream.facts[sid] if sid and tool != "create_call" else ""

    def take(self, grant: Grant | None, kind: str, who: Who) -> bool:
        """Whether this approval counts for this call, now; whatever the answer, it is spent."""
        if grant is None:
            return False
        grant.was_live, grant.live = grant.live, False
        if not grant.was_live:
            return False
        return (
            grant.kind == kind
            and grant.who == who
            and grant.until > self.clock.now
            and grant.seen == self.now_of(who[0])
        )

    def may_send(self, given: Given) -> int:
        """How many requests may leave for this call: 0 or 1. Spends what the call spends."""
        if given.mode == "off":
            return 1
        if given.mode == "external":
            return self._external(given)
        if given.mode in ("auto", "strict"):
            if given.client == "modern form":
                if given.state is None or given.answer is None:
                    return 0
                return int(self.take(given.state, "form", given.who) and given.answer == YES)
            if given.client == "legacy form" and given.form is not None:
                return int(given.form == YES and not (given.turns and self.now_of(given.which)))
            if given.mode == "strict":
                return 0
        return int(self.take(given.token, "token", given.who))

    def _external(self, given: Given) -> int:
        request = self.queue.get(given.who)
        if request is None or request.until <= self.clock.now or request.standing == "waiting":
            return 0
        del self.queue[given.who]
        return int(request.standing == "approved" and request.seen == self.now_of(given.which))

    # --- what does happen

    async def make(self, given: Given) -> ToolResult | AskThroughClient | None:
        """Makes the call on one of the servers, and keeps what it hands out."""
        tool, arguments = CALLS[given.which]
        arguments = dict(self.random.sample(list(arguments.items()), len(arguments)))
        if given.token is not None:
            arguments["confirm_token"] = given.token.secret

        async def ask(question: str) -> Answer:
            if given.turns:
                self.turn(given.which)
            if given.form is None:
                raise RuntimeError("no window")
            return given.form

        kind = {"modern form": "modern", "legacy form": "legacy"}.get(given.client, "none")
        person = Person(
            kind,  # type: ignore[arg-type]
            given.client.startswith("modern"),
            state=given.state.secret if given.state else None,
            answer=given.answer,
            ask=ask,
        )
        self.calls += 1
        seen = self.now_of(given.which)
        try:
            result = await execute(
                self.random.choice(self.servers)[given.mode],
                Call(tool, arguments, given.principal, person=person),
            )
        except CannotAskError:
            return None
        self._keep(given, result, seen)
        return result

    def _keep(self, given: Given, result: ToolResult | AskThroughClient, seen: str) -> None:
        until = self.clock.now + 300.0
        if isinstance(result, AskThroughClient):
            self.grants[result.state] = Grant(result.state, "form", given.who, seen, until)
        elif result.confirm_token:
            self.grants[result.confirm_token] = Grant(result.confirm_token, "token", given.who, seen, until)
        elif given.mode == "external" and "Waits as " in result.summary:
            id = result.summary.partition("Waits as ")[2].split()[0]
            known = self.queue.get(given.who)
            if known is None or known.id != id:
                self.queue[given.who] = Request(id, seen, self.clock.now + 3600.0)

    def check(self, what: str, given: Given, before: Counter[str], may: int) -> None:
        """Exactly what was approved has left: that many times, and nothing else."""
        now = self.upstream.writes
        left = {key: now[key] - before[key] for key in now if now[key] != before[key]}
        self.sent += sum(left.values())
        self.approved += may
        if may:
            self.kinds[f"{given.mode}, {given.client}"] += 1
        allowed = [{wire_of(given.which): 1}] if may else [{}]
        if left not in (allowed if self.exact else [*allowed, {}]):
            raise Violation(
                f"seed {self.seed}, step {self.steps}: {what} {given}: {may} may leave, {left} left; "
                f"the last steps were {self.trace[-8:]}"
            )

    # --- the steps

    def some_grant(self) -> Grant | None:
        if not self.grants:
            return None
        grants = list(self.grants.values())
        # Mostly one that is still open and young; often one that is used, expired, or burnt.
        live = [each for each in grants[-30:] if each.live]
        return self.random.choice(live if live and self.random.random() < 0.75 else grants[-60:])

    def some_call(self) -> Given:
        pick = self.random.choice
        given = Given(
            pick(range(len(CALLS))),
            pick(PRINCIPALS) if self.random.random() < 0.2 else PRINCIPALS[0],
            self.random.choices(MODES, (30, 20, 20, 20, 3))[0],
            pick(CLIENTS),
            form=pick((YES, YES, UNTICKED, NO, AWAY, None)),
            turns=self.random.random() < 0.1,
        )
        if (grant := self.some_grant()) and self.random.random() < 0.65:
            if self.random.random() < 0.8:
                given.which, given.principal = grant.who
            given.answer = pick((YES, YES, YES, UNTICKED, NO, AWAY, None))
            # Each kind in its own place mostly; in the other one's often enough.
            swapped = self.random.random() < 0.1
            if (grant.kind == "token") != swapped:
                given.token = grant
                if self.random.random() < 0.7:
                    given.mode = pick(("token", "auto"))
                    given.client = pick(CLIENTS if given.mode == "token" else CLIENTS[1::2])
            else:
                given.state = grant
                if self.random.random() < 0.7:
                    given.mode, given.client = pick(("strict", "auto")), CLIENTS[0]
        elif self.random.random() < 0.1:
            given.answer = YES  # to a question nobody asked
        if given.turns and (given.client != "legacy form" or given.mode not in ("auto", "strict")):
            given.turns = False
        if given.turns and given.form is None:
            given.turns = False  # a token would then be looked at against what was seen before
        return given

    async def ask_or_use(self) -> None:
        given = self.some_call()
        before, may = self.upstream.writes.copy(), self.may_send(given)
        await self.make(given)
        self.check("made", given, before, may)

    async def race(self) -> None:
        """The same call several times at once, on both servers."""
        given = self.some_call()
        given.form, given.turns = NO, False
        if given.mode == "off":
            return
        before, may = self.upstream.writes.copy(), self.may_send(given)
        copies = self.random.randint(2, 6)
        async with anyio.create_task_group() as group:
            for _ in range(copies):
                group.start_soon(self.make, given)
        self.check(f"made {copies} times at once", given, before, may)

    async def cancel(self) -> None:
        """The caller goes away: before the preview is read, while the form is shown, or after departure."""
        given = self.some_call()
        given.turns = False
        stuck = anyio.Event()

        async def hang(_: httpx.Request) -> httpx.Response | None:
            stuck.set()
            await anyio.sleep_forever()
            return None

        on_read = self.random.random() < 0.3 and bool(self.now_of(given.which))
        before = self.upstream.writes.copy()
        if on_read and given.mode != "off":
            self.upstream.on_read, may = hang, 0
        else:
            self.upstream.on_write, may = hang, self.may_send(given)
        done = anyio.Event()

        async def caller() -> None:
            await self.make(given)
            done.set()
            stuck.set()

        async with anyio.create_task_group() as group:
            group.start_soon(caller)
            await stuck.wait()
            group.cancel_scope.cancel()
        self.upstream.on_read = self.upstream.on_write = None
        self.check("cancelled", given, before, may)

    async def lose_the_answer(self) -> None:
        """The write arrives and its answer does not: it is used up all the same."""

        async def lost(request: httpx.Request) -> httpx.Response | None:
            if self.random.random() < 0.5:
                raise httpx.ReadTimeout("lost", request=request)
            return httpx.Response(500, json={"errors": []})

        self.upstream.on_write = lost
        await self.ask_or_use()
        self.upstream.on_write = None

    async def settle_somewhere_else(self) -> None:
        """Somebody else approves or denies; now and then an approval is used right away."""
        waiting = [(who, each) for who, each in self.queue.items() if each.standing == "waiting"]
        waiting = [(who, each) for who, each in waiting if each.until > self.clock.now]
        if not waiting:
            return
        who, request = self.random.choice(waiting)
        approve = self.random.random() < 0.8
        queue = Queue(self.random.choice(self.states), self.clock)
        try:
            queue.settle(request.id, "supervisor", approve=approve)
        except NotAllowedError as error:
            raise Violation(f"a request that waits cannot be settled: {error}") from None
        request.standing = "approved" if approve else "denied"
        if self.random.random() < 0.6:
            given = Given(*who, "external", self.random.choice(CLIENTS))
            before, may = self.upstream.writes.copy(), self.may_send(given)
            told = await self.make(given)
            self.check(f"settled, then made (told {told})", given, before, may)

    async def time_passes(self) -> None:
        self.clock.pass_by(self.random.choice((1.0, 60.0, 299.0, 301.0, 700.0, 3601.0)))
        self.queue = {who: each for who, each in self.queue.items() if each.until > self.clock.now}

    def turn(self, which: int) -> None:
        arguments = CALLS[which][1]
        sid = arguments.get("call_sid") or arguments.get("recording_sid")
        if sid:
            facts = self.upstream.facts
            facts[sid] = "in-progress" if facts[sid] != "in-progress" else "ringing"

    async def the_world_changes(self) -> None:
        self.turn(self.random.randrange(4, len(CALLS)))

    async def restart(self) -> None:
        """One server ends and starts again on the same directory."""
        at = self.random.randrange(2)
        self.states[at].close()
        self.states[at] = self._state()
        self.servers[at] = self._server(self.states[at])
