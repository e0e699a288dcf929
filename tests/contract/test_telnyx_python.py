"""What the official Python SDK reads out of the answers: its own fields, in the documented forms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.story import METHODS, method, settled, steps
from texml_mcp.catalog import ENDPOINTS
from texml_mcp.sandbox import Worlds
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION

if TYPE_CHECKING:
    import telnyx

STRICT: dict[str, Any] = {"_strict_response_validation": True, "max_retries": 0}
CALLEE = "+13125550142"
DAY = datetime(2026, 1, 15, tzinfo=UTC).date()

# Answers to the story, by endpoint, as `attribute path -> value`; a callable is given the attribute.
Expected = dict[str, Any]


def _day(value: Any) -> bool:
    """A date in the form that the SDK types as `datetime`."""
    return isinstance(value, datetime) and value.date() == DAY


def _mail_day(value: Any) -> bool:
    """A date in the form that the SDK types as text: `Thu, 15 Jan 2026 12:00:00 +0000`."""
    return parsedate_to_datetime(value).date() == DAY


def _a_call(sid: str) -> bool:
    return sid.startswith("v3:")


QUEUED: Expected = {"call_sid": _a_call, "from_": "+13125550100", "to": CALLEE, "status": "queued"}
CALL: Expected = {
    "account_sid": ACCOUNT_SID,
    "direction": "outbound",
    "from_": "+13125550100",
    "to": CALLEE,
    "to_formatted": "(312) 555-0142",
    "date_created": _mail_day,
    "start_time": _mail_day,
}
EXPECTED: dict[str, Expected] = {
    "create_application": {
        "data.friendly_name": "Story",
        "data.active": True,
        "data.record_type": "texml_application",
        "data.id": lambda sid: len(sid) == 19 and sid.isdigit(),
        "data.inbound.sip_subdomain_receive_settings": "from_anyone",
        "data.outbound.outbound_voice_profile_id": None,
    },
    "list_applications": {
        "meta.page_number": 1,
        "data": lambda found: [x.friendly_name for x in found] == ["Story"],
    },
    "get_application": {"data.voice_url": "https://texml.example.com/s"},
    "update_application": {"data.friendly_name": "Story 2", "data.tags": ["a"], "data.active": True},
    "delete_application": {"data.friendly_name": "Story 2"},
    "create_secret": {"data.name": "My Secret", "data.value": "REDACTED"},
    "create_call": {"from_": "+13125550100", "to": CALLEE, "status": "queued"},
    "list_calls": {
        "page": 0,
        "page_size": 5,
        "start": 0,
        "calls": lambda found: found[0].status == "ringing",
    },
    "get_call": {**CALL, "status": "in-progress", "end_time": None},
    "update_call": {**CALL, "status": "completed", "end_time": _mail_day},
    "start_call_recording": {
        "channels": 2,
        "source": "StartCallRecordingAPI",
        "track": "both",
        "duration": None,
        "start_time": _day,
    },
    "update_call_recording": {"channels": 2, "date_updated": _day},
    "list_call_recordings": {"recordings": lambda found: [each.status for each in found] == ["paused"]},
    "start_call_siprec": {"status": "in-progress", "track": "both_tracks", "start_time": _mail_day},
    # The one error_code that is documented as never null.
    "update_call_siprec": {"status": "stopped", "error_code": ""},
    "start_call_stream": {"status": "in-progress", "date_updated": _day},
    "update_call_stream": {"status": "stopped"},
    "list_recordings": {"page_size": 3, "recordings": lambda found: len(found) == 3},
    "get_recording": {
        "status": "completed",
        "duration": str.isdigit,
        "media_url": lambda url: url.startswith("https://"),
        "subresources_uris.transcriptions": lambda uri: uri is None or uri.startswith("/v2/texml/"),
    },
    "list_transcriptions": {"page_size": 2, "transcriptions": lambda found: len(found) == 2},
    "get_transcription": {"api_version": "2010-04-01", "duration": str.isdigit, "date_created": _day},
    "list_conferences": {"conferences": lambda found: {each.status for each in found} == {"in-progress"}},
    "get_conference": {"status": "in-progress", "reason_conference_ended": None, "region": "dc2"},
    "update_conference": {"status": "completed", "reason_conference_ended": "conference-ended-via-api"},
    "list_conference_participants": {"participants": lambda found: len(found) == 3},
    "dial_conference_participant": {"status": "connecting", "muted": False, "hold": False, "coaching": False},
    "get_conference_participant": {
        "status": "connected",
        "date_created": _mail_day,
        "coaching_call_sid": None,
    },
    "update_conference_participant": {"muted": True, "hold": False},
    "list_conference_recordings": {
        # Here a duration is a number and a status is `processing`, unlike in every other recording.
        "recordings": lambda found: [(each.duration, each.status) for each in found] == [(0, "processing")]
    },
    "list_conference_recordings_json": {"recordings": lambda found: found[0].duration is None},
    "create_queue": {"sid": "story", "max_size": 3, "current_size": 0, "average_wait_time": 0},
    "list_queues": {"queues": lambda found: "story" in [each.sid for each in found]},
    "get_queue": {"sid": "story", "max_size": 3, "date_created": _mail_day},
    "update_queue": {"max_size": 7},
    "create_connection_call": QUEUED,
    "initiate_ai_call": QUEUED,
}
WITHOUT_ANSWER = {"remove_conference_participant", "delete_queue", "delete_recording", "delete_transcription"}


def check(endpoint: str, answer: Any) -> None:
    if endpoint in WITHOUT_ANSWER:
        assert answer is None
        return
    for path, wanted in EXPECTED[endpoint].items():
        value = answer
        for name in path.split("."):
            value = getattr(value, name)
        assert wanted(value) if callable(wanted) else value == wanted, f"{endpoint}: {path} is {value!r}"


def asked(worlds: Worlds, token: str) -> set[str]:
    """The operations that arrived, as the world itself counted them: not what the story meant to send."""
    return set(worlds.of(token).asked) - {"*"}  # the count of them all


def test_every_answer_is_expected_of_something() -> None:
    assert set(EXPECTED) | WITHOUT_ANSWER == set(METHODS) == {each.id for each in ENDPOINTS}


def test_the_sync_client_reads_every_documented_field(base_url: str, worlds: Worlds) -> None:
    import telnyx

    token, notes = "sandbox-contract", dict[str, Any]()
    with telnyx.Telnyx(api_key=token, base_url=base_url, **STRICT) as client:
        for step in steps(ACCOUNT_SID, MAIN_APPLICATION):
            if step.before:
                step.before(worlds.of(token))
            positional, arguments = settled(step, notes)
            answer = method(client, step.endpoint)(*positional, **arguments)
            check(step.endpoint, answer)
            notes |= step.keep(answer) if step.keep else {}
    assert asked(worlds, token) == {each.id for each in ENDPOINTS}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_async_client_reads_every_documented_field(
    base_url: str, worlds: Worlds, anyio_backend: str
) -> None:
    import telnyx

    token, notes = "sandbox-contract-async", dict[str, Any]()
    async with telnyx.AsyncTelnyx(api_key=token, base_url=base_url, **STRICT) as client:
        for step in steps(ACCOUNT_SID, MAIN_APPLICATION):
            if step.before:
                step.before(worlds.of(token))
            positional, arguments = settled(step, notes)
            answer = await method(client, step.endpoint)(*positional, **arguments)
            check(step.endpoint, answer)
            notes |= step.keep(answer) if step.keep else {}
    assert asked(worlds, token) == {each.id for each in ENDPOINTS}


# --- iterators


@pytest.fixture
def client(base_url: str) -> Iterator[telnyx.Telnyx]:
    import telnyx

    with telnyx.Telnyx(api_key="sandbox-contract-pages", base_url=base_url, **STRICT) as made:
        yield made


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_async_iterator_walks_every_application(base_url: str, anyio_backend: str) -> None:
    import telnyx

    async with telnyx.AsyncTelnyx(api_key="sandbox-contract-pages", base_url=base_url, **STRICT) as client:
        names = [each.friendly_name async for each in client.texml_applications.list(page_size=2)]
    assert len(names) == len(set(names)) == 3


def test_the_queue_iterator_stops_at_the_first_empty_page(client: telnyx.Telnyx) -> None:
    for index in range(5):
        client.texml.accounts.queues.create(ACCOUNT_SID, friendly_name=f"queue {index}")
    everything = client.texml.accounts.queues.list(ACCOUNT_SID, page_size=100).queues
    # The SDK takes an absent or zero Page for page 1, and so asks for Page=2 after the first: it never
    # sees the second page of a list that counts from 0. The API documents zero, and so does the sandbox.
    walked = [each.sid for each in client.texml.accounts.queues.list(ACCOUNT_SID, page_size=2)]
    sids = [each.sid for each in everything]
    assert walked == [*sids[:2], *sids[4:]]
    # Asked for page 1 outright it walks on without a gap, to the end.
    listed = client.texml.accounts.queues.list(ACCOUNT_SID, page=1, page_size=2)
    assert [each.sid for each in listed] == sids[2:]


def test_the_token_of_a_call_list_leads_to_the_last_page(client: telnyx.Telnyx) -> None:
    from urllib.parse import parse_qs, urlsplit

    everything = client.texml.accounts.calls.retrieve_calls(ACCOUNT_SID, page_size=1000).calls or []
    found: list[str | None] = []
    query: dict[str, Any] = {"page_size": 20}
    for _ in islice(range(len(everything)), 20):
        page = client.texml.accounts.calls.retrieve_calls(ACCOUNT_SID, **query)
        found += [each.sid for each in page.calls or []]
        if not page.next_page_uri:
            break
        named = parse_qs(urlsplit(page.next_page_uri).query)
        query = {"page": int(named["Page"][0]), "page_size": 20, "page_token": named["PageToken"][0]}
    assert len(found) > 20
    assert found == [each.sid for each in everything]


def test_the_sdk_spells_its_date_filters_as_the_sandbox_reads_them(client: telnyx.Telnyx) -> None:
    calls = client.texml.accounts.calls.retrieve_calls
    assert calls(ACCOUNT_SID, start_time_gt="2026-01-14", start_time_lt="2026-01-16").calls
    assert calls(ACCOUNT_SID, start_time_gt="2026-01-15").calls == []
    assert calls(ACCOUNT_SID, start_time_lt="2026-01-15").calls == []
