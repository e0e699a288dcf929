"""Fixture files: what they hold becomes a world, and what is wrong in them is said with its place."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp.catalog import endpoint
from texml_mcp.sandbox.fixture import FixtureError, world_from
from texml_mcp.sandbox.fixture_file import check, load_fixture, schema, world_from_file
from texml_mcp.sandbox.people import DEFAULT_CALLEE, DOES

CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "app/1", "Texml": "<Response/>"}
INBOUND = "/story/0/inbound"
WHOLE: dict[str, Any] = {
    "account_sid": "any account",
    "seed": "tuesday",
    "settings": {"tick_seconds": 0, "answers_call_sid": True, "rate_limit": 50},
    "documents": {"*": "<Response><Pause length='9'/></Response>"},
    "callees": [{"match": "+1312555014*", "does": "answers", "rings_seconds": 2, "presses": "1w2"}],
    "applications": [{"id": "app/1", "friendly_name": "Desk", "voice_url": "https://a.example.com/"}],
    "queues": [{"name": "support", "max_size": 3}],
    "story": [
        {"request": "create_call", "body": CALL},
        {"advance": 5},
        {"inbound": {"from": "+13125550143", "application": "app/1", "says": "Hello"}},
    ],
}
YAML = """
account_sid: any account
applications:
  - {id: app-1, friendly_name: Desk, voice_url: https://a.example.com/}
callees:
  - {match: "+13125550142", does: no-answer}
story:
  - inbound: {from: "+13125550143", application: app-1}
"""


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_the_schema_is_a_json_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema())


def test_a_file_tells_the_world_that_its_content_tells(tmp_path: Path) -> None:
    path = written(tmp_path / "day.json", WHOLE)
    world = world_from_file(path)
    assert world.hash() == world_from(WHOLE).hash()
    assert world.account_sid == "any account"
    assert [each["status"] for each in world.table("calls").values()] == ["completed", "in-progress"]


def test_the_name_is_the_seed_where_the_file_has_none(tmp_path: Path) -> None:
    path = written(tmp_path / "day.json", {})
    assert world_from_file(path, "monday").seed == "monday"
    assert world_from_file(written(path, {"seed": "own"}), "monday").seed == "own"


def test_yaml_tells_the_same_as_json(tmp_path: Path) -> None:
    import yaml

    path = written(tmp_path / "day.yaml", YAML)
    same = written(tmp_path / "day.json", yaml.safe_load(YAML))
    assert load_fixture(path) == load_fixture(same)
    assert world_from_file(path).hash() == world_from_file(same).hash()


def test_yaml_without_pyyaml_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(FixtureError, match=r"texml-mcp\[yaml\]"):
        load_fixture(written(tmp_path / "day.yml", YAML))
    assert load_fixture(written(tmp_path / "day.json", WHOLE)) == WHOLE


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ([], ""),
        ({"storey": []}, ""),
        ({"seed": 5}, "/seed"),
        ({"settings": {"tick_seconds": "1"}}, "/settings/tick_seconds"),
        ({"settings": {"tick_seconds": -1}}, "/settings/tick_seconds"),
        ({"documents": {"https://a.example.com/x": 1}}, "/documents/https:~1~1a.example.com~1x"),
        ({"callees": {}}, "/callees"),
        ({"callees": [{"match": 13125550142}]}, "/callees/0/match"),
        ({"callees": [{"match": "*"}, {"match": "*", "does": "sings"}]}, "/callees/1/does"),
        ({"callees": [{"match": "*", "mood": "good"}]}, "/callees/0"),
        ({"applications": [{"friendly_name": "A"}]}, "/applications/0"),
        ({"applications": [{"friendly_name": "A", "voice_url": "", "activ": True}]}, "/applications/0"),
        ({"callees": [{"match": "*", "presses": "1\n"}]}, "/callees/0/presses"),
        ({"queues": [{"name": "q", "max_size": 1.5}]}, "/queues/0/max_size"),
        ({"story": [{"advance": 1}, {"advance": -1}]}, "/story/1/advance"),
        ({"story": [{"advance": 1, "request": "list_calls"}]}, "/story/0"),
        ({"story": [{"advance": 1, "body": {}}]}, "/story/0"),
        ({"story": [{}]}, "/story/0"),
        ({"story": [{"inbound": {"from": "+13125550143"}}]}, "/story/0/inbound"),
    ],
)
def test_the_schema_refuses_and_names_the_place(content: Any, pointer: str, tmp_path: Path) -> None:
    with pytest.raises(FixtureError) as caught:
        world_from_file(written(tmp_path / "day.json", content))
    assert caught.value.pointer == pointer
    assert f"day.json: {pointer}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"story": [{"request": "sing"}]}, "/story/0/request"),
        ({"story": [{"advance": 1}, {"request": "get_call", "path": {"call_sid": "none"}}]}, "/story/1"),
        (
            {"story": [{"inbound": {"from": "+13125550143", "application": "none"}}]},
            "/story/0/inbound/application",
        ),
        ({"applications": 2 * [WHOLE["applications"][0]]}, "/applications/1/id"),
    ],
)
def test_what_cannot_happen_is_refused_with_its_place(content: Any, pointer: str, tmp_path: Path) -> None:
    check(content)
    with pytest.raises(FixtureError) as caught:
        world_from_file(written(tmp_path / "day.json", content))
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("day.json", "{", "line 1, column 2"),
        ("day.json", '{"seed": "a", "seed": "b"}', "twice"),
        ("day.json", '{"story": [{"advance": NaN}]}', "NaN"),
        ("day.json", "[" * 100_000, "too deeply"),
        ("day.yaml", "a: [", "not YAML"),
        ("day.yaml", "documents: {1: x}", "/documents: the key 1"),
        ("day.yaml", "documents: &a {b: *a}", "too deeply"),
        ("day.yaml", "callees: [{match: +13125550142}]", "needs quotes"),
        ("day.yaml", "!!python/object/apply:os.getcwd []", "not YAML"),
    ],
)
def test_a_file_that_is_no_fixture_is_refused(name: str, text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(FixtureError) as caught:
        load_fixture(written(tmp_path / name, text))
    assert name in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match="cannot be read"):
        load_fixture(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes(b'{"seed": "\xe9"}')
    with pytest.raises(FixtureError, match="UTF-8"):
        load_fixture(tmp_path / "latin.json")


# --- the schema and the world know the same names


def test_the_schema_has_every_setting_field_and_parameter() -> None:
    given = schema()["properties"]
    parts = schema()["$defs"]
    assert set(given["settings"]["properties"]) == set(world_from({}).settings())
    person = set(parts["person"]["properties"])
    assert person | {"match"} == set(DEFAULT_CALLEE)
    assert parts["person"]["properties"]["does"]["enum"] == list(DOES)
    documented = {each.name for each in endpoint("create_application").body_params}
    assert set(parts["application"]["properties"]) == documented | {"id"}


seconds = st.floats(min_value=-5, max_value=2e6) | st.integers(-5, 50) | st.none() | st.booleans()
callees = st.fixed_dictionaries(
    {"match": st.sampled_from(["*", "+13125550142", 7])},
    optional={
        "does": st.sampled_from([*DOES, "sings"]),
        "rings_seconds": seconds,
        "hangs_up_after_seconds": seconds,
        "greeting_seconds": seconds,
        "presses": st.text("019*#ABCDwx\n", max_size=4),
        "says": st.text(max_size=4) | st.integers(),
        "mood": st.text(max_size=4),
    },
)
settings = st.dictionaries(
    st.sampled_from(["tick_seconds", "lag_seconds", "rate_limit", "answers_call_sid", "colour"]), seconds
)


@given(st.fixed_dictionaries({"callees": st.lists(callees, max_size=2), "settings": settings}))
def test_the_schema_accepts_what_the_world_accepts(content: dict[str, Any]) -> None:
    def accepts(judge: Any) -> bool:
        try:
            judge(content)
        except FixtureError:
            return False
        return True

    assert accepts(check) == accepts(world_from)


CONFERENCE = "<Response><Dial><Conference>care</Conference></Dial></Response>"
NAMED: list[dict[str, Any]] = [
    {"request": "create_call", "body": {**CALL, "Texml": CONFERENCE}, "as": "anna"},
    {"inbound": {"from": "+13125550143", "application": "app/1", "caller_name": "Sam"}, "as": "sam"},
    {"advance": 5},
    {"request": "list_conferences", "query": {"FriendlyName": "care"}, "as": "room"},
    {
        "request": "update_conference_participant",
        "path": {"conference_sid": "${room}", "call_sid_or_participant_label": "${anna}"},
        "body": {"Muted": True},
    },
    {"request": "update_call", "path": {"call_sid": "${sam}"}, "body": {"Status": "completed"}},
]


def test_a_story_goes_on_with_what_its_steps_have_made(tmp_path: Path) -> None:
    world = world_from_file(written(tmp_path / "day.json", {**WHOLE, "story": NAMED}))
    (room,) = world.table("conferences").values()
    assert [each["muted"] for each in room["participants"].values()] == [True]
    (sam,) = [each for each in world.table("calls").values() if each["from"] == "+13125550143"]
    assert (sam["status"], sam["caller_name"]) == ("completed", "Sam")


@pytest.mark.parametrize(
    ("story", "place", "why"),
    [
        (NAMED[4:5], "/story/0", "named by no step before; there are none"),
        ([NAMED[0], NAMED[5]], "/story/1", "there are anna"),
        ([{"advance": 1, "as": "time"}], "/story/0/as", "nothing that has a sid"),
        ([NAMED[3]], "/story/0/as", "nothing that has a sid"),
        ([{**NAMED[0], "as": "an na"}], "/story/0/as", "does not match"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(
    story: list[dict[str, Any]], place: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(FixtureError, match=why) as refused:
        world_from_file(written(tmp_path / "day.json", {**WHOLE, "story": story}))
    assert refused.value.pointer == place
