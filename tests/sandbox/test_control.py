"""Faults, the control plane, the page, and what else a harness does to worlds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from tests.sandbox.conftest import ACCOUNT, APPLICATION, DESK, Ask, asker, place
from texml_mcp.sandbox import World, Worlds, create_app
from texml_mcp.sandbox.exchange import exchange
from texml_mcp.sandbox.faults import KINDS, arm
from texml_mcp.sandbox.fixture import world_from

NEW = {"To": "+13125550142", "From": DESK, "ApplicationSid": APPLICATION}
PATH = {"account_sid": ACCOUNT}


@pytest.fixture
def control() -> TestClient:
    worlds = Worlds()
    worlds.of("sandbox")
    return TestClient(create_app(worlds, control=True))


def lever(control: TestClient, method: str, path: str, **body: Any) -> Any:
    reply = control.request(method, f"/_sandbox/worlds/sandbox{path}", json=body or None)
    assert reply.status_code in (200, 201), reply.text
    return reply.json()


# --- faults


@pytest.mark.parametrize(
    ("kind", "happens", "outcome"),
    [
        ("status", 0, (500, "", "")),
        ("rate_limited", 0, (429, "", "")),
        ("reset", 0, (0, "reset", "")),
        ("timeout", 0, (0, "timeout", "")),
        ("timeout_after_commit", 1, (200, "timeout", "")),
        ("lost_response", 1, (200, "lost", "")),
        ("slow", 1, (200, "", "")),
        ("stale", 1, (200, "", "")),
        ("malformed", 1, (200, "", "malformed")),
        ("truncated", 1, (200, "", "truncated")),
        ("html", 1, (200, "", "html")),
    ],
)
def test_a_fault_strikes_before_or_after_the_call_is_placed(
    world: World, kind: str, happens: int, outcome: tuple[int, str, str]
) -> None:
    assert kind in KINDS
    arm(world, {"operation": "create_call", "kind": kind})
    reply = exchange(world, "create_call", PATH, {}, NEW)
    assert (reply.status, reply.cut, reply.spoiled) == outcome
    assert len(world.table("calls")) == happens
    assert exchange(world, "create_call", PATH, {}, NEW).status == 200


def test_a_fault_strikes_at_its_ordinal_counted_from_when_it_was_armed(world: World, ask: Ask) -> None:
    ask("list_calls")
    arm(world, {"operation": "list_calls", "kind": "status", "status": 503, "first": 2, "times": 2})
    assert [ask("list_calls")[0] for _ in range(4)] == [200, 503, 503, 200]
    assert ask("list_queues")[0] == 200


def test_a_stale_read_shows_what_was(world: World, ask: Ask) -> None:
    arm(world, {"operation": "get_call", "kind": "stale", "seconds": 2, "first": 2})
    sid = place(ask)
    world.advance(4)
    assert [ask("get_call", call_sid=sid)[1]["status"] for _ in range(3)] == [
        "in-progress",
        "ringing",
        "in-progress",
    ]


def test_reads_trail_by_the_lag_but_the_write_answers_at_once(world: World, ask: Ask) -> None:
    world.configure({"lag_seconds": 2})
    sid = place(ask)
    assert ask("get_call", call_sid=sid)[0] == 404
    world.advance(2)
    assert ask("get_call", call_sid=sid)[1]["status"] == "ringing"


def test_a_rate_limit_counts_down_in_headers_and_refuses(world: World) -> None:
    world.configure({"rate_limit": 2, "rate_seconds": 10})
    replies = [exchange(world, "list_queues", PATH, {}, {}) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[0].headers["x-ratelimit-remaining"] == "1"
    assert replies[2].headers["retry-after"] == "10"
    world.advance(10)
    assert exchange(world, "list_queues", PATH, {}, {}).status == 200


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"operation": "place_call", "kind": "status"}, "operation"),
        ({"operation": "get_call", "kind": "explode"}, "kind"),
        ({"operation": "get_call", "kind": "status", "first": 0}, "first"),
        ({"operation": "get_call", "kind": "status", "status": 200}, "status"),
        ({"operation": "get_call", "kind": "slow", "seconds": -1}, "seconds"),
        ({"operation": "get_call", "kind": "slow", "second": 1}, "second"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(world: World, given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}:"):
        arm(world, given)
    assert not world.faults


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(("kind", "raised"), [("reset", httpx.ReadError), ("timeout", httpx.ReadTimeout)])
async def test_in_process_a_cut_connection_is_what_httpx_would_raise(
    kind: str, raised: type[Exception], anyio_backend: str
) -> None:
    worlds = Worlds()
    arm(worlds.of("sandbox"), {"operation": "list_queues", "kind": kind})
    transport = httpx.ASGITransport(app=create_app(worlds))
    headers = {"authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers) as client:
        with pytest.raises(raised):
            await client.get(f"/v2/texml/Accounts/{ACCOUNT}/Queues")
        assert (await client.get(f"/v2/texml/Accounts/{ACCOUNT}/Queues")).status_code == 200


# --- control


def test_the_control_plane_is_off_unless_asked_for() -> None:
    reply = TestClient(create_app()).get("/_sandbox/worlds")
    assert reply.status_code == 401


def test_a_world_is_snapshotted_changed_compared_and_restored(control: TestClient) -> None:
    before = lever(control, "GET", "/hash")["hash"]
    kept = lever(control, "POST", "/snapshot")["snapshot"]
    lever(control, "POST", "/fork", **{"as": "sandbox-twin"})
    lever(control, "POST", "/inbound", **{"from": "+13125550161", "application": APPLICATION})
    assert lever(control, "GET", "/hash")["hash"] != before
    differences = lever(control, "GET", "/diff?with=sandbox-twin")["differences"]
    assert [each["path"].split("/")[1] for each in differences] == ["calls"]
    assert lever(control, "POST", "/restore", snapshot=kept)["hash"] == before


def test_state_events_and_outbox_can_be_read_and_time_moved(control: TestClient) -> None:
    lever(control, "POST", "/callees", match="+13125550199", does="busy")
    lever(control, "POST", "/documents", url="https://a.example.com/", texml="<Response><Hangup/></Response>")
    now = lever(control, "GET", "/state")["now"]
    assert lever(control, "POST", "/advance", seconds=5)["now"] == now + 5
    assert lever(control, "GET", "/callees")["callees"][0]["does"] == "busy"
    assert lever(control, "GET", "/events?since=0")["entries"] == lever(control, "GET", "/events")["entries"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/worlds/nobody/state", None, 404),
        ("POST", "/worlds/sandbox/explode", {}, 404),
        ("POST", "/worlds/sandbox/advance", {"seconds": -1}, 400),
        ("POST", "/worlds/sandbox/advance", {}, 400),
        ("POST", "/worlds/sandbox/restore", {"snapshot": "none"}, 400),
        ("POST", "/worlds/sandbox/faults", {"operation": "x"}, 400),
        ("POST", "/worlds/sandbox/callees", {"match": "+1", "does": "sings"}, 400),
        ("POST", "/worlds/sandbox/settings", {"tick_seconds": 1, "lag_seconds": -1}, 400),
        ("POST", "/worlds/sandbox/documents", {"url": "https://a/", "texml": "<Nope/>"}, 400),
        ("PUT", "/worlds/new", {"applications": [{"friendly_name": 5}]}, 400),
        ("PUT", "/worlds/sandbox", {"story": [{"request": "dance"}]}, 400),
        ("PUT", "/worlds/KEY0123", {"account_sid": "a"}, 400),
        ("PUT", "/worlds/sandbox", {"applications": 5}, 400),
        ("PUT", "/worlds/sandbox", {"documents": {"https://a/": "<Response><Fax/></Response>"}}, 400),
        ("POST", "/worlds/sandbox/fork", {"as": "KEY0123"}, 400),
        ("POST", "/worlds/sandbox/inbound", {"from": "+1", "application": APPLICATION, "from_": "x"}, 400),
        ("POST", "/worlds/sandbox/inbound", {"from": "+1", "application": APPLICATION, "self": 1}, 400),
        ("POST", "/worlds/sandbox/inbound", {"from": "+1", "application": APPLICATION, "to": 5}, 400),
        ("POST", "/worlds/sandbox/inbound", {"from": "", "application": APPLICATION}, 400),
        ("POST", "/worlds/sandbox/faults", {"operation": "*", "kind": "slow", "seconds": 1e9}, 400),
        ("GET", "/worlds/sandbox/events?since=-1", None, 400),
        ("GET", "/worlds/sandbox/diff?with=nobody", None, 400),
    ],
)
def test_a_wrong_lever_says_where_it_is_wrong_and_changes_nothing(
    control: TestClient, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    before = lever(control, "GET", "/state")
    reply = control.request(method, f"/_sandbox{path}", json=body)
    assert reply.status_code == status
    assert reply.json()["error"]
    assert lever(control, "GET", "/state") == before


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"applications": [{"friendly_name": 5, "voice_url": "https://a.example.com/"}]},
         "/applications/0/friendly_name"),
        ({"colour": "red"}, ""),
        ({"callees": [{"match": "*"}, {"match": "*", "does": "sings"}]}, "/callees/1/does"),
        ({"settings": {"lag_seconds": -1}}, "/settings/lag_seconds"),
        ({"story": [{"advance": 1}, {"request": "dance"}]}, "/story/1/request"),
        ({"story": [{"inbound": {"from": "+13125550161", "application": "none"}}]},
         "/story/0/inbound/application"),
        ({"documents": {"https://a/b": "<Response><Fax/></Response>"}}, "/documents/https:~1~1a~1b"),
    ],
)  # fmt: skip
def test_a_broken_fixture_names_its_place_and_leaves_the_world_as_it_was(
    control: TestClient, content: dict[str, Any], pointer: str
) -> None:
    before = lever(control, "GET", "/state")
    reply = control.put("/_sandbox/worlds/sandbox", json=content)
    assert (reply.status_code, reply.json()["pointer"]) == (400, pointer)
    assert pointer in reply.json()["error"]
    assert lever(control, "GET", "/state") == before
    assert [each["name"] for each in control.get("/_sandbox/worlds").json()["worlds"]] == ["sandbox"]


FIXTURE = {
    "account_sid": "my-account",
    "applications": [{"id": "app-1", "friendly_name": "A", "voice_url": "https://a.example.com/"}],
    "documents": {"*": "<Response><Pause length='60'/></Response>"},
    "story": [{"request": "create_secret", "body": {"name": "Door", "value": "4711"}}, {"advance": 60}],
}


def test_a_world_goes_back_to_its_fixture(control: TestClient) -> None:
    control.put("/_sandbox/worlds/sandbox", json=FIXTURE)
    before, kept = lever(control, "GET", "/state"), lever(control, "GET", "/hash")
    lever(control, "POST", "/inbound", **{"from": "+13125550161", "application": "app-1"})
    lever(control, "POST", "/faults", operation="*", kind="status")
    lever(control, "POST", "/callees", match="*", does="busy")
    lever(control, "POST", "/fork", **{"as": "sandbox-twin"})
    lever(control, "POST", "/advance", seconds=5)
    assert lever(control, "GET", "/hash") != kept
    assert lever(control, "POST", "/reset")["hash"] == kept["hash"]
    assert lever(control, "GET", "/state") == before
    assert lever(control, "GET", "/faults") == {"faults": []}
    assert lever(control, "GET", "/callees") == {"callees": []}
    # A copy has the same fixture to go back to.
    assert control.post("/_sandbox/worlds/sandbox-twin/reset").json()["hash"] == kept["hash"]


def test_a_world_without_a_fixture_of_its_own_goes_back_to_the_default_one(control: TestClient) -> None:
    before = lever(control, "GET", "/state")
    lever(control, "POST", "/advance", seconds=500)
    lever(control, "POST", "/reset")
    assert lever(control, "GET", "/state") == before


def test_a_reset_brings_back_secrets_and_forgets_later_ones() -> None:
    worlds = Worlds()
    worlds.put("sandbox", world_from(FIXTURE))
    world = worlds.of("sandbox")
    for name, value in (("Door", "0000"), ("Gate", "1111")):
        world.request("create_secret", {}, {}, {"name": name, "value": value})
    worlds.reset("sandbox")
    assert world.vault == {"Door": "4711"}
    empty = World("seed", "account")
    empty.queue_named("q")
    empty.reset()
    assert (empty.table("queues"), empty.seed, empty.account_sid) == ({}, "seed", "account")


def test_events_and_callbacks_are_numbered_on_when_old_ones_are_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("texml_mcp.sandbox.store.MOST_EVENTS", 10)
    monkeypatch.setattr("texml_mcp.sandbox.store.MOST_CALLBACKS", 10)
    for _ in range(25):
        world.note("something", "sid")
        world.send({"url": "https://hooks.example.com/"}, "a", "b")
    worlds = Worlds()
    worlds.put("sandbox", world)
    control = TestClient(create_app(worlds, control=True))
    for what, last in (("events", world.noted), ("outbox", 25)):
        found = lever(control, "GET", f"/{what}?since={last - 2}")
        assert [each["number"] for each in found["entries"]] == [last - 1, last]
        assert found["next"] == last
        assert len(lever(control, "GET", f"/{what}")["entries"]) <= 10


@pytest.mark.parametrize("path", ["/_sandbox/worlds/sandbox", "/v2/texml/secrets"])
def test_a_body_of_five_megabytes_is_refused_by_its_size_and_changes_nothing(
    control: TestClient, path: str
) -> None:
    before = lever(control, "GET", "/state")
    method = "PUT" if "_sandbox" in path else "POST"
    headers = {"authorization": "Bearer sandbox", "content-type": "application/json"}
    reply = control.request(method, path, content=b" " * 5 * 2**20, headers=headers)
    assert reply.status_code == 400
    assert "larger than 1 MB (1048576 bytes)" in reply.text
    assert lever(control, "GET", "/state") == before


def test_who_hears_whom_can_be_asked(control: TestClient) -> None:
    hears = lever(control, "GET", "/hears")["hears"]
    assert hears == lever(control, "GET", "/state")["hears"]
    assert len(hears) == 3


def test_every_answer_has_rate_limit_headers(control: TestClient) -> None:
    headers = {"authorization": "Bearer sandbox"}
    base = f"/v2/texml/Accounts/{ACCOUNT}"
    for limit in (0, 50):
        lever(control, "POST", "/settings", rate_limit=limit)
        for method, path, body in (
            ("GET", f"{base}/Calls", b""),
            ("GET", f"{base}/Calls/none", b""),
            ("GET", f"{base}/Nothing", b""),
            ("POST", f"{base}/Calls", b"{"),
            ("POST", f"{base}/Calls", b"{}"),
            ("POST", f"{base}/Calls", b"{" + b" " * 2**20),
        ):
            reply = control.request(method, path, content=body, headers=headers)
            # A body that is not read through is refused before it is known whose limit it counts against.
            told = limit if limit and len(body) < 2**20 else 1000
            assert reply.headers["x-ratelimit-limit"] == str(told), path
            assert int(reply.headers["x-ratelimit-remaining"]) <= int(reply.headers["x-ratelimit-limit"])
            assert int(reply.headers["x-ratelimit-reset"]) > 0


def test_a_fixture_tells_its_story_with_any_ids() -> None:
    world = world_from(
        {
            "account_sid": "my-account",
            "applications": [{"id": "app-1", "friendly_name": "A", "voice_url": "https://a.example.com/"}],
            "story": [
                {"request": "create_call", "body": NEW | {"ApplicationSid": "app-1", "Texml": "<Response/>"}},
                {"advance": 5},
            ],
        }
    )
    assert [call["status"] for call in world.table("calls").values()] == ["completed"]


# --- copies


def test_independent_steps_commute_and_a_double_dial_does_not() -> None:
    def told(*numbers: str) -> str:
        application = {"id": APPLICATION, "friendly_name": "A", "voice_url": ""}
        world = world_from({"account_sid": ACCOUNT, "applications": [application]})
        for number in numbers:
            place(asker(world), "<Say>Hello</Say>", number)
        world.advance(60)
        return world.hash()

    one, other = "+13125550151", "+13125550152"
    assert told(one, other) == told(other, one)
    assert told(one, other) != told(one, other, other)


def test_a_fork_goes_its_own_way(world: World, ask: Ask) -> None:
    sid = place(ask)
    twin = world.fork()
    assert (twin.hash(), twin.diff(world)) == (world.hash(), [])
    asker(twin)("update_call", call_sid=sid, Status="completed")
    assert twin.diff(world)
    assert ask("get_call", call_sid=sid)[1]["status"] == "ringing"


# --- the page


def test_the_page_shows_a_world_and_changes_nothing() -> None:
    worlds = Worlds()
    client = TestClient(create_app(worlds))
    assert "No request has come yet" in client.get("/").text
    world = worlds.of("sandbox")
    before = world.hash()
    shown = client.get("/?world=sandbox")
    assert shown.headers["content-type"].startswith("text/html")
    assert "care-team" in shown.text
    assert "support" in shown.text
    assert world.hash() == before
