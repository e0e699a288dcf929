"""Where telemetry goes: to a collector over OTLP, as the standard variables say, and to `/metrics`.

A process that has OpenTelemetry set up already (`opentelemetry-instrument`) keeps what it has.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from texml_mcp import __version__
from texml_mcp.settings import SettingsError
from texml_mcp.text import clean

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from prometheus_client import CollectorRegistry

log = logging.getLogger(__name__)

STOP_SECONDS = 3.0
"""How long a stop waits for what is left to be sent: a collector that is gone must not hold it up, nor must
draining calls and this together take the 30 s after which orchestrators kill."""


@dataclass(slots=True)
class Exporting:
    """What was set up. `meter` is None where the process's own is used, `registry` without `/metrics`."""

    meter: Meter | None = None
    registry: CollectorRegistry | None = None
    _closing: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])

    def closes(self, close: Callable[[], object]) -> None:
        """Have `close` called at the stop."""
        self._closing.append(close)

    def stop(self) -> None:
        """Send what is left, for as long as `STOP_SECONDS`."""
        until = time.monotonic() + STOP_SECONDS
        workers = [threading.Thread(target=close, daemon=True) for close in self._closing]
        self._closing.clear()
        for each in workers:
            each.start()
        for each in workers:
            each.join(max(0.0, until - time.monotonic()))


def begin(*, page: bool, environment: Mapping[str, str] = os.environ) -> Exporting:
    """Set up what is asked for; nothing is imported when nothing is. `page` is for `/metrics`.

    Raises `SettingsError` when the page cannot be served.
    """
    traces, metrics = _wanted(environment, "TRACES"), _wanted(environment, "METRICS")
    made = Exporting()
    if (traces or metrics) and not _can_export(environment):
        traces = metrics = False
    if traces:
        with _forgiven("spans"):
            _export_spans(made, environment)
    readers = [_page_reader(made)] if page else []
    if metrics:
        with _forgiven("metrics"):
            readers.append(_otlp_reader())
    if readers:
        _measure(made, readers, environment)
    return made


@contextmanager
def _forgiven(what: str) -> Generator[None]:
    """What a standard variable spoils is not exported; calls are served all the same."""
    try:
        yield
    except ValueError as error:
        log.warning(
            "no %s are exported: OpenTelemetry refuses its OTEL_ variables: %s", what, clean(str(error))
        )


def _wanted(environment: Mapping[str, str], signal: str) -> bool:
    """Whether the standard variables name a collector for this signal."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get(f"OTEL_{signal}_EXPORTER", "otlp").strip().lower() != "otlp":
        return False
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return any(environment.get(name, "").strip() for name in names)


def _can_export(environment: Mapping[str, str]) -> bool:
    """Whether a collector can be spoken to; if not, the log says why, and calls are served all the same."""
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    if protocol != "http/protobuf":
        log.warning("nothing is exported: of the OTLP protocols only http/protobuf is spoken here")
        return False
    try:
        import_module("opentelemetry.exporter.otlp.proto.http")
    except ImportError:
        log.warning("nothing is exported: a collector is named, which needs texml-mcp[otlp] installed")
        return False
    from opentelemetry import trace

    # Set up by a launcher, which has read the same variables: everything would be sent twice.
    return isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _resource(environment: Mapping[str, str]) -> Resource:
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource

    named = "OTEL_SERVICE_NAME" in environment or SERVICE_NAME in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    # What is given here would win over the environment.
    ours = {SERVICE_VERSION: __version__} | ({} if named else {SERVICE_NAME: "texml-mcp"})
    return Resource.create(ours)


def _export_spans(made: Exporting, environment: Mapping[str, str]) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource(environment), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)  # the SDK of MCP takes the process's own
    made.closes(provider.shutdown)


def _otlp_reader() -> MetricReader:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(OTLPMetricExporter())


def _page_reader(made: Exporting) -> MetricReader:
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from prometheus_client import CollectorRegistry
    except ImportError:
        raise SettingsError(
            "--metrics needs an extra: pip install 'texml-mcp[prometheus]'. Nothing was started."
        ) from None
    # A registry of its own: the common one would add whatever else this process counts.
    made.registry = CollectorRegistry()
    return PrometheusMetricReader(scope_info_enabled=False, registry=made.registry)


def _measure(made: Exporting, readers: list[MetricReader], environment: Mapping[str, str]) -> None:
    from opentelemetry.sdk.metrics import MeterProvider

    provider = MeterProvider(readers, _resource(environment), shutdown_on_exit=False)
    made.meter = provider.get_meter("texml_mcp", __version__)
    made.closes(provider.shutdown)
