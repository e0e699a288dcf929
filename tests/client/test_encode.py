"""Queries and bodies, read back from what a real server received."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.conftest import ACCOUNT
from tests.client.loopback import Loopback
from texml_mcp.catalog import ENDPOINTS, Endpoint, Kind, endpoint
from texml_mcp.client import InvalidValue, Upstream, UpstreamError, masked
from texml_mcp.client.encode import body_bytes, urlencode

CREATE = endpoint("create_call")
DIAL = endpoint("dial_conference_participant")
LIST = endpoint("list_calls")


async def received(wire: Loopback, upstream: Upstream, known: Endpoint, **arguments: Any) -> Any:
    await upstream.send(known, arguments, account_sid=ACCOUNT)
    return wire.received[-1]


async def test_query_names_go_out_as_documented(wire: Loopback, upstream: Upstream) -> None:
    got = await received(wire, upstream, LIST, **{"StartTime>": "2023-05-22", "PageSize": 20, "Status": None})
    assert got.query == b"StartTime%3E=2023-05-22&PageSize=20"
    got = await received(wire, upstream, endpoint("list_applications"), **{"page[number]": 2})
    assert got.query == b"page%5Bnumber%5D=2"


async def test_an_operator_in_a_value_and_a_plus_survive(wire: Loopback, upstream: Upstream) -> None:
    got = await received(wire, upstream, endpoint("list_queues"), DateCreated=">=2023-05-22")
    assert got.query == b"DateCreated=%3E%3D2023-05-22"
    got = await received(wire, upstream, LIST, To="+12125550100")
    assert got.query == b"To=%2B12125550100"


async def test_create_call_is_json_with_typed_values(wire: Loopback, upstream: Upstream) -> None:
    got = await received(
        wire,
        upstream,
        CREATE,
        To="+12125550100",
        From="+12125550101",
        ApplicationSid="1293384261075731499",
        Record=True,
        TimeLimit=60,
        Url=None,
        CustomHeaders=[{"name": "X-Case", "value": "ü"}],
    )
    assert got.headers["content-type"] == "application/json"
    assert json.loads(got.body) == {
        "To": "+12125550100",
        "From": "+12125550101",
        "ApplicationSid": "1293384261075731499",
        "Record": True,
        "TimeLimit": 60,
        "CustomHeaders": [{"name": "X-Case", "value": "ü"}],
    }
    assert got.path == f"/v2/texml/Accounts/{ACCOUNT}/Calls".encode()


async def test_a_form_holds_texts_and_lists_as_json_text(wire: Loopback, upstream: Upstream) -> None:
    got = await received(
        wire,
        upstream,
        DIAL,
        conference_sid="c1",
        To="+12125550100",
        Muted=False,
        Timeout=30,
        Label=None,
        CustomHeaders=[{"name": "X-A", "value": "1&2"}],
    )
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    fields = dict(parse_qsl(got.body.decode(), strict_parsing=True))
    assert fields["To"] == "+12125550100"
    assert fields["Muted"] == "false"
    assert fields["Timeout"] == "30"
    assert "Label" not in fields
    assert json.loads(fields["CustomHeaders"]) == [{"name": "X-A", "value": "1&2"}]
    assert "conference_sid" not in fields


@pytest.mark.parametrize("known", ENDPOINTS, ids=lambda each: each.id)
async def test_every_endpoint_reaches_its_documented_method_path_and_encoding(
    wire: Loopback, upstream: Upstream, known: Endpoint
) -> None:
    arguments = {param.name: f"id-{index}" for index, param in enumerate(known.path_params)}
    path = known.path
    for name, value in arguments.items():
        path = path.replace("{" + name + "}", value)
    await upstream.send(known, arguments)
    got = wire.received[-1]
    assert (got.method, got.target) == (known.method, f"/v2{path}".encode())
    expected = {"json": "application/json", "form": "application/x-www-form-urlencoded", None: None}
    assert got.headers.get("content-type") == expected[known.body]


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1))))
def test_any_pairs_are_read_back_as_they_were(items: list[tuple[str, str]]) -> None:
    assert parse_qsl(urlencode(items), keep_blank_values=True) == items


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), _VALUES, max_size=5))
def test_a_json_body_says_what_was_given_without_the_nulls(arguments: dict[str, Any]) -> None:
    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(each) for name, each in value.items() if each is not None}
        return value

    content, _ = body_bytes("json", arguments)
    assert json.loads(content) == bare(arguments)


@pytest.mark.parametrize("kind", ["json", "form"])
def test_half_a_surrogate_pair_is_named_not_sent(kind: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        body_bytes(kind, {"To": "+12125550100", "Label": "a\ud800"})
    assert caught.value.name == "Label"


def test_a_list_nested_ten_thousand_deep_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(InvalidValue):
        body_bytes("json", {"CustomHeaders": deep})
    with pytest.raises(InvalidValue):
        body_bytes("form", {"CustomHeaders": deep})


async def test_an_unknown_name_and_an_endless_query_are_not_sent(wire: Loopback, upstream: Upstream) -> None:
    for arguments in ({"Nonsense": "1"}, {"To": "x" * 1_000_000}):
        with pytest.raises(UpstreamError) as caught:
            await upstream.send(LIST, arguments, account_sid=ACCOUNT)
        assert (caught.value.code, caught.value.outcome) == ("invalid_argument", "not_sent")
        assert len(caught.value.summary) < 200
    assert wire.received == []


@pytest.mark.parametrize("known", ENDPOINTS, ids=lambda each: each.id)
def test_no_secret_survives_masking(known: Endpoint) -> None:
    arguments = {param.name: "https://user:hunter2@example.com/x" for _, param in known.params()}
    shown = masked(known, arguments)
    assert "hunter2" not in json.dumps(shown)
    for _, param in known.params():
        if param.kind is Kind.SECRET:
            assert shown[param.name] == "***"
    assert arguments.keys() == shown.keys()
