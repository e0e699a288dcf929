"""A counting upstream, a clock that a test turns, and pipelines that share one state directory."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.client import Upstream
from texml_mcp.execute import Services
from texml_mcp.gate.approvals import Approvals
from texml_mcp.gate.confirm import Confirmer
from texml_mcp.gate.external import Queue
from texml_mcp.gate.journal import Journal
from texml_mcp.gate.records import Records
from texml_mcp.gate.ruling import Judge
from texml_mcp.gate.state import STORE_FILE, State
from texml_mcp.gate.store import SqliteStore
from texml_mcp.server.services import SANDBOX_ACCOUNT, SANDBOX_KEY, SANDBOX_URL

MODES = ("auto", "strict", "token", "external", "off")
OFFERED = frozenset(each.id for each in ENDPOINTS)
APPLICATION = "1293384261075731499"

Hook = Callable[[httpx.Request], Awaitable[httpx.Response | None]]


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def wire_key(method: str, path: str, form: dict[str, Any]) -> str:
    """One request as one string: two requests have the same exactly when they ask for the same."""
    return json.dumps([method, unquote(path), sorted(form.items())])


@dataclass
class CountingUpstream(httpx.AsyncBaseTransport):
    """An API that counts every write that reached it, by what exactly it asked for.

    `facts` are the statuses of the calls and recordings that previews read. `on_read` and `on_write`
    may answer instead, raise, or wait.
    """

    writes: Counter[str] = field(default_factory=Counter[str])
    reads: int = 0
    facts: dict[str, str] = field(default_factory=dict[str, str])
    on_read: Hook | None = None
    on_write: Hook | None = None

    @property
    def left(self) -> int:
        return sum(self.writes.values())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.reads += 1
            if self.on_read and (instead := await self.on_read(request)):
                return instead
            return self._read(request.url.path)
        body = await request.aread()
        form = (
            json.loads(body)
            if body.startswith(b"{")
            else dict(parse_qsl(body.decode(), keep_blank_values=True))
        )
        self.writes[wire_key(request.method, request.url.path, form)] += 1
        if self.on_write and (instead := await self.on_write(request)):
            return instead
        if request.method == "DELETE":
            return httpx.Response(204)
        return httpx.Response(200, json={"sid": f"v3:new-{self.left}", "status": "queued", "data": {}})

    def _read(self, path: str) -> httpx.Response:
        sid = unquote(path).rstrip("/").rpartition("/")[2].removesuffix(".json")
        if sid == "Conferences":
            return httpx.Response(200, json={"conferences": [], "page": 0, "page_size": 5})
        if sid not in self.facts:
            return httpx.Response(404, json={"errors": [{"code": "10005", "title": "Not found"}]})
        return httpx.Response(
            200,
            json={
                "sid": sid,
                "status": self.facts[sid],
                "to": "+13125550142",
                "from": "+13125550100",
                "direction": "outbound-api",
                "duration": "30",
            },
        )


def state_at(directory: Path, clock: Callable[[], float] = time.time) -> State:
    """The state of a server on a directory, on a clock of the test."""
    state = State(directory)
    store = SqliteStore(directory / STORE_FILE, clock=clock)
    vars(state).update(store=store, journal=Journal(store, clock))
    return state


def pipelines(
    state: State,
    upstream: CountingUpstream,
    clock: Callable[[], float] = time.time,
    *,
    policy: str = "sandbox",
    patience: float = 300.0,
) -> dict[str, Services]:
    """One server: its pipeline for each way to ask, over one state."""
    confirmer = Confirmer(Approvals(state, 300.0, clock), Queue(state, clock), patience=patience)
    client = Upstream(SANDBOX_KEY, base_url=SANDBOX_URL, transport=upstream, max_retries=0, timeout=30.0)
    return {
        mode: Services(
            upstream=client,
            offered=OFFERED,
            judge=Judge(policy, live=False, mode=mode, state=state),
            confirmer=confirmer,
            records=Records(state),
            account_sid=SANDBOX_ACCOUNT,
            key_account=SANDBOX_ACCOUNT,
        )
        for mode in MODES
    }


def create_call(to: str = "+13125550142", **more: Any) -> tuple[str, dict[str, Any]]:
    return "create_call", {"To": to, "From": "+13125550100", "ApplicationSid": APPLICATION, **more}


def by_connection(tool: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return tool, {"To": "+13125550142", "From": "+13125550100", "connection_id": APPLICATION, **more}
