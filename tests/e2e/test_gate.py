"""Policy, duplicates, secrets from the environment, and approvals by somebody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp import Client

from tests.e2e.conftest import CALL, YES, Connect, Counting, answering, story, texts
from texml_mcp.gate.external import NotAllowedError, Queue
from texml_mcp.gate.state import State
from texml_mcp.sandbox import Worlds

pytestmark = pytest.mark.anyio


def policy(where: Path, text: str) -> str:
    path = where / "policy.toml"
    path.write_text(f"version = 1\n{text}")
    return str(path)


async def test_a_policy_denies_by_argument(connect: Connect, network: Counting, tmp_path: Path) -> None:
    rule = """
[[rules]]
name = "no-recording"
action = "deny"
tools = ["create_call"]
when.Record = true
reason = "Calls are not recorded here."
"""
    person = answering(YES)
    async with connect(policy=policy(tmp_path, rule), client=person) as client:
        denied = await client.call_tool("create_call", CALL | {"Record": True})
        assert story(denied)["status"] == "denied"
        assert "Calls are not recorded here." in texts(denied)
        assert "NOT EXECUTED" in texts(denied)
        assert network.writes == []
        assert story(await client.call_tool("create_call", CALL))["status"] == "ok"
    assert len(person["elicitation_callback"].asked) == 1


async def test_a_policy_that_vanishes_stops_every_write(
    connect: Connect, network: Counting, tmp_path: Path
) -> None:
    path = policy(tmp_path, '[tools]\ncreate_queue = "allow"\n')
    async with connect(policy=path) as client:
        assert story(await client.call_tool("create_queue", {"FriendlyName": "a"}))["status"] == "ok"
        Path(path).unlink()
        gone = story(await client.call_tool("create_queue", {"FriendlyName": "b"}))
        assert story(await client.call_tool("list_queues", {}))["status"] == "ok"
    assert gone["status"] == "denied"
    assert len(network.writes) == 1


async def test_an_identical_create_is_asked_about_again(connect: Connect, network: Counting) -> None:
    async with connect() as client:
        first = story(await client.call_tool("create_queue", {"FriendlyName": "twice"}))
        second = story(await client.call_tool("create_queue", {"FriendlyName": "twice"}))
        other = story(await client.call_tool("create_queue", {"FriendlyName": "another"}))
        assert (first["status"], other["status"]) == ("ok", "ok")
        assert second["status"] == "confirmation_required"
        assert "would be a second one" in second["preview"]
        again = story(await client.call_tool(second["next"][0]["tool"], second["next"][0]["arguments"]))
    assert again["status"] == "ok"
    assert len(network.writes) == 3


async def test_a_second_identical_call_names_the_first(connect: Connect, network: Counting) -> None:
    person = answering(YES, YES)
    async with connect(client=person) as client:
        sid = story(await client.call_tool("create_call", CALL))["data"]["sid"]
        await client.call_tool("create_call", CALL)
    first, second = person["elicitation_callback"].asked
    assert "second one" not in first
    assert "The same call was sent" in second
    assert sid in second


async def test_a_secret_need_not_pass_through_the_model(
    connect: Connect, worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIN_OF_TODAY", "hunter2")
    person = answering(YES)
    async with connect(secret_env="PIN_OF_TODAY", client=person) as client:
        stored = await client.call_tool("create_secret", {"name": "pin", "value_env": "PIN_OF_TODAY"})
        other = story(await client.call_tool("create_secret", {"name": "pin", "value_env": "HOME"}))
        both = story(
            await client.call_tool("create_secret", {"name": "a", "value": "b", "value_env": "HOME"})
        )
    assert story(stored)["status"] == "ok"
    assert "hunter2" not in texts(stored) + json.dumps(stored.structured_content)
    assert "hunter2" not in person["elicitation_callback"].asked[0]
    assert "PIN_OF_TODAY" in other["summary"]
    assert other["code"] == "invalid_argument"
    assert both["code"] == "conflicting_arguments"
    assert "pin" in worlds.of("sandbox").table("secrets")


async def test_an_external_approval_is_given_by_somebody_else_and_works_once(
    connect: Connect, network: Counting, tmp_path: Path
) -> None:
    queue = Queue(State(tmp_path))
    async with connect(confirm="external", state_dir=tmp_path) as client:
        first = await client.call_tool("create_call", CALL)
        assert story(first)["status"] == "approval_pending"
        assert "NOT EXECUTED" in texts(first)
        (waiting,) = queue.listed()
        assert waiting.id in story(first)["summary"]
        assert "rings a phone" in waiting.words
        repeated = story(await client.call_tool("create_call", CALL))
        assert waiting.id in repeated["summary"], "asking twice asks once"
        with pytest.raises(NotAllowedError, match="somebody else"):
            queue.settle(waiting.id, "assistant", approve=True)
        assert network.writes == []
        queue.settle(waiting.id, "supervisor", approve=True)
        with pytest.raises(NotAllowedError, match="approved by supervisor"):
            queue.settle(waiting.id, "other", approve=False)
        assert story(await client.call_tool("create_call", CALL))["status"] == "ok"
        assert story(await client.call_tool("create_call", CALL))["status"] == "approval_pending"
    assert len(network.writes) == 1


async def test_an_external_denial_says_who_and_why(
    connect: Connect, network: Counting, tmp_path: Path
) -> None:
    queue = Queue(State(tmp_path))
    async with connect(confirm="external", state_dir=tmp_path) as client:
        await client.call_tool("create_call", CALL)
        queue.settle(queue.listed()[0].id, "supervisor", approve=False, reason="not before noon")
        told = story(await client.call_tool("create_call", CALL))
    assert told["status"] == "declined"
    assert "supervisor said no. Reason: not before noon." in told["summary"]
    assert network.writes == []


async def test_every_step_is_in_the_audit_trail(connect: Connect, tmp_path: Path) -> None:
    async with connect(state_dir=tmp_path, client=answering(YES)) as client:
        await client.call_tool("create_call", CALL)
        await client.call_tool("create_call", CALL | {"To": "sip:911@example.com"})
    from texml_mcp.gate import audit

    assert audit.verify(tmp_path / "audit.jsonl").ok
    lines = audit.tail(tmp_path / "audit.jsonl", 10)
    told = [(line["event"], line["decision"], line["outcome"]) for line in lines]
    assert ("sending", "confirm", "") in told
    assert ("settled", "confirm", "ok") in told
    assert ("denied", "deny", "") in told
    kinds = {line["approval"]["kind"] for line in lines if line["event"] == "sending"}
    assert kinds == {"form"}
    assert "+13125550142" not in (tmp_path / "audit.jsonl").read_text()


async def _record_and_stop(client: Client, sid: str) -> None:
    await client.call_tool("get_call", {"call_sid": sid, "wait_for": "in-progress", "max_wait_seconds": 2})
    started = story(await client.call_tool("start_call_recording", {"call_sid": sid}))
    recording = {"call_sid": sid, "recording_sid": started["data"]["sid"], "Status": "stopped"}
    await client.call_tool("update_call_recording", recording)
    await client.call_tool("create_queue", {"FriendlyName": "passes the time"})
    await client.call_tool("list_recordings", {})


async def test_open_calls_are_counted_until_a_read_shows_their_end(
    connect: Connect, worlds: Worlds, tmp_path: Path
) -> None:
    path = policy(tmp_path, "[guards]\nconcurrent_calls = 1\n")
    async with connect(policy=path, confirm="off") as client:
        sid = story(await client.call_tool("create_call", CALL))["data"]["sid"]
        worlds.of("sandbox").advance(5)
        busy = story(await client.call_tool("create_call", CALL | {"To": "+13125550150"}))
        assert (busy["status"], busy["code"]) == ("denied", "concurrent_calls")
        await _record_and_stop(client, sid)
        still = story(await client.call_tool("create_call", CALL | {"To": "+13125550150"}))
        assert still["code"] == "concurrent_calls", "a recording that ends is no call that ends"
        await client.call_tool("update_call", {"call_sid": sid, "Status": "completed"})
        freed = story(await client.call_tool("create_call", CALL | {"To": "+13125550150"}))
    assert freed["status"] == "ok"


async def test_a_policy_can_deny_a_read(connect: Connect, tmp_path: Path) -> None:
    path = policy(tmp_path, '[tools]\nlist_transcriptions = "deny"\n')
    async with connect(policy=path) as client:
        assert story(await client.call_tool("list_transcriptions", {}))["status"] == "denied"
        assert story(await client.call_tool("list_recordings", {}))["status"] == "ok"


@pytest.mark.parametrize("name", ["assistant", "operations", "evaluation", "sandbox"])
def test_no_shipped_policy_denies_a_read(name: str) -> None:
    from texml_mcp.catalog import ENDPOINTS
    from texml_mcp.gate.policy import decide, shipped

    for endpoint in ENDPOINTS:
        if endpoint.reads:
            assert decide(shipped(name), endpoint, {}).action == "allow"


async def test_the_question_names_the_cost_when_a_rate_is_configured(
    connect: Connect, tmp_path: Path
) -> None:
    path = policy(tmp_path, "[guards]\nrate_per_minute_cost = 0.02\ndefault_time_limit_seconds = 600\n")
    async with connect(policy=path) as client:
        asked = story(await client.call_tool("create_call", CALL))
    assert "At most 0.20 by the configured rate." in asked["preview"]
    assert "is in US" in asked["preview"]
    assert "local time" in asked["preview"]
    assert asked["next"][0]["arguments"]["TimeLimit"] == 600 or "TimeLimit 600" in asked["preview"]


async def test_what_a_ready_call_leaves_out_is_said(connect: Connect) -> None:
    hidden = CALL | {"Url": "https://desk:hunter22@example.com/a.xml"}
    async with connect() as client:
        asked = story(await client.call_tool("create_call", hidden))
        assert "hunter22" not in json.dumps(asked)
        assert any("next leaves out Url" in note for note in asked["notes"])
        ready = asked["next"][0]["arguments"] | {"Url": hidden["Url"]}
        assert story(await client.call_tool("create_call", ready))["status"] == "ok"
