"""What telemetry recorded: spans and metrics of this process, and a collector for those of another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind


@dataclass
class Seen:
    """The spans and metrics of this process."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those of the server: its clients' own are in the same process."""
        return [
            span
            for span in self.exporter.get_finished_spans()
            if span.kind is SpanKind.SERVER
            or (span.instrumentation_scope and span.instrumentation_scope.name == "texml_mcp")
        ]

    def calls(self, tool: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == f"tools/call {tool}"]

    def call(self, tool: str) -> dict[str, Any]:
        """The attributes of the last call of a tool."""
        return dict(self.calls(tool)[-1].attributes or {})

    def requests(self) -> list[ReadableSpan]:
        return [span for span in self.spans if span.kind is SpanKind.CLIENT]

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """The labels and the value (of a histogram: the count) of each series of a metric."""
        found: list[tuple[dict[str, Any], Any]] = []
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        found += [
                            (
                                dict(point.attributes or {}),
                                getattr(point, "value", getattr(point, "count", None)),
                            )
                            for point in metric.data.data_points
                        ]
        return found


@dataclass
class Collector:
    """An OTLP collector on loopback: all that processes sent to it, in words."""

    url: str = ""
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(str(each) for each in [*self.traces, *self.metrics])

    def spans(self) -> list[Any]:
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens while the block runs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kinds: dict[str, tuple[Callable[[], Any], list[Any]]] = {
                "/v1/traces": (ExportTraceServiceRequest, collector.traces),
                "/v1/metrics": (ExportMetricsServiceRequest, collector.metrics),
            }
            kind, kept = kinds[self.path]
            message = kind()
            message.ParseFromString(body)
            kept.append(message)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
