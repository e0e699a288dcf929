"""Each tool call as telemetry tells it: attributes on its span, metrics, one log line.

All of it comes from the facts of the call and from the answer that leaves, so that nothing is said twice.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from opentelemetry import trace

from texml_mcp.execute import Call, Services
from texml_mcp.facts import Facts
from texml_mcp.gate.confirm import AskThroughClient
from texml_mcp.results import ToolResult
from texml_mcp.server.reader import Run
from texml_mcp.server.telemetry.instruments import Instruments, Waiting, global_meter

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span

log = logging.getLogger("texml_mcp.calls")

BYTES_PER_TOKEN = 4
UNKNOWN = "unknown"
"""What a tool is called that this server does not offer: its name is whatever the client wrote."""


@dataclass(slots=True)
class Watch:
    """One call as it goes on, and as it ended."""

    tool: str
    transport: str
    era: str
    role: str
    principal: str
    facts: Facts = field(default_factory=Facts)
    status: str = "failed"
    code: str = ""
    outcome: str = "not_sent"
    answer: Mapping[str, Any] | None = None

    def answered(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer that leaves, unchanged."""
        self.answer = answer
        told: Mapping[str, Any] | None = answer.get("structuredContent")
        if told is None:
            self.status = "input_required"
        else:
            self.status, self.code = told["status"], told.get("code", "")
            self.outcome = told.get("outcome") or ("ok" if self.status == "ok" else "not_sent")
        return answer

    def refused(self, error: MCPError) -> None:
        """The call ends as an error of the protocol."""
        cannot_ask = error.error.code == MISSING_REQUIRED_CLIENT_CAPABILITY
        self.status, self.code = ("denied", "cannot_ask") if cannot_ask else ("protocol_error", "")

    def cancelled(self) -> None:
        """Nobody is told the result."""
        self.status, self.outcome = "cancelled", "unknown" if self.facts.left else "not_sent"

    @property
    def tokens(self) -> int:
        """About how many tokens the answer costs whoever reads both channels."""
        if self.answer is None:
            return 0
        size = sum(len(part["text"].encode()) for part in self.answer.get("content", ()))
        if (told := self.answer.get("structuredContent")) is not None:
            size += len(json.dumps(told, ensure_ascii=False, default=str).encode())
        return -(-size // BYTES_PER_TOKEN)


class Telemetry:
    """What watches the calls of one server.

    Without a `meter` the process's own is used, where there is one. `waiting` counts the requests for
    approval; `names` puts the principal's name on spans, beside its role.
    """

    def __init__(
        self, meter: Meter | None = None, *, waiting: Waiting | None = None, names: bool = False
    ) -> None:
        self._meter = meter
        self._waiting = waiting
        self._names = names
        self._made: Instruments | None = None

    @contextmanager
    def call(self, tool: str, services: Services, ctx: ServerRequestContext[Any, Any]) -> Generator[Watch]:
        """The length of one call. What is raised passes through."""
        watch = Watch(
            tool if tool in services.offered else UNKNOWN,
            "stdio" if ctx.request is None else "http",
            "modern" if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS else "legacy",
            services.role,
            services.principal,
        )
        instruments = self._instruments()
        if instruments is not None:
            instruments.began()
        started = time.perf_counter()
        try:
            yield watch
        except MCPError as error:
            watch.refused(error)
            raise
        except Exception:
            raise
        except BaseException:
            watch.cancelled()
            raise
        finally:
            try:
                self._tell(watch, instruments, time.perf_counter() - started)
            except Exception:
                # The call may have rung a phone: whatever is wrong here, its answer must get through.
                log.exception("a call could not be told")

    def counting(self, run: Run) -> Run:
        """`run`, with its requests to the API counted, whoever asked for them."""

        async def counted(services: Services, call: Call) -> ToolResult | AskThroughClient:
            try:
                return await run(services, call)
            finally:
                if call.facts.trips and (instruments := self._instruments()) is not None:
                    instruments.travelled(call.facts)

        return counted

    def _instruments(self) -> Instruments | None:
        if self._made is None and (meter := self._meter or global_meter()) is not None:
            self._made = Instruments(meter, self._waiting)
        return self._made

    def _tell(self, watch: Watch, instruments: Instruments | None, seconds: float) -> None:
        span = trace.get_current_span()
        logging_it = log.isEnabledFor(logging.INFO)
        if instruments is None and not logging_it and not span.is_recording():
            return
        tokens = watch.tokens
        if instruments is not None:
            instruments.ended(
                watch.tool, watch.facts, watch.status, watch.code, watch.outcome, seconds, tokens
            )
        if span.is_recording():
            span.set_attributes(_attributes(watch, tokens, names=self._names))
        if logging_it:
            log.info("call", extra={"facts": _line(watch, seconds, span)})


def _attributes(watch: Watch, tokens: int, *, names: bool) -> dict[str, Any]:
    facts = watch.facts
    told: dict[str, Any] = {
        "status": watch.status,
        "outcome": watch.outcome,
        "code": watch.code,
        "decision": facts.decision,
        "rule": facts.rule,
        "approval": facts.approval,
        "transport": watch.transport,
        "era": watch.era,
        "role": watch.role,
        "principal": watch.principal if names else "",
        "tokens_out": tokens,
        "upstream.requests": len(facts.trips),
        "upstream.retries": facts.retries,
        "upstream.duration_ms": facts.upstream_ms,
    }
    if (status := facts.upstream_status) is not None:
        told["upstream.status_code"] = status
    return {f"texml_mcp.{name}": value for name, value in told.items() if value != ""}


def _line(watch: Watch, seconds: float, span: Span) -> dict[str, Any]:
    facts, where = watch.facts, span.get_span_context()
    line = {
        "tool": watch.tool,
        "status": watch.status,
        "code": watch.code,
        "decision": facts.decision,
        "approval": facts.approval,
        "outcome": watch.outcome,
        "upstream_status": facts.upstream_status,
        "upstream_ms": facts.upstream_ms if facts.trips else None,
        "ms": round(seconds * 1000, 1),
        "trace_id": format(where.trace_id, "032x") if where.is_valid else None,
    }
    return {name: value for name, value in line.items() if value not in ("", None)}
