"""What a pipeline works on: one call, how far it has come, and the services of one server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple

from anyio import CancelScope

from texml_mcp.accounts import Accounts, UnknownAccountError
from texml_mcp.catalog import Endpoint
from texml_mcp.catalog.common import ACCOUNT_SID
from texml_mcp.client import Upstream
from texml_mcp.facts import Facts
from texml_mcp.gate.confirm import Confirmer, Person
from texml_mcp.gate.observe import utc_now
from texml_mcp.gate.rate import RateLimit
from texml_mcp.gate.records import Records
from texml_mcp.gate.ruling import Judge
from texml_mcp.results import Next

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

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
    facts: Facts = field(default_factory=Facts)


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
    """What a pipeline needs: one a server, and narrower copies of it for its principals.

    `account_sid` stands where a call names no account. `key_account` is the account that requests without
    one act on: the one the key belongs to. `only_accounts` are a principal's; empty is any.
    """

    upstream: Upstream
    offered: frozenset[str]
    judge: Judge
    confirmer: Confirmer
    records: Records
    account_sid: str | None = None
    principal: str = "assistant"
    role: str = ""
    secret_env: frozenset[str] = frozenset()
    accounts: Accounts | None = None
    key_account: str | None = None
    only_accounts: tuple[str, ...] = ()
    rate: RateLimit | None = None
    now: Callable[[], datetime] = utc_now

    def account_of(self, known: Endpoint, wire: Mapping[str, Any]) -> str | None:
        """The account that a call acts on; None when nobody can tell."""
        if any(param is ACCOUNT_SID for param in known.path_params):
            return wire.get(ACCOUNT_SID.name)
        return self.key_account

    def on(self, account: str | None) -> Services:
        """The services as a call on this account has them. Raises `UnknownAccountError`."""
        if self.only_accounts and account not in self.only_accounts:
            raise UnknownAccountError(
                f"{self.principal} may not use that account. Valid account_sid: "
                f"{', '.join(self.only_accounts)}."
            )
        if self.accounts is None or not self.accounts.several:
            return self
        return replace(self, upstream=self.accounts.upstream(account))

    def label(self, account: str | None) -> str:
        """How a question names the account, where there is a choice; empty where there is none."""
        return self.accounts.label(account) if self.accounts and self.accounts.several else ""

    async def run(self, work: Callable[[*Ts], T], *given: *Ts) -> T:
        """Do what asks the store without holding up other calls."""
        return await self.records.state.run(work, *given)

    async def run_through(self, work: Callable[[*Ts], T], *given: *Ts) -> T:
        """`run`, whoever goes away meanwhile or has gone: a write that has begun must be settled."""
        with CancelScope(shield=True):
            return await self.run(work, *given)
        raise AssertionError("a scope that nobody cancels ends nothing early")
