"""An identifier cannot leave its segment, judged by the bytes that a real server receives."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.conftest import ACCOUNT, KEY
from tests.client.loopback import Loopback, answer, loopback
from texml_mcp.catalog import endpoint
from texml_mcp.client import InvalidPathValue, Upstream, UpstreamError
from texml_mcp.client.paths import fill, segment

GET_CALL = endpoint("get_call")
GET_RECORDING = endpoint("get_recording")

REFUSED = [
    "",
    " ",
    ".",
    "..",
    "../../phone_numbers",
    "a/../b",
    "a\\..\\b",
    "%2e%2e",
    "..%2fx",
    "%252e%252e%252fx",
    "%25252525252e",
    "a\x00b",
    "a\r\nX: y",
    "a\x7fb",
    "a\x85b",
    "a\u202eb",
    "a\u200bb",
    "a\u2028b",
    "\ud800",
    "x" * 513,
    None,
    True,
    ["a"],
]

KEPT = {
    "v3:KBnLO0ZK3DhKM5s7bE9V-_kt": b"v3:KBnLO0ZK3DhKM5s7bE9V-_kt",
    "a/b": b"a%2Fb",
    "a\\b": b"a%5Cb",
    "a%2fb": b"a%252fb",
    "a?x=1": b"a%3Fx%3D1",
    "a#b": b"a%23b",
    "a;b=c,d@e": b"a%3Bb%3Dc%2Cd%40e",
    "My Queue": b"My%20Queue",
    "Zoë 会": b"Zo%C3%AB%20%E4%BC%9A",
    "...": b"...",
    "a..b": b"a..b",
    "{account_sid}": b"%7Baccount_sid%7D",
}


@pytest.mark.parametrize("value", REFUSED)
def test_what_climbs_hides_or_is_not_there_is_refused(value: object) -> None:
    with pytest.raises(InvalidPathValue) as caught:
        segment("call_sid", value)
    assert caught.value.name == "call_sid"


@pytest.mark.parametrize("value", KEPT)
async def test_the_server_receives_one_segment(wire: Loopback, upstream: Upstream, value: str) -> None:
    wire.will(answer(200, {"sid": "x"}))
    await upstream.send(GET_CALL, {"account_sid": ACCOUNT, "call_sid": value})
    assert [each.target for each in wire.received] == [
        f"/v2/texml/Accounts/{ACCOUNT}/Calls/".encode() + KEPT[value]
    ]


@pytest.mark.parametrize("value", [value for value in REFUSED if value is not None])
async def test_nothing_is_sent_for_a_refused_id(wire: Loopback, upstream: Upstream, value: object) -> None:
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(GET_CALL, {"account_sid": ACCOUNT, "call_sid": value})
    assert (caught.value.code, caught.value.outcome, caught.value.field) == (
        "invalid_argument",
        "not_sent",
        "call_sid",
    )
    assert wire.received == []


@given(st.text(max_size=600))
def test_any_text_is_refused_or_stays_one_segment(text: str) -> None:
    try:
        path = fill(GET_RECORDING.path, {"account_sid": ACCOUNT, "recording_sid": text})
    except InvalidPathValue:
        return
    head, last = path.rsplit("/", 1)
    assert head == f"/texml/Accounts/{ACCOUNT}/Recordings"
    assert unquote(last) == text + ".json"
    assert path.isascii()
    assert not set(last) & set("/\\?#% ") - {"%"}


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=8))
def test_any_text_arrives_as_it_left(texts: list[str]) -> None:
    import anyio

    async def all_of_them() -> None:
        async with loopback() as wire:
            upstream = Upstream(KEY, base_url=wire.base_url, timeout=5)
            for text in texts:
                before = len(wire.received)
                try:
                    await upstream.send(GET_CALL, {"account_sid": ACCOUNT, "call_sid": text})
                except UpstreamError as error:
                    refused = error
                else:
                    refused = None
                if refused is not None:
                    assert (refused.code, len(wire.received)) == ("invalid_argument", before)
                    continue
                parts = wire.received[-1].target.split(b"/")
                assert parts[:-1] == f"/v2/texml/Accounts/{ACCOUNT}/Calls".encode().split(b"/")
                assert unquote(parts[-1].decode("ascii")) == text
            await upstream.aclose()

    anyio.run(all_of_them)
