"""A span around each request to the API, and a note of it among the facts of the call.

The span has the endpoint's path template, never a URL: paths hold call SIDs, queries phone numbers.
Without an OpenTelemetry SDK in the process the span is nothing at all.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from texml_mcp import __version__
from texml_mcp.catalog.model import Endpoint
from texml_mcp.client.errors import UpstreamError
from texml_mcp.facts import Trip, running

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from texml_mcp.client.upstream import Answer


@cache
def _tracer() -> Tracer:
    from opentelemetry import trace

    return trace.get_tracer("texml_mcp", __version__)


async def traced(
    endpoint: Endpoint, base_url: str, attempt: int, send: Callable[[], Awaitable[Answer]]
) -> Answer:
    """What `send` answers or raises. `attempt` counts from 1."""
    from opentelemetry import trace

    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return await _noted(endpoint, attempt, send)  # nobody records anything
    from opentelemetry import context

    span = _tracer().start_span(f"{endpoint.method} {endpoint.path}", kind=trace.SpanKind.CLIENT)
    # A generic instrumentation of httpx would record the whole URL, and send trace headers to the API.
    quiet = context.set_value(
        context._SUPPRESS_HTTP_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] - has no public name
        True,
        trace.set_span_in_context(span),
    )
    attached = context.attach(quiet)
    status: int | None = None
    error_type = "cancelled"
    try:
        answer = await _noted(endpoint, attempt, send)
        status, error_type = answer.status, ""
        return answer
    except UpstreamError as error:
        status, error_type = error.status, error.code.value
        raise
    finally:
        context.detach(attached)
        if span.is_recording():
            _describe(span, endpoint, base_url, attempt, status, error_type)
        span.end()


async def _noted(endpoint: Endpoint, attempt: int, send: Callable[[], Awaitable[Answer]]) -> Answer:
    """What `send` answers or raises, noted among the facts of the call that runs, if one does."""
    facts = running.get()
    if facts is None:
        return await send()
    started = time.perf_counter()
    status: int | None = None
    try:
        answer = await send()
        status = answer.status
        return answer
    except UpstreamError as error:
        status = error.status
        raise
    finally:
        facts.trips.append(Trip(endpoint.id, status, time.perf_counter() - started, attempt > 1))


def _describe(
    span: Span, endpoint: Endpoint, base_url: str, attempt: int, status: int | None, error_type: str
) -> None:
    """The attributes of OpenTelemetry's conventions for HTTP clients, without the URL."""
    from opentelemetry.trace import StatusCode

    where = urlsplit(base_url)
    attributes: dict[str, Any] = {
        "http.request.method": endpoint.method,
        "url.template": endpoint.path,
        "server.address": where.hostname or "",
        "server.port": where.port or (80 if where.scheme == "http" else 443),
    }
    if status is not None:
        attributes["http.response.status_code"] = status
    if attempt > 1:
        attributes["http.request.resend_count"] = attempt - 1
    if error_type:
        attributes["error.type"] = error_type
        span.set_status(StatusCode.ERROR)
    span.set_attributes(attributes)
