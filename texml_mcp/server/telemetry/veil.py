"""The SDK's spans, without what a client wrote.

The SDK names a span after the tool that was asked for, and describes a failure in the words of its
error. Both can be a phone number: a tool that does not exist, a call that is not found. So the SDK's
middleware sees each request with only the names that this server knows, and each error without words.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.methods import SPEC_CLIENT_METHODS, SPEC_CLIENT_NOTIFICATION_METHODS
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from pydantic import ValidationError

Context = ServerRequestContext[Any, Any]

_METHODS = SPEC_CLIENT_METHODS | SPEC_CLIENT_NOTIFICATION_METHODS
_UNKNOWN = "unknown"


class FailedError(Exception):
    """An error of which only the kind is told."""


class Veiled(ServerMiddleware[Any]):
    """The SDK's tracing middleware behind a veil. `tools` are those that this server offers."""

    def __init__(self, tracing: ServerMiddleware[Any], tools: Collection[str]) -> None:
        self._tracing = tracing
        self._tools = tools

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            # Nobody records anything; only a trace that the client named is passed on, to the log.
            traced = ctx.meta is not None and "traceparent" in ctx.meta
            return await (self._tracing(ctx, call_next) if traced else call_next(ctx))
        caught: list[Exception] = []

        async def behind(_: Context) -> HandlerResult:
            try:
                return await call_next(ctx)
            except ValidationError:
                raise  # of this the SDK tells no words
            except MCPError as error:
                caught.append(error)
                raise MCPError(error.error.code, "refused") from None
            except Exception as error:
                caught.append(error)
                raise FailedError(type(error).__name__) from None

        try:
            return await self._tracing(self._shown(ctx), behind)
        except Exception:
            if not caught:
                raise
        raise caught[0]

    def _shown(self, ctx: Context) -> Context:
        name = (ctx.params or {}).get("name")
        return replace(
            ctx,
            method=ctx.method if ctx.method in _METHODS else _UNKNOWN,
            params=None if name is None else {"name": name if self._knows(ctx.method, name) else _UNKNOWN},
            request_id=ctx.request_id if isinstance(ctx.request_id, int) else None,
        )

    def _knows(self, method: str, name: Any) -> bool:
        if method == "prompts/get":
            from texml_mcp.server.prompts import PROMPTS

            return any(name == prompt.name for prompt in PROMPTS)
        return method == "tools/call" and isinstance(name, str) and name in self._tools


@contextmanager
def unrecorded() -> Generator[None]:
    """While a client is asked: the SDK would record the words with which a client refuses."""
    here = trace.get_current_span()
    if not here.is_recording():
        yield
        return
    seen = here.get_span_context()
    dropped = SpanContext(seen.trace_id, seen.span_id, False, TraceFlags(TraceFlags.DEFAULT))
    with trace.use_span(NonRecordingSpan(dropped)):
        yield
