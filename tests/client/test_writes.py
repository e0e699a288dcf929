"""A write is sent once, and every way it can fail says whether it may have happened."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.client.conftest import ACCOUNT, KEY, Make, Naps
from tests.client.loopback import Loopback, Reply, answer, closed_port, error
from texml_mcp.catalog import ENDPOINTS, Endpoint, endpoint
from texml_mcp.client import Answer, Upstream, UpstreamError

CREATE = endpoint("create_call")
CALL = {"To": "+12125550100", "From": "+12125550101", "ApplicationSid": "1293384261075731499"}
HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"sid": '
HTML = b"<!doctype html><title>Bad gateway</title>"


async def failing(
    upstream: Upstream, known: Endpoint = CREATE, arguments: dict[str, Any] = CALL
) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(known, arguments, account_sid=ACCOUNT)
    return caught.value


RECEIVED_ONCE: dict[str, tuple[Reply, str, str]] = {
    "closed before an answer": (Reply(), "connection_lost", "unknown"),
    "reset before an answer": (Reply(then="reset"), "connection_lost", "unknown"),
    "garbage": (Reply(b"\x00\x01 what\r\n\r\n"), "connection_lost", "unknown"),
    "cut in the head": (Reply(b"HTTP/1.1 200 O"), "connection_lost", "unknown"),
    "cut in the body": (Reply(HALF), "truncated_answer", "unknown"),
    "reset in the body": (Reply(HALF, "reset"), "truncated_answer", "unknown"),
    "2xx broken JSON": (answer(200, b'{"sid": '), "malformed_answer", "unknown"),
    "2xx NaN": (answer(200, b'{"a": NaN}'), "malformed_answer", "unknown"),
    "2xx not UTF-8": (answer(200, b'{"a": "\xff\xfe"}'), "malformed_answer", "unknown"),
    "2xx nested without end": (answer(200, b"[" * 200_000), "malformed_answer", "unknown"),
    "2xx empty": (answer(200, b""), "malformed_answer", "unknown"),
    "2xx a list": (answer(200, b"[]"), "unexpected_answer", "unknown"),
    "2xx HTML": (answer(200, HTML), "not_json", "unknown"),
    "2xx no gzip": (
        answer(200, b"plain", headers={"Content-Encoding": "gzip"}),
        "malformed_answer",
        "unknown",
    ),
    "too large": (answer(200, b"1" * (9 * 1024 * 1024), then="close"), "answer_too_large", "unknown"),
    "500": (error(500), "upstream_failed", "unknown"),
    "502 HTML": (answer(502, HTML), "upstream_failed", "unknown"),
    "503 with retry-after": (error(503, headers={"Retry-After": "1"}), "upstream_failed", "unknown"),
    "504": (error(504), "upstream_failed", "unknown"),
    "408": (error(408), "refused", "unknown"),
    "302": (answer(302, headers={"Location": "/v2/x"}), "redirected", "unknown"),
    "303": (answer(303, headers={"Location": "/v2/x"}), "redirected", "unknown"),
    "302 to nowhere": (answer(302, headers={"Location": "http://[x"}), "redirected", "unknown"),
    "302 to no port": (answer(302, headers={"Location": "http://x:port/"}), "connection_lost", "unknown"),
    "307": (answer(307, headers={"Location": "/v2/x"}), "redirected", "rejected"),
    "308 elsewhere": (
        answer(308, headers={"Location": "https://elsewhere.example/"}),
        "redirected",
        "rejected",
    ),
    "400": (error(400, "10015"), "bad_request", "rejected"),
    "401": (error(401, "10009"), "authentication_failed", "rejected"),
    "403": (error(403, "10010"), "not_authorized", "rejected"),
    "404": (error(404), "not_found_or_wrong_account", "rejected"),
    "404 10005": (error(404, "10005"), "not_found_or_wrong_account", "rejected"),
    "409": (error(409), "conflict", "rejected"),
    "409 in use": (error(409, "10021"), "resource_in_use", "rejected"),
    "418": (error(418), "refused", "rejected"),
    "422": (error(422), "validation_failed", "rejected"),
    "422 enum": (error(422, "10032", "/Status"), "invalid_enum", "rejected"),
    "422 type": (error(422, "10026", "/To"), "invalid_type", "rejected"),
    "422 missing": (error(422, "10004", "/ApplicationId"), "missing_parameter", "rejected"),
    "422 E.164": (error(422, "10016"), "not_e164", "rejected"),
    "422 digits": (error(422, "90014", "/SendDigits"), "invalid_send_digits", "rejected"),
    "422 call id": (error(422, "90015"), "invalid_id", "rejected"),
    "422 call over": (error(422, "90018"), "call_ended", "rejected"),
    "400 conference over": (error(400, "90019"), "conference_ended", "rejected"),
    "400 on hold": (error(400, "90047"), "participant_on_hold", "rejected"),
    "429": (error(429, "10011", headers={"Retry-After": "7"}), "rate_limited", "rejected"),
}


@pytest.mark.parametrize("name", RECEIVED_ONCE)
async def test_the_server_received_it_exactly_once(
    wire: Loopback, upstream: Upstream, naps: Naps, name: str
) -> None:
    reply, code, outcome = RECEIVED_ONCE[name]
    wire.will(reply)
    failed = await failing(upstream)
    assert (failed.code, failed.outcome) == (code, outcome)
    assert len(wire.received) == 1
    assert failed.attempts == 1
    assert naps == []
    assert "\n" not in failed.summary
    assert len(failed.summary) < 500
    assert ("may have happened" in failed.summary) == (outcome == "unknown")


async def test_a_stalled_answer_is_a_timeout_that_may_have_happened(wire: Loopback, make: Make) -> None:
    wire.will(Reply(then="stall"))
    failed = await failing(make(timeout=0.2))
    assert (failed.code, failed.outcome, len(wire.received)) == ("timeout", "unknown", 1)


async def test_an_answer_that_drips_is_bounded_too(wire: Loopback, make: Make) -> None:
    wire.will(Reply(HALF, "stall"))
    failed = await failing(make(timeout=0.2))
    assert (failed.code, failed.outcome, len(wire.received)) == ("timeout", "unknown", 1)


async def test_a_kept_connection_that_the_server_drops_is_not_written_to_twice(
    wire: Loopback, upstream: Upstream
) -> None:
    wire.will(answer(200, {"sid": "v3:a"}), Reply(), answer(200, {"sid": "v3:b"}))
    await upstream.send(CREATE, CALL, account_sid=ACCOUNT)
    failed = await failing(upstream)
    assert (failed.code, failed.outcome) == ("connection_lost", "unknown")
    assert (wire.connections, len(wire.received)) == (1, 2)


async def test_a_refused_connection_is_tried_again_and_never_left(make: Make, naps: Naps) -> None:
    failed = await failing(make(base_url=f"http://127.0.0.1:{closed_port()}", max_retries=2))
    assert (failed.code, failed.outcome, failed.attempts) == ("connection_refused", "not_sent", 3)
    assert naps == [0.25, 0.5]
    assert "Nothing was sent" in failed.summary


async def test_a_write_that_never_left_goes_through_once_the_server_is_there(make: Make) -> None:
    """The one case in which a write is repeated: the first attempt met a closed port."""
    from tests.client.loopback import Loopback as Server

    port = closed_port()
    late = Server(port=port, replies=[answer(200, {"sid": "v3:a"})])
    servers: list[asyncio.Server] = []

    async def start(_: float) -> None:
        servers.append(await asyncio.start_server(late.serve, "127.0.0.1", port))

    upstream = Upstream(KEY, base_url=f"http://127.0.0.1:{port}", timeout=5, sleep=start, random=lambda: 0.5)
    got = await upstream.send(CREATE, CALL, account_sid=ACCOUNT)
    assert (got.attempts, len(late.received)) == (2, 1)
    await upstream.aclose()
    servers[0].close()


async def test_a_host_that_no_resolver_knows(make: Make) -> None:
    failed = await failing(make(base_url="https://gateway.invalid/v2", max_retries=0))
    assert (failed.code, failed.outcome) == ("dns_failed", "not_sent")


async def test_tls_towards_a_server_without_it(wire: Loopback, make: Make, naps: Naps) -> None:
    wire.will(answer())
    failed = await failing(
        make(base_url=wire.base_url.replace("http:", "https:"), timeout=0.5, max_retries=0)
    )
    assert failed.outcome == "not_sent"
    assert wire.received == []


async def test_no_free_connection_in_time_is_not_sent(wire: Loopback, make: Make) -> None:
    wire.will(Reply(then="stall"))
    upstream = make(timeout=0.3, max_connections=1, max_retries=0)
    first = asyncio.create_task(failing(upstream))
    await wire.arrived.wait()
    second = asyncio.create_task(failing(upstream))
    assert (await first).outcome == "unknown"
    failed = await second
    assert (failed.code, failed.outcome) == ("too_busy", "not_sent")
    assert len(wire.received) == 1


async def test_a_cancelled_write_tells_that_it_had_left(wire: Loopback, upstream: Upstream) -> None:
    wire.will(Reply(then="stall"))
    departures: list[int] = []
    task = asyncio.create_task(
        upstream.send(CREATE, CALL, account_sid=ACCOUNT, on_departure=lambda: departures.append(1))
    )
    await wire.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (len(wire.received), departures) == (1, [1])
    wire.will(answer(200, {"sid": "v3:a"}))
    assert (await upstream.send(CREATE, CALL, account_sid=ACCOUNT)).status == 200


async def test_a_cancelled_connect_had_not_left(make: Make) -> None:
    departures: list[int] = []
    upstream = make(base_url=f"http://127.0.0.1:{closed_port()}", max_retries=0)
    with pytest.raises(UpstreamError):
        await upstream.send(CREATE, CALL, account_sid=ACCOUNT, on_departure=lambda: departures.append(1))
    assert departures == []


@pytest.mark.parametrize("status", [204, 205])
async def test_what_follows_a_204_is_ignored(wire: Loopback, upstream: Upstream, status: int) -> None:
    wire.will(Reply(f"HTTP/1.1 {status} X\r\nContent-Length: 6\r\n\r\n<html>".encode()))
    got = await upstream.send(endpoint("delete_queue"), {"account_sid": ACCOUNT, "queue_sid": "q"})
    assert (got.status, got.body) == (status, None)


async def test_success_tells_status_body_and_limits(wire: Loopback, upstream: Upstream) -> None:
    wire.will(answer(201, {"sid": "v3:a"}, headers={"X-RateLimit-Remaining": "4", "Set-Cookie": "a=b"}))
    got = await upstream.send(CREATE, CALL, account_sid=ACCOUNT)
    assert isinstance(got, Answer)
    assert (got.status, got.body, got.attempts) == (201, {"sid": "v3:a"}, 1)
    assert got.headers == {"x-ratelimit-remaining": "4"}
    await upstream.send(CREATE, CALL, account_sid=ACCOUNT)
    assert "cookie" not in wire.received[-1].headers
    assert wire.connections == 1


@pytest.mark.parametrize("known", [each for each in ENDPOINTS if not each.reads], ids=lambda each: each.id)
async def test_no_write_in_the_catalogue_is_repeated(
    wire: Loopback, upstream: Upstream, known: Endpoint
) -> None:
    arguments = {param.name: "x" for param in known.path_params}
    wire.will(error(503, headers={"Retry-After": "0"}))
    assert (await failing(upstream, known, arguments)).outcome == "unknown"
    wire.will(Reply())
    assert (await failing(upstream, known, arguments)).outcome == "unknown"
    assert len(wire.received) == 2


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/To", "To"),
        ("/to", "To"),
        ("/ApplicationId", "ApplicationSid"),
        ("/CustomHeaders/0/name", "CustomHeaders"),
        ("/", None),
        ("/Nonsense", None),
        (7, None),
    ],
)
async def test_the_pointer_names_the_parameter(
    wire: Loopback, upstream: Upstream, pointer: Any, field: str | None
) -> None:
    wire.will(answer(422, {"errors": [{"code": "10026", "source": {"pointer": pointer}}]}))
    assert (await failing(upstream)).field == field


@pytest.mark.parametrize(
    "body", [b"", b"null", b'{"errors": {}}', b'{"errors": [1, null]}', b'{"errors": [{"code": {}}]}', HTML]
)
async def test_an_error_of_any_form_is_told_by_its_status(
    wire: Loopback, upstream: Upstream, body: bytes
) -> None:
    wire.will(answer(422, body))
    failed = await failing(upstream)
    assert (failed.code, failed.upstream) == ("validation_failed", {"status": 422})


async def test_the_words_of_upstream_are_cleaned_capped_and_hold_no_secret(
    wire: Loopback, upstream: Upstream
) -> None:
    detail = f"\x1b[31mred\x1b[0m\u202e\u200bhunter2 {KEY} https://u:p4ss@example.com/ " + "x" * 5000
    wire.will(error(422, "10015", detail=detail, title="T\x00\r\nitle"))
    failed = await failing(upstream, arguments={**CALL, "SipAuthPassword": "hunter2"})
    assert failed.upstream is not None
    told = json.dumps([failed.summary, failed.upstream, str(failed), repr(failed)], ensure_ascii=False)
    for hidden in ("\x1b", "[31m", "\u202e", "\u200b", "hunter2", KEY, "p4ss", "\x00"):
        assert hidden not in told
    assert failed.upstream["title"] == "T itle"
    assert failed.upstream["detail"].startswith("red*** *** https://***@example.com/")
    assert len(failed.upstream["detail"]) <= 300


async def test_no_exception_of_the_transport_hangs_on_to_an_error(wire: Loopback, upstream: Upstream) -> None:
    wire.will(Reply())
    failed = await failing(upstream)
    assert failed.__cause__ is None
    assert failed.__context__ is None
