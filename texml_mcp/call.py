"""What a pipeline works on: one call, how far it has come, and the services of one server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from texml_mcp.client import Upstream
from texml_mcp.gate.confirm import Confirmer, Person
from texml_mcp.gate.records import Case, Records
from texml_mcp.gate.ruling import Judge
from texml_mcp.results import Next

Progress = Callable[[float, float | None, str], Awaitable[None]]


async def _no_progress(done: float, total: float | None, message: str) -> None:
    """Used when the caller did not ask for progress."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asked for, and how to reach it while the call runs."""

    tool: str
    arguments: Mapping[str, Any] | None
    principal: str = "assistant"
    progress: Progress = _no_progress
    person: Person = field(default_factory=Person)


class UnknownToolError(Exception):
    """No offered tool has this name. The one failure that MCP wants as a protocol error."""


@dataclass(slots=True)
class Departure:
    """Whether a write has left this process, and the reads that would tell what became of it."""

    left: bool = False
    settles: list[Next] = field(default_factory=list[Next])

    def depart(self) -> None:
        self.left = True


@dataclass(slots=True)
class Services:
    """What a pipeline needs: one a server."""

    upstream: Upstream
    offered: frozenset[str]
    judge: Judge
    confirmer: Confirmer
    records: Records
    account_sid: str | None = None
    principal: str = "assistant"
    secret_env: frozenset[str] = frozenset()

    def departed(self, sent: Departure, case: Case) -> None:
        """A write is about to leave: from here on nobody may say that it was not sent."""
        if not sent.left:  # a connection that had to be made anew is still the same write
            sent.depart()
            self.judge.left(case.known, case.wire)
