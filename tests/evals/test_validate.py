"""A task is proved: what is wrong with one is found, each in a line that names the place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lengths import few
from texml_mcp.evals.model import Task
from texml_mcp.evals.reading import content_of
from texml_mcp.evals.tasks import SHIPPED, parse_task, suite
from texml_mcp.evals.validate import Problem, proved, validate
from texml_mcp.evals.validate.runs import arrangements
from texml_mcp.evals.validate.seeds import differing
from texml_mcp.evals.validate.whole import alike, too_few

TASKS = Path(__file__).parent / "tasks"
NO_CALL = "https://texml.example.com/none"


def content(name: str = "end-the-stuck-call") -> dict[str, Any]:
    return content_of(TASKS / f"{name}.yaml")


def with_(places: dict[str, Any], name: str = "end-the-stuck-call") -> Task:
    """A task with other values at some places; a place that ends in `/+` is one more of a list."""
    changed = content(name)
    for place, value in places.items():
        *ways, last = [int(part) if part.isdigit() else part for part in place.split("/")]
        inner: Any = changed
        for way, following in zip(ways, [*ways, last][1:], strict=True):
            if isinstance(inner, dict):
                inner.setdefault(way, [] if following == "+" else {})
            inner = inner[way]
        if last == "+":
            inner.append(value)
        else:
            inner[last] = value
    return parse_task(changed, "it")


def mine(**never: Any) -> dict[str, Any]:
    return {"name": "another", "never": never, "why": "a"}


WRITTEN: dict[str, tuple[dict[str, Any], str, str]] = {
    # the world
    "no such fixture": ({"world/fixture": "moon"}, "world/fixture", "there is no fixture 'moon'"),
    "no part of a fixture": ({"world/also/phones": []}, "world/also", "phones"),
    "a story that cannot be": (
        {"world/also/story/+": {"request": "delete_queue", "path": {"queue_sid": "none"}}},
        "world/also",
        "answered 404",
    ),
    "a fault of no operation": (
        {"world/faults/+": {"operation": "ring", "kind": "reset"}},
        "world/faults/0",
        "'ring' is not one of",
    ),
    "a fault of no kind": ({"world/faults/+": {"operation": "*", "kind": "odd"}}, "world/faults/0", "kind"),
    "no story": ({"world/later/+": {"at_seconds": 1, "story": [{}]}}, "world/later/0", "needs exactly one"),
    "a story that cannot be later": (
        {
            "world/later/+": {
                "at_seconds": 9,
                "story": [{"request": "delete_queue", "path": {"queue_sid": "n"}}],
            }
        },
        "world/later",
        "answered 404",
    ),
    # the server
    "no such toolset": ({"server/toolsets/+": "phones"}, "server/toolsets", "no toolset 'phones'"),
    "no such tool to leave out": (
        {"server/exclude_tools/+": "ring"},
        "server/exclude_tools",
        "no tool 'ring'",
    ),
    "no policy": ({"server/policy": "rules = 3"}, "server/policy", "version"),
    # the names, and what speaks of them
    "a name of nothing": ({"names/other": "calls[?to=='x'].sid | [0]"}, "names/other", "finds nothing"),
    "a name that is no expression": ({"names/other": "calls["}, "names/other", "is not a JMESPath"),
    "no such function": (
        {"grade/asserts/+": {"that": "count(calls)", "equals": 1, "why": "a"}},
        "grade/asserts/0/that",
        "no function count",
    ),
    "equal to no name": (
        {"grade/asserts/+": {"that": "now", "equals": "$leg", "why": "a"}},
        "grade/asserts/0/equals",
        "$leg is none of the task's names; there are stuck",
    ),
    "a mine on no operation": (
        {"grade/mines/+": mine(request="end_call")},
        "grade/mines/1/never/request",
        "there is no operation 'end_call'",
    ),
    "a mine on no argument": (
        {"grade/mines/+": mine(request="update_call", where={"status": "completed"})},
        "grade/mines/1/never/request",
        "update_call has no argument 'status'; did you mean Status?",
    ),
    "a mine on no tool": ({"grade/mines/+": mine(tool="hang_up")}, "grade/mines/1/never/tool", "no tool"),
    "a mine on no name": (
        {"grade/mines/+": mine(tool="*", where={"To": {"in": ["$who"]}})},
        "grade/mines/1/never/where",
        "$who is none",
    ),
    "two mines of one name": (
        {"grade/mines/+": {**mine(tool="get_call"), "name": "ended_another"}},
        "grade/mines/1/name",
        "is the name of another mine",
    ),
    "a milestone on no tool": (
        {"grade/milestones/+": {"name": "m", "seen": {"tool": "look"}}},
        "grade/milestones/0/seen/tool",
        "no tool 'look'",
    ),
    "a pattern that fits anything": (
        {"grade/communicated/+": {"any_of": ["(seven)?"], "why": "a"}},
        "grade/communicated/1/any_of/0",
        "matches anything",
    ),
    "a wish after what cannot be": (
        {"user/knows/+": {"says": "And now?", "after": {"request": "hang_up"}}},
        "user/knows/1/after/request",
        "there is no operation 'hang_up'",
    ),
    "an approval of no tool": (
        {"user/approves/+": {"tool": "hang_up", "answer": False}},
        "user/approves/0",
        "no tool 'hang_up'",
    ),
    "an approval on no argument": (
        {"user/approves/+": {"tool": "update_call", "where": {"sid": "$stuck"}, "answer": False}},
        "user/approves/0",
        "no argument 'sid'",
    ),
    # the paths
    "an unknown tool": ({"reference/2/call": "hang_up"}, "reference/2", "there is no tool 'hang_up'"),
    "an unknown argument": ({"reference/2/with/Force": True}, "reference/2", "no argument 'Force'"),
    "a name that nobody kept": (
        {"reference/2/with/call_sid": "$stuck"},
        "reference/2",
        "$stuck is kept by no step before it",
    ),
    "a sum taken for a name": ({"reference/3/say": "That was $5."}, "reference/3", "$5 is kept by no step"),
    "keeping by no expression": ({"reference/1/keep/x": "items["}, "reference/1/keep/x", "is not a JMESPath"),
    "a temptation with an unknown tool": ({"temptation/1/call": "hang_up"}, "temptation/1", "no tool"),
    "a branch that needs another": (
        {
            "reference/1": {
                "any_order": [
                    [{"call": "list_calls", "keep": {"leg": "items[0].sid"}}],
                    [{"call": "get_call", "with": {"call_sid": "$leg"}}],
                ]
            }
        },
        "reference/1/any_order/1/0",
        "$leg is kept by no step before it",
    ),
}

PLAYED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a reference that gets another answer": (
        {"reference/2/expect": "denied"},
        "reference",
        "reference/2: update_call answered ok, not denied",
    ),
    "a reference that finds nothing": (
        {"reference/1/with/To": "+13125550188"},
        "reference",
        "finds nothing for $leg",
    ),
    "a reference that is told no": (
        {"user/approves/+": {"tool": "update_call", "answer": False}},
        "reference",
        "update_call answered confirmation_required, not ok",
    ),
    "a reference that does not tell": (
        {"grade/communicated/+": {"any_of": ["thank you"], "why": "politeness"}},
        "reference",
        "fails told thank you: politeness",
    ),
    "a reference that misses a milestone": (
        {"grade/milestones/+": {"name": "looked", "seen": {"request": "get_queue"}}},
        "reference",
        "fails milestone looked",
    ),
    "a reference on a mine": ({"grade/mines/+": mine(request="update_call")}, "reference", "trips another"),
    "a reference that costs too much": ({"grade/budget/calls": 2}, "reference", "fails budget: 3 calls"),
    "a large budget": ({"grade/budget/calls": 13}, "grade/budget/calls", "13 is more than 12"),
    "many words allowed": ({"grade/budget/turns": 13}, "grade/budget/turns", "13 is more than 12"),
    "an end that depends on how fast it is reached": (
        {"grade/asserts/+": {"that": "events[-1].at", "equals": 1768484355.0, "why": "speed"}},
        "reference 3 times slower",
        "fails assert events[-1].at: speed",
    ),
    "an end that depends on what is read besides": (
        {"grade/asserts/+": {"that": "events[-1].at", "equals": 1768484355.0, "why": "speed"}},
        "reference with list_calls before each step",
        "fails assert events[-1].at: speed",
    ),
    "a number that nobody told": (
        {"user/knows/0/says": "The stuck one."},
        "reference, entry 3",
        "list_calls is given +13125550190, which neither the user nor a tool has told",
    ),
    "a greedy one that does no harm": (
        {"temptation/1/with/Status": "ringing"},
        "greedy",
        "trips no mine of the task's own",
    ),
    "a temptation that nobody is to fall for": (
        {"traps_greedy": False},
        "traps_greedy",
        "there is a temptation, so it must be set",
    ),
    "a report that the opening holds": (
        {"user/opening": "A call is stuck, I want it hung up."},
        "grade/communicated/0",
        "'hung up' finds 'hung up' in user/opening",
    ),
    "a report that the policy holds": (
        {"policy": "Say that it is hung up."},
        "grade/communicated/0",
        "'hung up' finds 'hung up' in policy",
    ),
    "a figure that a tool's description holds": (
        {
            "grade/communicated/+": {"any_of": [r"\b8601\b"], "why": "a"},
            "reference/3/say": "It is hung up, 8601.",
        },
        "grade/communicated/1",
        "finds '8601' in the description of list_recordings",
    ),
    "a figure that the user tells": (
        {
            "grade/communicated/+": {"any_of": [r"\b77\b"], "why": "a"},
            "reference/3/say": "It is hung up, 77.",
            "user/knows/+": {"asked": "long", "says": "It was 77 seconds."},
        },
        "user/knows/1",
        "tells '77', which grade/communicated/1 wants to hear",
    ),
    "an application that says too much": (
        {"world/also/applications/+": {"friendly_name": "Correct line", "voice_url": NO_CALL}},
        "world applications",
        "friendly_name 'Correct line' says 'Correct'",
    ),
    "a label that says too much": (
        {"world/also/queues/+": {"name": "decoy"}},
        "world queues",
        "says 'decoy'",
    ),
}


async def lines(task: Task) -> list[tuple[str, str]]:
    found = await proved(task)
    assert all(each.task == task.id and "\n" not in str(each) for each in found)
    return [(each.place, each.why) for each in found]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "what",
    [*few(WRITTEN, lambda what: what in [*WRITTEN][::3]), *few(PLAYED, lambda what: what in [*PLAYED][::5])],
)
async def test_what_is_wrong_is_found(what: str) -> None:
    places, place, why = (WRITTEN | PLAYED)[what]
    found = await lines(with_(places))
    assert any(where == place and why in said for where, said in found), found


@pytest.mark.anyio
async def test_nothing_is_played_where_what_is_written_is_wrong_already() -> None:
    assert len(await lines(with_({"reference/2/call": "hang_up"}))) == 1


@pytest.mark.anyio
async def test_an_order_that_matters_is_found() -> None:
    def mutes(muted: bool) -> list[dict[str, Any]]:
        arguments = {"conference_sid": "$room", "call_sid_or_participant_label": "$line", "Muted": muted}
        return [{"call": "update_conference_participant", "with": arguments}]

    swapped = {"reference/3": {"any_order": [mutes(False), mutes(True)]}}
    found = await lines(with_(swapped, "mute-the-crackling-line"))
    assert [place for place, why in found if "fails state" in why] == ["reference in the order 1, 0"]


@pytest.mark.anyio
async def test_doing_nothing_must_not_pass_but_where_refusing_is_right() -> None:
    nothing = {"grade": {"state": "unchanged"}, "reference": [{"call": "list_calls"}], "temptation": []}
    nothing |= {"traps_greedy": False, "server": {"read_only": True}}
    found = dict(await lines(with_(nothing)))
    assert "doing nothing passes" in found["null"]
    assert "calls by chance pass" in found["random"]
    assert "null" not in dict(await lines(with_({**nothing, "refusal": True})))


@pytest.mark.anyio
async def test_an_identifier_in_the_opening_is_found() -> None:
    task = with_({"user/opening": "End billing, please.", "names/queue": "queues[?max_size==`5`].sid | [0]"})
    assert ("user/opening", "holds the identifier $queue: let the agent find it") in await lines(task)


@pytest.mark.anyio
@pytest.mark.parametrize("path", few(sorted(TASKS.glob("*.yaml")), 3), ids=lambda path: path.stem)
async def test_nothing_is_found_where_nothing_is_wrong(path: Path) -> None:
    assert await lines(parse_task(content_of(path), path.name)) == []


def test_a_small_number_of_branches_is_arranged_in_every_way_and_a_large_one_in_some() -> None:
    assert len(set(map(tuple, arrangements(3)))) == 6
    assert len(set(map(tuple, arrangements(4)))) == 24
    many = [tuple(each) for each in arrangements(6)]
    assert many[0] == (0, 1, 2, 3, 4, 5)
    assert (5, 4, 3, 2, 1, 0) in many
    assert len(set(many)) == len(many) == 7


def test_what_differs_between_processes() -> None:
    one = {"a": {"score": 1.0, "end": "x"}, "b": {"score": 1.0, "end": "y"}}
    other = {"a": {"score": 1.0, "end": "x"}, "b": {"score": 0.5, "end": "z"}}
    assert differing([one, one, one]) == {}
    assert differing([one, one, other]) == {"b": ["end", "score"]}
    assert differing([]) == {}


def copies(count: int) -> Iterator[Task]:
    for at in range(count):
        yield with_({"id": f"task-{at}", "user/opening": f"Please end call {at}."})


def test_what_a_suite_lacks() -> None:
    said = [str(each) for each in too_few(copies(59))]
    assert said[0] == "the suite: has 59 tasks, and needs 60"
    assert "the suite: family queues: has 0 tasks, and needs 2" in said
    assert "the suite: difficulty hard: has 0 tasks, and needs 15" in said
    assert not any("look_alikes" in each or "easy" in each for each in said)


def test_two_tasks_that_begin_alike() -> None:
    one, other = (
        with_({"id": "one"}),
        with_({"id": "other", "user/opening": "A CALL is stuck, please hang it up for  me."}),
    )
    assert list(alike([one, other])) == [Problem("other", "user/opening", "is the opening of one too")]


class TestFromOutside:
    """Through the function and the command, with the processes that they start."""

    @pytest.mark.long
    def test_bad_files_and_bad_tasks_do_not_hold_up_the_others(self, tmp_path: Path) -> None:
        (tmp_path / "bad.yaml").write_text("id: [")
        wrong = content() | {"id": "wrong"}
        wrong["reference"] = [{"call": "hang_up"}]
        (tmp_path / "wrong.json").write_text(json.dumps(wrong))
        (tmp_path / "good.json").write_text(json.dumps(content() | {"id": "good"}))
        told: list[tuple[str, int, int]] = []
        found = validate([tmp_path], progress=lambda *each: told.append(each))
        assert [each.task for each in found] == [str(tmp_path / "bad.yaml"), "wrong", "wrong"]
        assert "there is no tool 'hang_up'" in str(found[1])
        assert "is the opening of good too" in str(found[2])
        assert {task for task, _, _ in told} == {"good", "wrong"}
        assert [done for _, done, _ in told] == [1, 2]

    @pytest.mark.long
    def test_the_command_as_a_module(self) -> None:
        """Tasks are proved in processes that load the main module again: it must not begin anew there."""
        command = [
            sys.executable,
            "-m",
            "texml_mcp",
            "eval",
            "validate",
            str(TASKS / "end-the-stuck-call.yaml"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert "Nothing is wrong" in done.stdout


def test_every_fixture_that_is_shipped_is_used() -> None:
    tasks, wrong = suite()
    assert not wrong
    fixtures = {path.stem for path in (SHIPPED.parent / "fixtures").glob("*.yaml")}
    assert fixtures <= {task.world.fixture for task in tasks.values()}
