"""What the official Node SDK reads out of the answers, in a story of every operation.

The SDK is installed from its registry for the test; where that cannot be done the tests are skipped and
say why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.contract import conftest
from texml_mcp.catalog import DEFAULT
from texml_mcp.sandbox import Worlds, create_app
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION

pytestmark = pytest.mark.long

HERE = Path(__file__).parent / "node"
TOKEN = "sandbox-contract-node"
DAY = datetime(2026, 1, 15, tzinfo=UTC).date()
Answers = dict[str, Any]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the story beside an installed SDK."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    place = tmp_path_factory.mktemp("node")
    for name in ("package.json", "story.mjs"):
        shutil.copy(HERE / name, place)
    # Without scripts: a package must not run code of its own at install, and the SDK has none to run.
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    bounds = ["--fetch-retries=0", "--fetch-timeout=20000"]
    try:
        done = subprocess.run(
            [*command, *bounds], cwd=place, capture_output=True, text=True, timeout=90, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not install the SDK within 90 s")
    if done.returncode:
        pytest.skip(f"npm cannot install the SDK: {done.stderr.strip()[-300:]}")
    return place / "story.mjs"


@pytest.fixture(scope="module")
def base_url(worlds: Worlds) -> Iterator[str]:
    """As in the other contract tests, and with the control plane: another process must move the clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest, "create_app", partial(create_app, control=True))
        with conftest.serving(worlds) as url:
            yield url


@pytest.fixture(scope="module")
def answers(story: Path, base_url: str, worlds: Worlds) -> Answers:
    """What the SDK made of each answer, by operation."""
    given = {
        "BASE_URL": base_url,
        "TOKEN": TOKEN,
        "ACCOUNT_SID": ACCOUNT_SID,
        "APPLICATION_SID": MAIN_APPLICATION,
    }
    done = subprocess.run(
        ["node", story.name],
        cwd=story.parent,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _at(answer: Any, path: str) -> Any:
    for name in path.split("."):
        answer = answer[int(name)] if isinstance(answer, list) else answer[name]
    return answer


def test_every_operation_arrived_and_was_answered(answers: Answers, worlds: Worlds) -> None:
    every = {each.id for each in DEFAULT}  # the Node SDK does not have the others yet
    # The world's own count, not what the story meant to send. `*` is the count of them all.
    assert set(worlds.of(TOKEN).asked) - {"*"} == every
    assert set(answers) - {"refusal"} == every
    assert {name for name, answer in answers.items() if answer is None} == {
        "remove_conference_participant",
        "delete_queue",
        "delete_recording",
        "delete_transcription",
    }


@pytest.mark.parametrize(
    ("operation", "path", "value"),
    [
        ("create_application", "data.friendly_name", "Story"),
        ("create_application", "data.record_type", "texml_application"),
        ("list_applications", "data.0.friendly_name", "Story"),
        ("list_applications", "meta.page_number", 1),
        ("get_application", "data.voice_url", "https://texml.example.com/s"),
        ("update_application", "data.tags", ["a"]),
        ("delete_application", "data.friendly_name", "Story 2"),
        ("create_secret", "data.value", "REDACTED"),
        ("create_call", "status", "queued"),
        ("create_call", "to", "+13125550142"),
        ("list_calls", "page_size", 5),
        ("list_calls", "calls.0.status", "ringing"),
        ("get_call", "status", "in-progress"),
        ("get_call", "from", "+13125550100"),
        ("get_call", "to_formatted", "(312) 555-0142"),
        ("update_call", "status", "completed"),
        ("start_call_recording", "channels", 2),
        ("start_call_recording", "source", "StartCallRecordingAPI"),
        ("update_call_recording", "channels", 2),
        ("list_call_recordings", "recordings.0.status", "paused"),
        ("start_call_siprec", "status", "in-progress"),
        ("update_call_siprec", "status", "stopped"),
        ("start_call_stream", "status", "in-progress"),
        ("update_call_stream", "status", "stopped"),
        ("list_recordings", "page_size", 3),
        ("get_recording", "status", "completed"),
        ("list_transcriptions", "page_size", 2),
        ("get_transcription", "api_version", "2010-04-01"),
        ("list_conferences", "conferences.0.status", "in-progress"),
        ("get_conference", "region", "dc2"),
        ("update_conference", "status", "completed"),
        ("update_conference", "reason_conference_ended", "conference-ended-via-api"),
        ("dial_conference_participant", "status", "connecting"),
        ("get_conference_participant", "status", "connected"),
        ("update_conference_participant", "muted", True),
        ("update_conference_participant", "hold", False),
        ("list_conference_recordings", "recordings.0.duration", 0),
        ("list_conference_recordings_json", "recordings.0.duration", None),
        ("create_queue", "sid", "story"),
        ("create_queue", "max_size", 3),
        ("get_queue", "current_size", 0),
        ("update_queue", "max_size", 7),
    ],
)
def test_a_field_is_read_with_its_documented_value(
    answers: Answers, operation: str, path: str, value: Any
) -> None:
    found = _at(answers[operation], path)
    assert found == value
    assert type(found) is type(value)


def test_dates_are_in_the_form_that_each_resource_documents(answers: Answers) -> None:
    for path in ("date_created", "start_time"):
        assert parsedate_to_datetime(_at(answers["get_call"], path)).date() == DAY
    assert datetime.fromisoformat(answers["get_transcription"]["date_created"]).date() == DAY


def test_what_has_not_happened_yet_is_left_out(answers: Answers) -> None:
    assert "end_time" not in answers["get_call"]
    assert "end_time" in answers["update_call"]
    assert "reason_conference_ended" not in answers["get_conference"]


def test_lists_hold_what_the_story_made(answers: Answers) -> None:
    assert len(answers["list_recordings"]["recordings"]) == 3
    assert len(answers["list_transcriptions"]["transcriptions"]) == 2
    assert len(answers["list_conference_participants"]["participants"]) == 3
    assert "story" in [each["sid"] for each in answers["list_queues"]["queues"]]
    one = answers["list_calls"]["calls"][0]["sid"]
    assert answers["get_call"]["sid"] == answers["update_call"]["sid"] == one


def test_a_refusal_is_the_sdk_s_own_error_with_the_reason_inside(answers: Answers) -> None:
    refusal = answers["refusal"]
    assert (refusal["type"], refusal["status"]) == ("NotFoundError", 404)
    assert refusal["errors"] == [{"detail": "Resource not found"}]
