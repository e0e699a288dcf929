"""Requests that no client of ours sends: foreign hosts and origins, bodies too large or too slow."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.service import Service
from texml_mcp.server.http.addresses import Addresses, addresses
from texml_mcp.settings import SettingsError, load

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"accept": "application/json, text/event-stream"}


def post(service: Service, **headers: str) -> httpx.Response:
    return httpx.post(
        f"{service.url}/mcp", json=INITIALIZE, headers={**ACCEPT, **{k: v for k, v in headers.items() if v}}
    )


def raw(service: Service, *parts: bytes, pause: float = 0.0, wait: float = 20.0) -> bytes:
    """What the server answers to these bytes, sent with a pause between, until it closes or is silent."""
    host, port = service.host.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break  # it has closed: what it said is still there
            time.sleep(pause)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            received += b""
        return received


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "127.0.0.1.evil.example.com",
        "localhost.evil.example.com",
        "localhost:8000@evil.example.com",
        "localhost:8000.evil.example.com",
        "evil.example.com:8000",
        "127.0.0.1:",
        "127.0.0.1:80 evil",
        "0",
        "[::ffff:127.0.0.1]",
    ],
)
def test_a_host_that_is_not_ours_is_not_answered(sandbox_service: Service, host: str) -> None:
    assert post(sandbox_service, host=host).status_code == 421


def test_two_hosts_or_none_are_not_answered(sandbox_service: Service) -> None:
    for hosts in (b"Host: localhost\r\nHost: localhost\r\n", b""):
        request = b"GET /mcp HTTP/1.0\r\n" + hosts + b"\r\n"
        answer = raw(sandbox_service, request)
        assert answer.split(b" ")[1] in (b"421", b"400"), answer


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "null",
        "http://localhost.evil.example.com",
        "http://localhost:1@evil.example.com",
        "https://localhost:3000",
        "file://",
        "localhost:3000",
    ],
)
def test_an_origin_that_is_not_ours_is_not_answered(sandbox_service: Service, origin: str) -> None:
    assert post(sandbox_service, origin=origin).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://localhost:6274", "http://127.0.0.1:6274", "http://[::1]:6274", ""]
)
def test_pages_of_this_machine_may_ask(sandbox_service: Service, origin: str) -> None:
    assert post(sandbox_service, origin=origin).status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_read(sandbox_service: Service) -> None:
    answer = httpx.post(
        f"{sandbox_service.url}/mcp",
        content=b"x" * (5 << 20),
        headers={**ACCEPT, "content-type": "application/json"},
    )
    assert answer.status_code == 413
    assert post(sandbox_service).status_code == 200


@pytest.mark.parametrize("size", [1 << 16, 1 << 20, 6 << 20])
def test_whoever_is_refused_reads_why_however_much_they_had_to_say(
    sandbox_service: Service, size: int
) -> None:
    """A connection that is closed with something unread is reset, and the answer is lost with it."""
    for _ in range(5):
        answer = httpx.post(
            f"{sandbox_service.url}/mcp",
            content=b"x" * size,
            headers={**ACCEPT, "content-type": "application/json", "host": "evil.example.com"},
        )
        assert answer.status_code == 421


def test_a_chunked_body_over_the_limit_is_refused(sandbox_service: Service) -> None:
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {sandbox_service.host}\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    chunk = b"%x\r\n%s\r\n" % (1 << 18, b"x" * (1 << 18))
    assert b" 413 " in raw(sandbox_service, head, *[chunk] * 8, wait=3).split(b"\r\n")[0]


@pytest.mark.long
def test_a_client_that_trickles_is_let_go(sandbox_service: Service) -> None:
    """Of a hundred such clients none may hold a connection for ever."""
    head = f"POST /mcp HTTP/1.1\r\nHost: {sandbox_service.host}\r\n".encode()
    whole = head + b"Content-Type: application/json\r\nContent-Length: 1000\r\n"
    whole += b"Accept: application/json, text/event-stream\r\n\r\n{"
    began = time.monotonic()
    with ThreadPoolExecutor() as clients:
        half_a_head, half_a_body, nothing = clients.map(
            lambda sent: raw(sandbox_service, sent, wait=25), [head, whole, b""]
        )
    assert time.monotonic() - began < 24, "the server waited for more than its limits say"
    assert (half_a_head, nothing) == (b"", b"")
    assert b" 408 " in half_a_body.split(b"\r\n")[0]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"jsonrpc":"2.0"}', b"\xff\xfe", b"[" * 100_000]
)
@pytest.mark.parametrize("version", ["", "2026-07-28", "1999-01-01", "\u00e9"])
def test_garbage_is_answered_with_an_error_and_nothing_breaks(
    sandbox_service: Service, content: bytes, version: str
) -> None:
    headers = {**ACCEPT, "content-type": "application/json"}
    if version:
        headers["mcp-protocol-version"] = version
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = httpx.post(f"{sandbox_service.url}/mcp", content=content, headers=encoded)
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in sandbox_service.logged()


# --- what may be started


def settings(**given: object) -> Addresses:
    return addresses(load(sandbox=True, http=True, **given))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "calls.example.com"])
def test_a_public_address_needs_identities_and_hosts(host: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"identities .*--allowed-hosts"):
        settings(host=host)
    with pytest.raises(SettingsError, match="allowed-hosts"):
        settings(host=host, tokens_file=tmp_path / "tokens.toml")
    with pytest.raises(SettingsError, match="tokens-file"):
        settings(host=host, allowed_hosts="calls.example.com")
    allowed = settings(host=host, tokens_file=tmp_path / "t", allowed_hosts="calls.example.com")
    assert allowed.answers_host("Calls.Example.Com")
    assert not allowed.answers_host("localhost:8000")
    assert not allowed.answers_origin("http://localhost:8000")


def test_the_command_refuses_a_public_address_by_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "texml_mcp", "serve", "--http", "--sandbox", "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "--tokens-file" in done.stderr
    assert "Nothing was started" in done.stderr


def test_the_public_url_is_a_host_and_an_origin() -> None:
    allowed = settings(public_url="https://calls.example.com")
    assert allowed.answers_host("calls.example.com")
    assert allowed.answers_origin("https://calls.example.com")
    assert not allowed.answers_origin("http://calls.example.com")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "calls.example.com"),
        ("public_url", "http://calls.example.com"),
        ("public_url", "https://calls.example.com/path"),
        ("public_url", "https://user@calls.example.com"),
        ("public_url", "https://[::1"),
        ("allowed_hosts", "https://calls.example.com"),
        ("allowed_hosts", "*"),
        ("allowed_origins", "calls.example.com"),
        ("allowed_origins", "ftp://calls.example.com"),
    ],
)
def test_an_address_that_cannot_be_meant_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')}"):
        settings(**{name: value})


@given(st.text(max_size=80))
def test_only_the_names_that_were_allowed_are_answered(host: str) -> None:
    allowed = Addresses(frozenset({"calls.example.com", "localhost:*"}), frozenset({"https://a.example"}))
    if allowed.answers_host(host):
        name = host.lower().rpartition(":")[0] or host.lower()
        assert name in ("calls.example.com", "localhost") or host.lower() == "calls.example.com"
    assert not allowed.answers_origin(host) or host.lower() == "https://a.example"
