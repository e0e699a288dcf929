"""The official SDKs in TypeScript, of both eras, tell one story over stdio and over HTTP with a token."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Team
from tests.node_tools import NodeTools

pytestmark = pytest.mark.long

STORY = Path(__file__).with_name("story.mjs")
COMMAND = [sys.executable, "-m", "texml_mcp", "serve", "--sandbox"]
Told = dict[str, Any]


@pytest.fixture(scope="module", params=["client", "sdk"])
def sdk(request: pytest.FixtureRequest) -> str:
    """`@modelcontextprotocol/sdk` is the 1.x line with sessions, `@modelcontextprotocol/client` the 2.x."""
    return str(request.param)


@pytest.fixture(scope="module", params=["stdio", "http"])
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def told(
    tools: NodeTools,
    sdk: str,
    wire: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    """What that client made of the server."""
    given = {"SDK": sdk, "COMMAND": json.dumps(COMMAND)}
    if wire == "http":
        team: Team = request.getfixturevalue("team")
        given |= {"URL": team.service.url, "TOKEN": team.tokens["operator"]}
    place = tmp_path_factory.mktemp("story")
    done = subprocess.run(
        [tools.node, tools.beside(STORY, place)],
        cwd=place,
        env=tools.environment(place) | given,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_learns_whom_it_talks_to(told: Told, sdk: str) -> None:
    assert told["server"]["name"] == "texml-mcp"
    assert told["protocol"] == ("2025-11-25" if sdk == "sdk" else "2026-07-28")
    assert "confirmation_required" in told["instructions"]


def test_it_lists_every_tool_and_reads(told: Told) -> None:
    assert len(told["tools"]) == 39
    assert told["tools"][0] == "list_calls"
    assert (told["calls"]["status"], told["calls"]["isError"]) == ("ok", False)
    assert told["calls"]["items"][0]["sid"] in told["calls"]["text"]


def test_a_person_is_asked_each_time_and_only_a_tick_hangs_up(told: Told) -> None:
    *refused, done = told["answered"]
    assert [each["status"] for each in refused] == ["declined"] * 3
    assert all(each["text"].startswith("NOT EXECUTED") for each in refused)
    assert (done["status"], done["data"]["status"]) == ("ok", "completed")
    assert len(told["questions"]) == 4
    for question in told["questions"]:
        assert "hangs up on the people talking" in question["message"]
        assert done["data"]["sid"] in question["message"]
        assert question["requestedSchema"]["required"] == ["confirm"]


def test_a_yes_to_a_call_that_was_given_up_does_nothing(told: Told) -> None:
    assert "answered" not in told["abandoned"]
    assert "too late" in told["abandoned"]["message"]
    assert told["spared"]["data"]["status"] == "in-progress"


def test_without_forms_a_token_is_taken_and_works_once(told: Told) -> None:
    first, second, replayed = told["first"], told["second"], told["replayed"]
    assert (first["status"], second["status"]) == ("confirmation_required", "ok")
    assert first["text"].startswith("NOT EXECUTED")
    assert replayed["status"] == "confirmation_required"
    assert replayed["confirm_token"] != first["confirm_token"]


def test_it_sees_progress(told: Told) -> None:
    """Of a wait: the 2.x line drops a report that arrives together with the answer, as a page's may."""
    assert told["waited"]["data"]["status"] == "ringing"
    assert told["waited"]["notes"][0].startswith("Still ringing after")
    first, second, *_ = told["progress"]
    assert first["progress"] < second["progress"] <= 3
    assert {each["total"] for each in told["progress"]} == {3}
    assert second["message"].startswith("ringing after")


def test_a_call_that_is_given_up_ends_on_the_server_too(told: Told) -> None:
    assert "answered" not in told["givenUp"]
    assert "given up" in told["givenUp"]["message"]
    assert told["afterwards"] == "ok"


def test_prompts_resources_and_completions(told: Told) -> None:
    assert "place_call_and_report" in told["prompts"]
    (message,) = told["prompt"]["messages"]
    assert "<Say>Hello &amp; goodbye</Say>" in message["content"]["text"]
    assert "texml://verbs" in told["resources"]
    assert told["templates"] == ["texml://calls/{call_sid}"]
    assert "Say" in told["verbs"]["verbs"]["Response"]["inside"]
    assert told["completed"]["completion"]["values"] == [told["answered"][-1]["data"]["sid"]]


def test_what_is_not_there_is_a_protocol_error_of_its_era(told: Told, sdk: str) -> None:
    assert told["noTool"]["code"] == -32602
    assert "Unknown tool 'call_everyone'" in told["noTool"]["message"]
    assert told["noResource"]["code"] == (-32002 if sdk == "sdk" else -32602)
    assert told["noResource"]["data"] == {"uri": "texml://nothing"}


def test_only_a_token_lets_it_in(told: Told, wire: str) -> None:
    refused = [told[who] for who in ("nobody", "wrong") if who in told]
    assert len(refused) == (2 if wire == "http" else 0)
    assert all("Authentication required" in json.dumps(each) for each in refused)
