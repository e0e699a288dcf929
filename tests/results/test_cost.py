"""What an answer costs to read, beside the JSON that it came from: on the sandbox, the same each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from texml_mcp.catalog import endpoint
from texml_mcp.results import ToolResult, many, one, render
from texml_mcp.sandbox import World, Worlds

WORLD = Worlds().of("sandbox")


def asked(
    id: str, world: World = WORLD, body: dict[str, Any] | None = None, /, **path: str
) -> tuple[ToolResult, Any]:
    """The result of a call in its summary shape, and what the API answered."""
    ours = endpoint(id)
    given = {"account_sid": world.account_sid} | path
    status, answer = world.request(id, given, {"PageSize": "20"} if ours.page else {}, body or {})
    assert status < 300, answer
    wire = given | (body or {})
    if ours.page is None:
        return one(ours, wire, answer, full=False), answer
    items = answer[ours.page.items_key]
    assert items, f"{id} has nothing to tell"
    return many(ours, wire, items, full=False, total=None, following=None), answer


def items(id: str, **path: str) -> list[dict[str, Any]]:
    page = endpoint(id).page
    assert page is not None
    return asked(id, **path)[1][page.items_key]


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def shares(result: ToolResult, answer: Any) -> tuple[float, float]:
    """How much of the upstream JSON each channel costs: text, structured."""
    upstream = len(compact(answer))
    return len(render(result)) / upstream, len(compact(result.structured())) / upstream


ROOM = next(each["sid"] for each in items("list_conferences") if each["status"] == "in-progress")
RECORDING = items("list_recordings")[-1]
CALL = next(each["sid"] for each in items("list_calls") if each["status"] == "completed")
LIVE = next(each["sid"] for each in items("list_calls") if each["status"] == "in-progress")

LISTS: dict[str, dict[str, str]] = {
    "list_calls": {},
    "list_conferences": {},
    "list_conference_participants": {"conference_sid": ROOM},
    "list_conference_recordings": {"conference_sid": ROOM},
    "list_conference_recordings_json": {"conference_sid": ROOM},
    "list_recordings": {},
    "list_call_recordings": {"call_sid": RECORDING["call_sid"]},
    "list_transcriptions": {},
    "list_queues": {},
    "list_applications": {},
}


@pytest.mark.parametrize("id", LISTS)
def test_a_list_costs_three_tenths_of_its_json_as_text(id: str) -> None:
    text, structured = shares(*asked(id, **LISTS[id]))
    assert text <= 0.3
    # Keys are paid again in each item; of a transcription most is what somebody said.
    assert structured <= (0.45 if id == "list_transcriptions" else 0.36)


def test_twenty_calls_cost_less_than_seven_hundred_tokens() -> None:
    result, _ = asked("list_calls")
    assert result.items is not None
    assert len(result.items) == 20
    assert len(render(result)) / 4 <= 700


READS: dict[str, dict[str, str]] = {
    "get_call": {"call_sid": CALL},
    "get_conference": {"conference_sid": ROOM},
    "get_conference_participant": {
        "conference_sid": ROOM,
        "call_sid_or_participant_label": items("list_conference_participants", conference_sid=ROOM)[0][
            "call_sid"
        ],
    },
    "get_recording": {"recording_sid": RECORDING["sid"]},
    "get_queue": {"queue_sid": "support"},
    "get_application": {"id": items("list_applications")[0]["id"]},
}


@pytest.mark.parametrize("id", READS)
def test_one_resource_is_told_once_in_each_channel(id: str) -> None:
    result, answer = asked(id, **READS[id])
    result.next = []  # a ready call is bought with the SIDs that it carries
    text, structured = shares(result, answer)
    assert text <= 0.42
    assert structured <= 0.54


def test_ten_typical_answers_cost_three_tenths_of_their_json() -> None:
    """Next steps included, and two writes whose answers are small."""
    world = Worlds().of("sandbox")
    application = next(each["id"] for each in items("list_applications") if each["active"])
    dial = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": application}
    told = [
        *(asked(id, world, **LISTS[id]) for id in ("list_calls", "list_conferences", "list_recordings")),
        *(asked(id, world, **LISTS[id]) for id in ("list_conference_participants", "list_queues")),
        *(asked(id, world, **READS[id]) for id in ("get_call", "get_conference", "get_recording")),
        asked("create_call", world, dial),
        asked("update_call", world, {"Status": "completed"}, call_sid=LIVE),
    ]
    upstream = sum(len(compact(answer)) for _, answer in told)
    assert sum(len(render(result)) for result, _ in told) <= 0.3 * upstream
    assert sum(len(compact(result.structured())) for result, _ in told) <= 0.37 * upstream


def test_nothing_that_a_head_says_stands_below_it_again() -> None:
    lines = render(asked("get_call", call_sid=CALL)[0]).split("\n")
    assert lines[0].startswith("Call completed")
    assert not any(line.startswith("status:") for line in lines)
    assert f"sid: {CALL}" in lines


def everyone_in_full() -> list[dict[str, Any]]:
    told = many(
        endpoint("list_conference_participants"),
        {"conference_sid": ROOM},
        items("list_conference_participants", conference_sid=ROOM),
        full=True,
        total=None,
        following=None,
    )
    assert told.items is not None
    return told.items


def test_a_list_does_not_repeat_what_it_was_asked_for() -> None:
    result, _ = asked("list_conference_participants", conference_sid=ROOM)
    assert result.items is not None
    assert not any("conference_sid" in item for item in result.items)
    assert all(item["conference_sid"] == ROOM for item in everyone_in_full())


FLAGS = ("muted", "hold", "coaching", "end_conference_on_exit")


def test_a_list_names_only_the_flags_that_are_set() -> None:
    result, answer = asked("list_conference_participants", conference_sid=ROOM)
    assert result.items is not None
    for item, before in zip(result.items, answer["participants"], strict=True):
        assert {name: item.get(name, False) for name in FLAGS} == {name: before[name] for name in FLAGS}
        assert not any(item.get(name) is False for name in FLAGS)
    assert any(item.get("muted") for item in result.items)


def test_alone_and_in_full_a_flag_that_is_off_is_told_as_such() -> None:
    alone, _ = asked("get_conference_participant", **READS["get_conference_participant"])
    assert alone.data is not None
    for each in (alone.data, *everyone_in_full()):
        assert all(each[name] in (True, False) for name in FLAGS)


def test_a_list_of_applications_says_which_are_switched_off() -> None:
    told, _ = asked("list_applications")
    assert told.items is not None
    assert all(item["active"] in (True, False) for item in told.items)


def test_the_link_to_the_audio_is_told_with_one_recording() -> None:
    rows, _ = asked("list_recordings")
    alone, answer = asked("get_recording", recording_sid=RECORDING["sid"])
    assert rows.items is not None
    assert alone.data is not None
    assert not any("media_url" in item for item in rows.items)
    assert alone.data["media_url"] == answer["media_url"]
