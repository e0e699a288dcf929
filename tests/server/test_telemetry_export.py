"""Telemetry as it leaves the process: to a collector, to `/metrics`, to the log; never a word of a call."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import ResourceTemplateReference

from tests.client.loopback import closed_port
from tests.contract.conftest import serving as sandbox_on_a_port
from tests.e2e.conftest import ERAS, story
from tests.http.service import Service, serving, token_for
from tests.lengths import few
from tests.server.watching import Collector, collecting
from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.default_world import MAIN_APPLICATION
from texml_mcp.sandbox.faults import arm
from texml_mcp.server.services import SANDBOX_ACCOUNT

pytestmark = pytest.mark.anyio

KEY = "sandbox-CANARYkey7Zx"
NUMBER, CALLER = "3125550142", "3125550117"
SAID = "CANARYsaid7Zx"
NAME = "CANARYname7Zx"
SECRET = "CANARYsecret7Zx"
PASSWORD = "CANARYsip7Zx"
WHO = "Canary-who7Zx"
MADE_UP = "CANARYmadeup7Zx"

DIAL = {"To": f"+1{NUMBER}", "From": f"+1{CALLER}", "ApplicationSid": MAIN_APPLICATION}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


async def approved(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The result of a write by the token step, and the token."""
    asked = story(await client.call_tool(tool, arguments))
    token = str(asked["confirm_token"])
    return story(await client.call_tool(tool, arguments | {"confirm_token": token})), token


async def a_day_of_calls(client: Client, worlds: Worlds) -> set[str]:
    """Calls of every kind that hold something which is nobody's business; what that was."""
    private: set[str] = set()
    await client.call_tool("list_calls", {"To": f"+1{NUMBER}"})
    placed, token = await approved(
        client,
        "create_call",
        DIAL
        | {
            "Texml": f"<Response><Say>{SAID}</Say></Response>",
            "CallerId": NAME,
            "SipAuthUsername": "desk",
            "SipAuthPassword": PASSWORD,
        },
    )
    assert placed["status"] == "ok"
    private |= {token, placed["data"]["sid"].split(":")[-1]}
    await client.call_tool("get_call", {"call_sid": placed["data"]["sid"]})
    await client.read_resource(f"texml://calls/{placed['data']['sid']}")
    stored, _ = await approved(client, "create_secret", {"name": "pin", "value": SECRET})
    assert stored["status"] == "ok"
    heard = story(await client.call_tool("list_transcriptions", {"detail": "full"}))["items"]
    private |= {each["transcription_text"][:40] for each in heard if each.get("transcription_text")}
    arm(worlds.of(KEY), {"operation": "create_queue", "kind": "lost_response"})
    lost = story(await client.call_tool("create_queue", {"FriendlyName": f"{NAME} {time.time_ns()}"}))
    assert lost["outcome"] == "unknown"
    for tool, arguments in (
        ("get_call", {"call_sid": MADE_UP}),
        ("create_call", DIAL | {"To": f"{MADE_UP} +1{NUMBER}"}),
        ("create_call", DIAL | {MADE_UP: NUMBER}),
        ("create_call", DIAL | {"Texml": f"<Response><{MADE_UP}>{SAID}</Response>"}),
        ("update_call", {"call_sid": MADE_UP, "Status": "completed"}),
        ("validate_texml", {"Texml": f"<Response><Dial>+1{NUMBER}</Dial></Response>"}),
    ):
        await client.call_tool(tool, arguments)
    for attempt in (
        client.call_tool(f"{MADE_UP} +1{NUMBER}", {}),
        client.get_prompt(MADE_UP),
        client.read_resource(f"texml://calls/{MADE_UP}"),
    ):
        with pytest.raises(MCPError):
            await attempt
    with contextlib.suppress(MCPError):
        await client.complete(
            ResourceTemplateReference(uri="texml://calls/{call_sid}"),
            {"name": "call_sid", "value": MADE_UP},
        )
    return private


def settings_of(collector: Collector, url: str) -> dict[str, str]:
    return {
        "TELNYX_API_KEY": KEY,
        "TELNYX_ACCOUNT_SID": SANDBOX_ACCOUNT,
        "TEXML_MCP_BASE_URL": url,
        "TEXML_MCP_LOG_FORMAT": "json",
        "TEXML_MCP_LOG_LEVEL": "debug",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }


def facts_in(log: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["logger"] == "texml_mcp.calls"]


@pytest.mark.parametrize("era", few(ERAS, 1))
async def test_nothing_private_leaves_a_service(tmp_path: Path, era: str, collector: Collector) -> None:
    worlds, tokens = Worlds(), tmp_path / "tokens.toml"
    token = token_for(tokens, WHO, "operator")
    flags = ("--tokens-file", str(tokens), "--metrics", "--state-dir", str(tmp_path / "state"))
    with (
        sandbox_on_a_port(worlds) as url,
        serving(tmp_path / "log", *flags, **settings_of(collector, url)) as service,
    ):
        async with service.client(era, token) as client:
            private = await a_day_of_calls(client, worlds)
        with httpx.Client(trust_env=False) as other:
            page = other.get(f"{service.url}/metrics", headers={"authorization": f"Bearer {token}"}).text
        assert service.stop() == 0
    log = service.logged()

    private |= {KEY, NUMBER, CALLER, SAID, NAME, SECRET, PASSWORD, WHO, MADE_UP, token}
    assert len(private) > 12
    for where in (collector.text, page, log):
        assert [each for each in private if each.lower() in where.lower()] == []

    # And yet it is all told.
    spans: dict[str, set[str]] = {}
    for span in collector.spans():
        spans.setdefault(span.name, set()).update(each.key for each in span.attributes)
    assert {"texml_mcp.decision", "texml_mcp.approval", "texml_mcp.role"} <= spans["tools/call create_call"]
    assert "url.template" in spans["POST /texml/Accounts/{account_sid}/Calls"]
    assert {"tools/call unknown", "prompts/get unknown", "resources/read"} <= set(spans)
    assert collector.metrics
    assert 'texml_mcp_calls_total{approval="token"' in page
    placed = next(line for line in facts_in(log) if line["tool"] == "create_call" and line["status"] == "ok")
    assert placed["decision"] == "confirm"
    assert placed["upstream_status"] == 200
    assert placed["trace_id"] in {span.trace_id.hex() for span in collector.spans()}


@pytest.mark.parametrize("era", few(ERAS, 1))
async def test_over_stdio_the_rest_is_sent_when_the_client_leaves(
    tmp_path: Path, era: str, collector: Collector
) -> None:
    worlds, log = Worlds(), tmp_path / "log"
    with sandbox_on_a_port(worlds) as url, log.open("w") as errors:
        started = StdioServerParameters(
            command=sys.executable,
            args=["-m", "texml_mcp", "serve"],
            env=settings_of(collector, url)
            | {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"},
        )
        async with Client(stdio_client(started, errlog=errors), mode=era) as client:
            private = await a_day_of_calls(client, worlds)
    names = {span.name for span in collector.spans()}
    assert {"tools/call create_call", "POST /texml/Accounts/{account_sid}/Calls"} <= names
    assert '"texml-mcp"' in collector.text
    assert "deployment.environment.name" in collector.text
    assert "texml_mcp.upstream.duration" in collector.text
    private |= {KEY, NUMBER, CALLER, SAID, NAME, SECRET, PASSWORD, MADE_UP}
    for where in (collector.text, log.read_text()):
        assert [each for each in private if each.lower() in where.lower()] == []


def get(service: Service, token: str = "", **headers: str) -> httpx.Response:
    if token:
        headers["authorization"] = f"Bearer {token}"
    with httpx.Client(trust_env=False) as client:
        return client.get(f"{service.url}/metrics", headers=headers)


async def test_metrics_are_read_behind_the_fences(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--sandbox", "--metrics") as service:
        async with service.client() as client:
            await client.call_tool("list_queues", {})
        page = get(service)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/plain")
        assert 'texml_mcp_calls_total{approval="none",decision="allow",outcome="ok"' in page.text
        assert (
            'texml_mcp_upstream_duration_seconds_count{endpoint="list_queues",status="2xx"} 1.0' in page.text
        )
        assert get(service, host="evil.example").status_code == 421
        assert get(service, origin="https://evil.example").status_code == 403


@pytest.mark.long
@pytest.mark.parametrize("era", few(ERAS, 1))
async def test_a_full_server_is_seen_on_the_page(tmp_path: Path, era: str) -> None:
    with serving(tmp_path / "log", "--sandbox", "--metrics", "--concurrency", "1") as service:
        async with service.client(era) as client, anyio.create_task_group() as group:
            found = story(await client.call_tool("list_calls", {"limit": 100}))["items"]
            live = next(each["sid"] for each in found if each["status"] == "in-progress")
            waiting = {"call_sid": live, "wait_for": "ended", "max_wait_seconds": 3}
            group.start_soon(client.call_tool, "get_call", waiting)
            with anyio.fail_after(10):
                while "texml_mcp_calls_running 1.0" not in get(service).text:
                    await anyio.sleep(0.02)
            refused = story(await client.call_tool("list_queues", {}))
        assert refused["code"] == "busy"
        page = get(service).text
        assert 'texml_mcp_rate_limited_total{by="server"} 1.0' in page
        assert "texml_mcp_calls_running 0.0" in page


async def test_with_identities_metrics_want_a_token_of_any_role(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.toml"
    token = token_for(tokens, "scraper", "viewer")
    with serving(tmp_path / "log", "--sandbox", "--metrics", "--tokens-file", str(tokens)) as service:
        refused = get(service)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert "texml_mcp" not in refused.text
        assert get(service, "txm_wrong").status_code == 401
        assert get(service, token).status_code == 200


@pytest.mark.long
async def test_without_the_option_there_is_no_page(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--sandbox") as service:
        assert get(service).status_code == 404


def without(package: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`texml-mcp serve` where a package is not installed, with a client that leaves at once."""
    code = (
        f"import sys; sys.modules[{package!r}] = None; from texml_mcp.cli.serve import run; "
        f"sys.exit(run({list(flags)!r}))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )


@pytest.mark.long
def test_a_missing_extra_is_named_before_anything_starts() -> None:
    done = without("prometheus_client", "--sandbox", "--http", "--port", "0", "--metrics")
    assert done.returncode == 2
    assert "pip install 'texml-mcp[prometheus]'" in done.stderr
    assert "serving on" not in done.stderr


@pytest.mark.parametrize(
    ("package", "environment", "said"),
    few(
        [
            ("opentelemetry.exporter", {}, "texml-mcp[otlp]"),
            ("nothing", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "only http/protobuf"),
            (
                "nothing",
                {"OTEL_METRIC_EXPORT_INTERVAL": "0"},
                "no metrics are exported: OpenTelemetry refuses",
            ),
            (
                "nothing",
                {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
                "no spans are exported: OpenTelemetry refuses",
            ),
        ],
        1,
    ),
)
def test_a_collector_that_cannot_be_spoken_to_is_said_and_serves_all_the_same(
    package: str, environment: dict[str, str], said: str, collector: Collector
) -> None:
    done = without(package, "--sandbox", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **environment)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    "environment",
    few(
        [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}],
        1,
    ),
)
async def test_telemetry_can_be_switched_off_by_the_standard_variables(
    environment: dict[str, str], collector: Collector
) -> None:
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "texml_mcp", "serve", "--sandbox"],
        env=environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url},
    )
    async with Client(stdio_client(started)) as client:
        await client.call_tool("list_queues", {})
    assert collector.traces == collector.metrics == []


@pytest.mark.parametrize("format", ["text", "json"])
def test_an_exception_is_logged_without_its_words(format: str) -> None:
    code = f"""
import logging
from texml_mcp.server.logs import configure
configure("info", {format!r})
try:
    try:
        {{}}["+1{NUMBER}"]
    except KeyError as missing:
        raise ExceptionGroup("+1{NUMBER}", [ValueError("+1{NUMBER}")]) from missing
except Exception:
    logging.getLogger("x").exception("it failed")
"""
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=True)
    assert NUMBER not in done.stderr
    for told in ("it failed", "KeyError", "ValueError", "ExceptionGroup", "line 7"):
        assert told in done.stderr


@pytest.mark.long
async def test_a_process_that_has_a_provider_keeps_it(collector: Collector) -> None:
    code = """
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
from texml_mcp.cli.serve import run
run(["--sandbox"])
"""
    started = StdioServerParameters(
        command=sys.executable, args=["-c", code], env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    )
    async with Client(stdio_client(started)) as client:
        await client.call_tool("list_queues", {})
    names = [span.name for span in collector.spans()]
    assert names.count("tools/call list_queues") == 1
    assert names.count("GET /texml/Accounts/{account_sid}/Queues") == 1
    assert "texml_mcp.call.duration" in collector.text


@pytest.mark.long
async def test_a_collector_that_is_gone_holds_nothing_up(tmp_path: Path) -> None:
    gone = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{closed_port()}"}
    with serving(tmp_path / "log", "--sandbox", **gone) as service:
        async with service.client() as client:
            for _ in range(5):
                assert story(await client.call_tool("list_queues", {}))["status"] == "ok"
        with anyio.fail_after(30):
            assert await anyio.to_thread.run_sync(service.stop) == 0
