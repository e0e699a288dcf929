"""Settings of a shared store, and the commands that look into it, as an operator types them."""

from __future__ import annotations

import base64
import json
import logging
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.test_gate_commands import PLACING
from tests.commands import CliRunner, Result
from tests.redis_server import RedisServer
from texml_mcp.cli.app import app
from texml_mcp.gate.store import StoreError, open_store
from texml_mcp.server.services import build_services
from texml_mcp.settings import SettingsError, load

SECRET = "hunter2-of-the-store"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def machine(name: str, where: Path, patch: pytest.MonkeyPatch) -> None:
    """From here on commands run as on another machine: with another state directory."""
    patch.setenv("TEXML_MCP_STATE_DIR", str(where / name))


@pytest.fixture
def seal_key(monkeypatch: pytest.MonkeyPatch) -> str:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    monkeypatch.setenv("TEXML_MCP_SEAL_KEYS", key)
    return key


@pytest.fixture
def shared(redis_url: str, seal_key: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TEXML_MCP_STORE", redis_url)
    return redis_url


def test_asked_on_one_machine_approved_on_a_second_run_on_a_third(
    shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXML_MCP_CONFIRM", "external")
    machine("first", tmp_path, monkeypatch)
    assert run(*PLACING).exit_code == 1
    machine("second", tmp_path, monkeypatch)
    (request,) = json.loads(run("approvals", "list", "--json").stdout)
    approved = run("approvals", "approve", request["id"], "--as", "supervisor")
    assert approved.exit_code == 0, approved.output
    machine("third", tmp_path, monkeypatch)
    ran = run(*PLACING)
    assert "Call placed" in ran.stdout, ran.output
    assert run(*PLACING).exit_code == 1
    machine("first", tmp_path, monkeypatch)
    assert "ok create_call" in run("journal", "show").stdout
    for name in ("first", "second", "third"):
        machine(name, tmp_path, monkeypatch)
        verified = run("audit", "verify")
        assert verified.exit_code == 0, verified.output
        assert "was not checked" not in verified.stdout, "the key is in the store"


def test_the_store_can_be_named_on_the_command_line(
    redis_url: str, seal_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("first", tmp_path, monkeypatch)
    assert run("panic", "--store", redis_url).exit_code == 0
    machine("second", tmp_path, monkeypatch)
    making = ("call", "create_queue", "--sandbox", "FriendlyName=night")
    assert run(*making).exit_code == 0, "this one was not told of the store"
    monkeypatch.setenv("TEXML_MCP_STORE", redis_url)
    stopped = run(*making)
    assert stopped.exit_code == 1
    assert "every server on the store" in stopped.output
    cleared = run("panic", "--clear")
    assert "Writes run again" in cleared.stdout
    assert run("call", "create_queue", "--sandbox", "FriendlyName=other").exit_code == 0
    machine("first", tmp_path, monkeypatch)
    assert run(*making).exit_code == 1, "its own mark is cleared on that machine"


def test_panic_without_its_store_stops_at_least_this_machine(
    redis_server: RedisServer, seal_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("first", tmp_path, monkeypatch)
    redis_server.kill()
    done = run("panic", "--store", redis_server.url)
    assert done.exit_code == 2
    assert "Every write is stopped" in done.stdout
    assert "cannot be reached" in done.stderr
    assert (tmp_path / "first" / "PANIC").exists()


@pytest.mark.parametrize("words", [("approvals", "list"), ("journal", "show"), ("panic", "--clear")])
def test_a_command_without_its_store_says_what_to_do(
    words: tuple[str, ...], redis_server: RedisServer, seal_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.kill()
    monkeypatch.setenv("TEXML_MCP_STORE", redis_server.url)
    done = run(*words)
    assert done.exit_code == 2
    assert "cannot be reached. Start Redis or correct TEXML_MCP_STORE." in done.stderr


# --- what a server must not start with


def refusal(**settings: object) -> str:
    with pytest.raises(SettingsError) as error:
        build_services(load(sandbox=True, **settings))
    return str(error.value)


def test_a_shared_store_needs_keys_and_says_how_to_make_one(redis_url: str) -> None:
    assert "openssl rand -base64 32" in refusal(store=redis_url)


@pytest.mark.parametrize("keys", ["abc", "!", f"{'A' * 43}=", SECRET])
def test_keys_that_are_none_stop_the_start_and_are_not_shown(redis_url: str, keys: str) -> None:
    told = refusal(store=redis_url, seal_keys=keys)
    assert "TEXML_MCP_SEAL_KEYS cannot be used" in told
    assert keys not in told


@pytest.mark.parametrize(
    "url",
    [
        "/var/lib/state.db",
        "http://127.0.0.1/",
        f"redis://:{SECRET}@",
        f"redis://:{SECRET}@127.0.0.1:port/0",
        f"redis://u:{SECRET}/more@127.0.0.1/0",
        f"redis://:{SECRET}@127.0.0.1/zero",
        f"redis://127.0.0.1/0?password={SECRET}",
        f"redis://:{SECRET}@127.0.0.1/0?retry_on_timeout=true",
        f"redis://:{SECRET}@127.0.0.1/0#{SECRET}",
        "unix://",
    ],
)
def test_an_address_that_names_no_redis_stops_the_start_without_its_password(url: str, seal_key: str) -> None:
    told = refusal(store=url, seal_keys=seal_key)
    assert "redis://" in told
    assert SECRET not in told


def test_a_wrong_password_is_said_and_never_shown(
    tmp_path: Path, seal_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    right = RedisServer(tmp_path, "--requirepass", SECRET).start()
    try:
        good = right.url.replace("redis://", f"redis://:{SECRET}@")
        build_services(load(sandbox=True, store=good, seal_keys=seal_key))
        store = open_store(good)
        assert SECRET not in repr(store) + caplog.text
        for bad in (right.url, right.url.replace("redis://", f"redis://:{SECRET}x@")):
            told = refusal(store=bad, seal_keys=seal_key)
            assert "does not accept the user or password" in told
            assert SECRET not in told + caplog.text
        right.kill()
        with pytest.raises(StoreError) as error:
            store.get("a", "k")
        assert SECRET not in str(error.value) + repr(error.value.__cause__)
    finally:
        right.kill()


def test_a_socket_in_the_file_system_is_a_store_too(tmp_path: Path, seal_key: str) -> None:
    place = tmp_path / "redis.sock"
    server = RedisServer(tmp_path, "--unixsocket", str(place)).start()
    try:
        store = open_store(f"unix://{place}?db=1")
        assert store.claim("a", "k", None)
        assert not open_store(f"unix://{place}?db=1").claim("a", "k", None)
    finally:
        server.kill()


def certificate(where: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody knows, and its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    start = datetime.now(UTC) - timedelta(hours=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = where / "cert.pem", where / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, private


def test_over_tls_a_server_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    pem, private = certificate(tmp_path)
    port = str(RedisServer(tmp_path).port)
    options = ("--tls-port", port, "--tls-cert-file", str(pem), "--tls-key-file", str(private))
    plain = RedisServer(
        tmp_path, *options, "--tls-ca-cert-file", str(pem), "--tls-auth-clients", "no"
    ).start()
    try:
        url = f"rediss://127.0.0.1:{port}/0"
        with pytest.raises(StoreError, match="cannot be reached"):
            open_store(url)
        assert open_store(f"{url}?ssl_ca_certs={pem}").claim("a", "k", None)
        with pytest.raises(StoreError, match="address of the store"):
            open_store(f"{url}?ssl_cert_reqs=none")
    finally:
        plain.kill()


def test_a_redis_that_may_forget_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    server = RedisServer(tmp_path, *options).start()
    try:
        open_store(server.url).close()
    finally:
        server.kill()
    assert "may evict what the gate must not forget (maxmemory-policy allkeys-lru)" in caplog.text
    assert "set appendonly yes" in caplog.text
