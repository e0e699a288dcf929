"""Keys: where they may go, and where they never show."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys

import pytest

from tests.client.conftest import ACCOUNT, KEY, Make
from tests.client.loopback import Loopback, answer
from texml_mcp.catalog import endpoint
from texml_mcp.client import ErrorCode, Upstream, UpstreamError
from texml_mcp.client.sides import is_live, is_sandbox

LIST = endpoint("list_calls")
LIVE = "KEY0123456789"


@pytest.mark.parametrize(
    ("key", "base_url", "code"),
    [
        (KEY, "https://api.telnyx.com/v2", "wrong_side"),
        (KEY, "https://API.Telnyx.com./v2", "wrong_side"),
        (KEY, "https://api.eu.telnyx.com", "wrong_side"),
        (LIVE, "http://127.0.0.1:9/v2", "wrong_side"),
        (LIVE, "http://[::1]:9/v2", "wrong_side"),
        (LIVE, "http://localhost", "wrong_side"),
        (LIVE, "https://sandbox.example", "wrong_side"),
        (LIVE, "http://api.telnyx.com/v2", "insecure_address"),
        (LIVE, "http://gateway.example/v2", "insecure_address"),
    ],
)
async def test_a_mix_up_is_refused_before_anything_is_sent(
    make: Make, key: str, base_url: str, code: str
) -> None:
    upstream = make(api_key=key, base_url=base_url)
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(LIST, {}, account_sid=ACCOUNT)
    assert (caught.value.code, caught.value.outcome) == (code, "not_sent")


@pytest.mark.parametrize(
    ("key", "base_url"),
    [
        (LIVE, "https://api.telnyx.com/v2"),
        (LIVE, "https://gateway.example"),
        (KEY, "http://127.0.0.1:9"),
        (KEY, "http://sandbox:8080"),
    ],
)
def test_each_key_fits_its_side(key: str, base_url: str) -> None:
    assert Upstream(key, base_url=base_url).refusal() is None


def test_a_look_alike_host_is_neither_side() -> None:
    assert not is_live("api.telnyx.com.evil.example")
    assert not is_live("eviltelnyx.com")
    assert not is_sandbox("127.0.0.1.evil.example")


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.telnyx.com",
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x?a=1",
        "https://x#a",
        "https://x:y",
    ],
)
def test_what_is_no_plain_address_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        Upstream(LIVE, base_url=base_url)


@pytest.mark.parametrize("key", ["", "  ", "KEY1\r\nX-Evil: 1", "KEY é", "KEY 1"])
def test_what_is_no_key_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        Upstream(key)
    assert "KEY" not in str(caught.value)


async def test_the_key_is_on_the_request_and_nowhere_else(
    wire: Loopback, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream = make(api_key=f" {KEY}\n")
    wire.will(answer(200, {"calls": []}))
    await upstream.send(LIST, {}, account_sid=ACCOUNT)
    assert wire.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in caplog.text
    assert KEY not in repr(upstream)
    plan = upstream.build(LIST, {}, ACCOUNT)
    assert KEY not in repr(plan)
    assert KEY.encode() not in pickle.dumps(dict(plan.headers))


async def test_a_netrc_does_not_replace_the_key(
    wire: Loopback, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from pathlib import Path

    netrc = Path(str(tmp_path)) / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    await make().send(LIST, {}, account_sid=ACCOUNT)
    assert wire.received[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_proxy_of_the_environment_does_not_see_the_sandbox(
    wire: Loopback, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await make().send(LIST, {}, account_sid=ACCOUNT)
    assert len(wire.received) == 1


async def test_a_proxy_of_the_environment_is_used_for_the_live_api(
    wire: Loopback, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy refuses the tunnel: nothing left, and the key was not in what the proxy saw."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{wire.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    wire.will(answer(403, then="close"))
    departures: list[int] = []
    upstream = make(api_key=LIVE, base_url="https://gateway.invalid/v2")
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(
            endpoint("create_call"), {}, account_sid=ACCOUNT, on_departure=lambda: departures.append(1)
        )
    assert (caught.value.code, caught.value.outcome) == ("proxy_failed", "not_sent")
    assert [each.method for each in wire.received] == ["CONNECT"]
    assert "authorization" not in wire.received[0].headers
    assert departures == []


async def test_nothing_is_sent_after_the_end(wire: Loopback, upstream: Upstream) -> None:
    await upstream.aclose()
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(LIST, {}, account_sid=ACCOUNT)
    assert (caught.value.code, wire.received) == ("client_closed", [])


def test_codes_are_stable_words() -> None:
    assert all(code.value == code.name.lower() for code in ErrorCode)


def test_importing_the_client_loads_no_http_library() -> None:
    check = (
        "import sys, texml_mcp.client; print({'httpx', 'tenacity', 'httpcore', 'anyio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
