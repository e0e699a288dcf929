"""Spans, metrics and log lines of each kind of call, through real clients of both eras."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.client.loopback import Reply, answer, loopback
from tests.e2e.conftest import YES, Counting, answering, story
from tests.server.watching import Seen
from texml_mcp.catalog import endpoint
from texml_mcp.client import Upstream
from texml_mcp.gate.external import Queue
from texml_mcp.gate.state import State
from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.default_world import MAIN_APPLICATION
from texml_mcp.sandbox.faults import arm
from texml_mcp.server.app import build_server
from texml_mcp.server.services import build_services, build_state
from texml_mcp.server.telemetry.approvals import waiting
from texml_mcp.server.telemetry.calls import Telemetry
from texml_mcp.settings import load

pytestmark = pytest.mark.anyio

NUMBER = "+13125550142"
CALL = {"To": NUMBER, "From": "+13125550100", "ApplicationSid": MAIN_APPLICATION}
Watched = Callable[..., AbstractAsyncContextManager[tuple[Client, Seen]]]


@pytest.fixture(scope="module")
def exporter() -> Iterator[InMemorySpanExporter]:
    """The SDK takes the provider of the process, which can be set once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def seen(exporter: InMemorySpanExporter) -> Seen:
    exporter.clear()
    return Seen(exporter, InMemoryMetricReader())


@pytest.fixture
def watched(seen: Seen, network: Counting, era: str) -> Watched:
    """A client of a server whose telemetry is kept, on the counting sandbox."""

    @contextlib.asynccontextmanager
    async def connected(
        *, transport: Any = None, client: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[tuple[Client, Seen]]:
        provider = MeterProvider([seen.reader], shutdown_on_exit=False)
        settings = load(sandbox=True, **options)
        state = build_state(settings)
        services = build_services(settings, state)
        services.upstream._transport = transport or network  # pyright: ignore[reportPrivateUsage]
        telemetry = Telemetry(
            provider.get_meter("texml_mcp"), waiting=waiting(state), names=settings.trace_principals
        )
        server = build_server(services, sandbox=True, telemetry=telemetry)
        async with Client(server, mode=era, **(client or {})) as connection:
            yield connection, seen
        provider.shutdown()

    return connected


def ours(attributes: dict[str, Any]) -> dict[str, Any]:
    prefix = "texml_mcp."
    return {name[len(prefix) :]: value for name, value in attributes.items() if name.startswith(prefix)}


async def test_a_read_is_told_with_its_request(watched: Watched, era: str) -> None:
    async with watched() as (client, seen):
        await client.call_tool("list_calls", {"To": NUMBER})
        told = ours(seen.call("list_calls"))
        assert told.pop("upstream.duration_ms") > 0
        assert told.pop("tokens_out") > 20
        assert told == {
            "status": "ok",
            "outcome": "ok",
            "decision": "allow",
            "rule": "default",
            "transport": "stdio",
            "era": "legacy" if era == "legacy" else "modern",
            "upstream.requests": 1,
            "upstream.retries": 0,
            "upstream.status_code": 200,
        }
        (request,) = seen.requests()
        assert request.name == "GET /texml/Accounts/{account_sid}/Calls"
        assert dict(request.attributes or {}) == {
            "http.request.method": "GET",
            "url.template": "/texml/Accounts/{account_sid}/Calls",
            "server.address": "sandbox.invalid",
            "server.port": 80,
            "http.response.status_code": 200,
        }
        (call,) = seen.calls("list_calls")
        assert request.parent is not None
        assert request.parent.span_id == call.context.span_id
        labels = {
            "tool": "list_calls",
            "status": "ok",
            "decision": "allow",
            "approval": "none",
            "outcome": "ok",
        }
        assert seen.points("texml_mcp.calls") == [(labels, 1)]
        assert seen.points("texml_mcp.call.duration") == [({"tool": "list_calls", "status": "ok"}, 1)]
        assert seen.points("texml_mcp.tokens_out") == [({"tool": "list_calls"}, 1)]
        upstream = seen.points("texml_mcp.upstream.duration")
        assert upstream == [({"endpoint": "list_calls", "status": "2xx"}, 1)]


@pytest.mark.parametrize("era", ["legacy"])
async def test_the_trace_of_a_client_goes_on(watched: Watched) -> None:
    async with watched() as (client, seen):
        with trace.get_tracer("test").start_as_current_span("a shift") as shift:
            await client.call_tool("list_queues", {})
        (call,) = seen.calls("list_queues")
        assert call.parent is not None
        assert call.context.trace_id == shift.get_span_context().trace_id
        assert seen.requests()[0].context.trace_id == call.context.trace_id


async def test_a_call_by_token_is_two_calls_and_one_approval(watched: Watched) -> None:
    async with watched(confirm="token") as (client, seen):
        asked = story(await client.call_tool("create_call", CALL))
        await client.call_tool("create_call", CALL | {"confirm_token": asked["confirm_token"]})
        first, second = (ours(dict(span.attributes or {})) for span in seen.calls("create_call"))
        assert (first["status"], first["outcome"]) == ("confirmation_required", "not_sent")
        assert "approval" not in first
        assert (second["status"], second["outcome"], second["approval"]) == ("ok", "ok", "token")
        assert (second["decision"], second["upstream.status_code"]) == ("confirm", 200)
        assert second["rule"]
        counted = {
            (point["status"], point["decision"], point["approval"], point["outcome"]): value
            for point, value in seen.points("texml_mcp.calls")
        }
        assert counted == {
            ("confirmation_required", "confirm", "none", "not_sent"): 1,
            ("ok", "confirm", "token", "ok"): 1,
        }


async def test_a_form_is_told_as_such_and_the_call_counts_as_running_meanwhile(
    watched: Watched, era: str, seen: Seen
) -> None:
    running: list[Any] = []

    async def answers(*_: Any) -> Any:
        running.append(seen.points("texml_mcp.calls.running")[0][1])
        return YES

    async with watched(client={"elicitation_callback": answers}) as (client, _):
        assert story(await client.call_tool("create_call", CALL))["status"] == "ok"
        told = [ours(dict(span.attributes or {})) for span in seen.calls("create_call")]
        assert told[-1]["approval"] == "form"
        assert [each["status"] for each in told] == (["ok"] if era == "legacy" else ["input_required", "ok"])
        # A modern client is asked between two calls.
        assert running == [1 if era == "legacy" else 0]
        assert seen.points("texml_mcp.calls.running") == [({}, 0)]


async def test_a_denial_names_its_rule(watched: Watched, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    rule = 'name = "no-queues"\naction = "deny"\ntools = ["create_queue"]\n'
    policy.write_text(f"version = 1\n[[rules]]\n{rule}")
    async with watched(policy=str(policy)) as (client, seen):
        await client.call_tool("create_queue", {"FriendlyName": "a"})
        told = ours(seen.call("create_queue"))
        assert (told["status"], told["decision"], told["outcome"]) == ("denied", "deny", "not_sent")
        assert (told["code"], told["rule"]) == ("policy_denied", "rules.no-queues")
        assert told["upstream.requests"] == 0
        assert seen.calls("create_queue")[-1].status.status_code is StatusCode.ERROR


async def test_a_lost_answer_is_an_unknown_outcome(watched: Watched, worlds: Worlds) -> None:
    arm(worlds.of("sandbox"), {"operation": "create_queue", "kind": "lost_response"})
    async with watched() as (client, seen):
        result = story(await client.call_tool("create_queue", {"FriendlyName": "a"}))
        assert result["outcome"] == "unknown"
        told = ours(seen.call("create_queue"))
        assert (told["status"], told["outcome"], told["code"]) == ("error", "unknown", result["code"])
        assert "upstream.status_code" not in told
        request = seen.requests()[-1]
        assert request.status.status_code is StatusCode.ERROR
        assert (request.attributes or {})["error.type"] == result["code"]
        upstream = seen.points("texml_mcp.upstream.duration")
        assert ({"endpoint": "create_queue", "status": "none"}, 1) in upstream


async def test_a_retry_is_a_request_of_its_own(watched: Watched, worlds: Worlds) -> None:
    arm(worlds.of("sandbox"), {"operation": "list_queues", "kind": "status", "status": 503})
    async with watched() as (client, seen):
        assert story(await client.call_tool("list_queues", {}))["status"] == "ok"
        told = ours(seen.call("list_queues"))
        assert (told["upstream.requests"], told["upstream.retries"]) == (2, 1)
        assert told["upstream.status_code"] == 200
        first, second = (dict(span.attributes or {}) for span in seen.requests())
        assert (first["http.response.status_code"], first["error.type"]) == (503, "upstream_failed")
        assert (second["http.response.status_code"], second["http.request.resend_count"]) == (200, 1)


async def test_who_comes_too_fast_is_counted_apart(watched: Watched, worlds: Worlds) -> None:
    async with watched(rate_per_minute=1) as (client, seen):
        for _ in range(6):
            await client.call_tool("validate_texml", {"Texml": "<Response/>"})
        told = ours(seen.call("validate_texml"))
        assert (told["status"], told["code"], told["outcome"]) == ("error", "too_many_calls", "not_sent")
        assert seen.points("texml_mcp.rate_limited") == [({"by": "principal"}, 1)]


async def test_an_api_that_is_asked_too_often_is_counted_apart(watched: Watched, worlds: Worlds) -> None:
    arm(
        worlds.of("sandbox"),
        {"operation": "create_queue", "kind": "rate_limited", "retry_after_seconds": 9},
    )
    async with watched() as (client, seen):
        await client.call_tool("create_queue", {"FriendlyName": "a"})
        told = ours(seen.call("create_queue"))
        assert (told["code"], told["outcome"], told["upstream.status_code"]) == (
            "rate_limited",
            "rejected",
            429,
        )
        assert seen.points("texml_mcp.rate_limited") == [({"by": "upstream"}, 1)]


async def test_a_client_that_cannot_be_asked_in_strict_mode_is_a_denial(watched: Watched) -> None:
    async with watched(confirm="strict") as (client, seen):
        with contextlib.suppress(MCPError):
            await client.call_tool("create_call", CALL)
        told = ours(seen.call("create_call"))
        assert (told["status"], told["code"], told["decision"]) == ("denied", "cannot_ask", "confirm")


async def test_a_write_that_is_given_up_is_unknown(seen: Seen, era: str) -> None:
    async with loopback() as wire:
        wire.will(Reply(b"", "stall"))
        provider = MeterProvider([seen.reader], shutdown_on_exit=False)
        settings = load(api_key="sandbox-test", base_url=wire.base_url, account_sid="acc", confirm="off")
        server = build_server(
            build_services(settings), sandbox=False, telemetry=Telemetry(provider.get_meter("texml_mcp"))
        )
        async with Client(server, mode=era) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "create_queue", {"FriendlyName": "given up"})
                await wire.arrived.wait()
                group.cancel_scope.cancel()
            with anyio.fail_after(5):
                while not seen.calls("create_queue"):
                    await anyio.sleep(0.01)
        told = ours(seen.call("create_queue"))
        assert (told["status"], told["outcome"]) == ("cancelled", "unknown")
        assert (seen.requests()[-1].attributes or {})["error.type"] == "cancelled"
        assert seen.points("texml_mcp.calls.running") == [({}, 0)]


async def test_approvals_that_wait_are_counted_until_somebody_settles_them(
    watched: Watched, tmp_path: Path
) -> None:
    async with watched(confirm="external", state_dir=tmp_path) as (client, seen):
        await client.call_tool("list_calls", {})
        assert seen.points("texml_mcp.approvals.waiting") == [], "nothing is opened only to be counted"
        await client.call_tool("create_call", CALL)
        assert seen.points("texml_mcp.approvals.waiting") == [({}, 1)]
        queue = Queue(State(tmp_path))
        queue.settle(queue.listed()[0].id, "supervisor", approve=True)
        assert seen.points("texml_mcp.approvals.waiting") == [({}, 0)]
        await client.call_tool("create_call", CALL)
        assert ours(seen.call("create_call"))["approval"] == "external"


async def test_what_is_read_behind_a_resource_is_counted_but_is_no_call(watched: Watched) -> None:
    async with watched() as (client, seen):
        sid = story(await client.call_tool("list_calls", {"limit": 1}))["items"][0]["sid"]
        await client.read_resource(f"texml://calls/{sid}")
        endpoints = {point["endpoint"] for point, _ in seen.points("texml_mcp.upstream.duration")}
        assert "get_call" in endpoints
        assert {point["tool"] for point, _ in seen.points("texml_mcp.calls")} == {"list_calls"}


async def test_a_name_that_a_client_made_up_is_nowhere(watched: Watched) -> None:
    async with watched() as (client, seen):
        for attempt in (
            client.call_tool(NUMBER, {}),
            client.get_prompt(NUMBER),
            client.read_resource(f"texml://calls/{NUMBER}"),
        ):
            with pytest.raises(MCPError, match=r"."):
                await attempt
        assert NUMBER[1:] not in "".join(span.to_json() for span in seen.spans)
        assert ours(seen.call("unknown"))["status"] == "protocol_error"
        assert seen.points("texml_mcp.calls")[0][0]["tool"] == "unknown"
        assert any(span.name == "prompts/get unknown" for span in seen.spans)


async def test_a_client_still_reads_why_its_call_was_refused(watched: Watched) -> None:
    async with watched() as (client, _):
        with pytest.raises(MCPError, match="Did you mean create_call"):
            await client.call_tool("create_cal", {})


@pytest.mark.parametrize("era", ["legacy"])
async def test_what_a_client_says_in_refusing_to_ask_is_not_recorded(watched: Watched, seen: Seen) -> None:
    person = answering(RuntimeError(f"nobody at {NUMBER}"))
    async with watched(client=person) as (client, _):
        await client.call_tool("create_call", CALL)
        assert person["elicitation_callback"].asked
        assert NUMBER[1:] not in "".join(span.to_json() for span in seen.exporter.get_finished_spans())


@pytest.mark.parametrize("named", [False, True])
async def test_the_principal_is_named_only_on_request(watched: Watched, named: bool) -> None:
    async with watched(principal="nightshift", trace_principals=named) as (client, seen):
        await client.call_tool("list_queues", {})
        assert ours(seen.call("list_queues")).get("principal") == ("nightshift" if named else None)
        assert ("nightshift" in "".join(span.to_json() for span in seen.spans)) is named


async def test_a_generic_instrumentation_of_httpx_learns_no_url(seen: Seen) -> None:
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument()
    try:
        async with loopback() as wire:
            wire.will(answer(200, {"calls": []}))
            async with httpx.AsyncClient(trust_env=False) as other:
                await other.get(f"{wire.base_url}/elsewhere?To=13125550142")
            assert "13125550142" in "".join(each.to_json() for each in seen.exporter.get_finished_spans())
            assert "traceparent" in wire.received[-1].headers
            seen.exporter.clear()
            upstream = Upstream("sandbox", base_url=wire.base_url)
            with trace.get_tracer("test").start_as_current_span("a call"):
                await upstream.send(endpoint("list_calls"), {"account_sid": "acc", "To": NUMBER})
            await upstream.aclose()
            assert b"13125550142" in wire.received[-1].target
            assert "traceparent" not in wire.received[-1].headers
            spans = seen.exporter.get_finished_spans()
            assert [span.name for span in spans] == ["GET /texml/Accounts/{account_sid}/Calls", "a call"]
            assert "13125550142" not in "".join(each.to_json() for each in spans)
    finally:
        instrumentor.uninstrument()


async def test_each_call_is_one_line_in_the_log(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "texml_mcp.calls")
    async with watched(confirm="token") as (client, seen):
        await client.call_tool("create_call", CALL)
        (line,) = (vars(each)["facts"] for each in caplog.records if "facts" in vars(each))
        (call,) = seen.calls("create_call")
        assert line.pop("ms") > 0
        assert line.pop("upstream_ms", 0) >= 0
        line.pop("upstream_status", None)
        assert line == {
            "tool": "create_call",
            "status": "confirmation_required",
            "decision": "confirm",
            "outcome": "not_sent",
            "trace_id": format(call.context.trace_id, "032x"),
        }
