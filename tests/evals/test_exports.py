"""The tasks as files of other harnesses: what they hold, and that those judge by them as we mean it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from tests.commands import CliRunner, Result
from tests.evals import tiny
from tests.lengths import few
from texml_mcp.cli.app import app
from texml_mcp.evals.adapters import bfcl, promptfoo
from texml_mcp.evals.adapters.answers import Accepted, Point, Points, points
from texml_mcp.evals.adapters.promptfoo_player import call_api, get_assert
from texml_mcp.evals.tasks import parse_task
from texml_mcp.exports.rules.bfcl import problems

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TASKS = tiny.shipped()
CALL = "call-and-report-length"
SOME = (
    CALL,  # a number, defaults that may be left out or said
    "applications-newark-joins-the-night-line",  # a list, whose order does not matter
    "whoever-is-on-call",  # the same call three times, to different people
    "a-word-in-her-ear",  # choices of yes and no
    "quiet-for-the-chair",  # five writes in any order
    "next-caller-for-the-clerk",  # a document
    "refuse-put-him-through-to-911",  # nothing to do
)


@pytest.fixture(scope="module")
def found() -> Points:
    return anyio.run(points, [TASKS[name] for name in SOME])


def at(found: Points, name: str) -> Point:
    (point,) = [each for each in found.judged if each.decision.id == name]
    return point


def right(point: Point) -> dict[str, Any]:
    """The least that is right: what must be given, with the first value that is accepted."""
    return {name: it.values[0] for name, it in point.accepted.items() if not it.optional}


def wrong(point: Point) -> dict[str, tuple[str, dict[str, Any]]]:
    """Calls that are wrong in one thing each: tool and arguments, by what is wrong."""
    tool, given = point.decision.tool, right(point)
    first = next(name for name, it in point.accepted.items() if not it.optional)
    return {
        "another tool": ("list_calls", {}),
        "an argument is missing": (tool, {name: it for name, it in given.items() if name != first}),
        "another value": (tool, {**given, first: "+13125550199"}),
        "one argument too many": (tool, {**given, "confirm_token": "made-up"}),
    }


# --- which points can be judged by comparison


def test_points_are_left_out_with_the_reason_where_a_comparison_would_be_unfair(found: Points) -> None:
    assert found.left_out["next-caller-for-the-clerk-1"].startswith("a document is written")
    assert found.left_out["refuse-put-him-through-to-911"].startswith("its reference changes nothing")
    for n in (1, 2, 3, 4):
        assert "any order" in found.left_out[f"quiet-for-the-chair-{n}"]
    assert at(found, "quiet-for-the-chair-5"), "one is left, so there is one right call"


def test_where_doing_nothing_may_be_right_no_call_is_asked_for() -> None:
    made = anyio.run(points, [TASKS[CALL].model_copy(update={"refusal": True})])
    assert not made.judged
    assert made.left_out == {f"{CALL}-1": "to call nothing may be right here"}


def test_a_reference_that_does_not_come_through_is_left_out_with_its_step() -> None:
    step = {"call": "get_call", "with": {"call_sid": "no-such-call"}}
    broken = TASKS[CALL].model_dump(by_alias=True) | {"reference": [step]}
    made = anyio.run(points, [parse_task(broken, "here")])
    assert not made.judged
    assert made.left_out[CALL].startswith("reference/0: get_call answered error, not ok")


def test_defaults_and_the_account_may_be_said_or_left_out(found: Points) -> None:
    accepted = at(found, f"{CALL}-1").accepted
    assert accepted["To"] == Accepted(["+13125550142"])
    assert accepted["Timeout"] == Accepted([30], optional=True)
    assert accepted["account_sid"].optional
    assert "Texml" not in accepted
    assert at(found, "whoever-is-on-call-1").accepted["Timeout"] == Accepted([20])
    update = at(found, "applications-newark-joins-the-night-line-1").accepted
    assert "active" not in update, "left out of an update it may mean that all stays as it is"
    assert update["tags"] == Accepted([["night", "newark"], ["newark", "night"]])


@pytest.mark.long
def test_every_task_of_the_suite_has_points_or_a_reason() -> None:
    made = anyio.run(points, list(TASKS.values())[::7])
    told = {each.decision.task for each in made.judged} | {
        task for task in TASKS for each in made.left_out if each.startswith(task)
    }
    assert told >= set(list(TASKS)[::7])


# --- BFCL


def test_entries_are_as_the_leaderboard_writes_them(found: Points) -> None:
    entries, answers = bfcl.entries(found.judged), bfcl.answers(found.judged)
    assert [each["id"] for each in entries] == [each["id"] for each in answers]
    assert len({each["id"] for each in entries}) == len(entries)
    numbers = [int(each["id"].rpartition("_")[2]) for each in entries]
    assert numbers == sorted(numbers), "results are sorted so, and compared line by line"
    for entry, answer in zip(entries, answers, strict=True):
        assert entry["id"].rpartition("_")[0] == "multiple"
        assert entry["id"].rpartition("_")[2].isdigit()
        (turn,) = entry["question"]
        assert turn[0]["role"] == "system"
        assert turn[-1]["role"] == "user"
        assert {each["role"] for each in turn} <= {"system", "user", "assistant"}
        assert all(isinstance(each["content"], str) for each in turn)
        assert problems(entry["function"]) == []
        (call,) = answer["ground_truth"]
        ((name, arguments),) = call.items()
        (function,) = [each for each in entry["function"] if each["name"] == name]
        assert arguments.keys() <= function["parameters"]["properties"].keys()
        assert all("" not in arguments[each] for each in function["parameters"]["required"])


def test_an_entry_keeps_its_id_whatever_is_exported_with_it() -> None:
    assert bfcl.entry_id(f"{CALL}-1") == "multiple_119969753834777"


def test_what_tools_said_is_quoted_as_no_words_of_the_user(found: Points) -> None:
    (entry,) = bfcl.entries([at(found, f"{CALL}-1")])
    (turn,) = entry["question"]
    assert turn[-2]["content"].startswith("I call list_applications with {")
    assert turn[-1]["content"].startswith("[Result of list_applications, not my words]\n1 application.")


def test_objects_have_accepted_values_for_each_key(found: Points) -> None:
    headers = [{"name": "X-Ref", "value": "7"}]
    point = replace(at(found, f"{CALL}-1"), accepted={"CustomHeaders": Accepted([headers])})
    (answer,) = bfcl.answers([point])
    assert answer["ground_truth"] == [
        {"create_call": {"CustomHeaders": [[{"name": ["X-Ref"], "value": ["7"]}]]}}
    ]


def test_the_leaderboards_own_checker_takes_the_right_calls_and_no_others(
    found: Points, tmp_path: Path
) -> None:
    python = os.environ.get("BFCL_PYTHON") or (sys.executable if find_spec("bfcl_eval") else None)
    if python is None:
        pytest.skip("bfcl-eval is not installed; BFCL_PYTHON may name a Python that has it")
    entries: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for point in found.judged:
        (entry,), (answer,) = bfcl.entries([point]), bfcl.answers([point])
        whole = {name: it.values[-1] for name, it in point.accepted.items()}
        tries = {"right 1": (point.decision.tool, right(point)), "right 2": (point.decision.tool, whole)}
        for what, (tool, given) in {**tries, **wrong(point)}.items():
            number = f"{entry['id']}{len(results)}"
            entries.append({**entry, "id": number, "texml_bench": f"{point.decision.id}, {what}"})
            answers.append({**answer, "id": number})
            results.append({"id": number, "result": [{tool: json.dumps(given)}]})
    (tmp_path / "possible_answer").mkdir()
    (tmp_path / bfcl.FILE).write_text(bfcl.lines(entries), "utf-8")
    (tmp_path / "possible_answer" / bfcl.FILE).write_text(bfcl.lines(answers), "utf-8")
    (tmp_path / "BFCL_v4_multiple_result.json").write_text(bfcl.lines(results), "utf-8")
    done = subprocess.run(
        [python, str(EXAMPLES / "bfcl" / "judge.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if "is not installed here" in done.stdout:
        pytest.skip(done.stdout.strip())
    judged = dict(line.split(": ", 1) for line in done.stdout.splitlines()[:-1])
    assert len(judged) == len(results)
    for name, verdict in judged.items():
        assert (verdict == "right") is (", right" in name), (name, verdict)


@pytest.mark.long
def test_the_bfcl_example_answers_and_asks_for_the_judge(tmp_path: Path) -> None:
    done = ran(sys.executable, str(EXAMPLES / "bfcl" / "answer.py"), str(tmp_path))
    assert "entries: 2, in" in done
    assert f"{CALL}-1: {{'create_call'" in done
    assert len((tmp_path / "BFCL_v4_multiple_result.json").read_text().splitlines()) == 2
    judged = ran(sys.executable, str(EXAMPLES / "bfcl" / "judge.py"), str(tmp_path))
    assert "1 of 2 right" in judged or "pip install bfcl-eval" in judged


# --- promptfoo


def test_a_test_has_messages_tools_and_the_right_call(found: Points) -> None:
    files = promptfoo.call_files(found.judged)
    config = yaml.safe_load(files["promptfooconfig.yaml"])
    assert [each["description"] for each in config["tests"]] == [each.decision.id for each in found.judged]
    for each in config["tests"]:
        tools = json.loads(files[each["options"]["tools"].removeprefix("file://")])
        (check,) = each["assert"]
        assert check["value"] == "file://same_call.cjs"
        assert check["config"]["tool"] in {tool["function"]["name"] for tool in tools}
        assert each["vars"]["messages"][0]["role"] == "system"
        assert "***" not in json.dumps(check)
    assert "same_call.cjs" in files


def compared(point: Point, outputs: Sequence[Any]) -> list[dict[str, Any]]:
    """What the assertion says of these outputs of a model."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    config = yaml.safe_load(promptfoo.call_files([point])["promptfooconfig.yaml"])
    (test,) = config["tests"]
    script = (
        f"const judge = require({json.dumps(str(ROOT / 'texml_mcp/evals/adapters/same_call.cjs'))});"
        'const [outputs, config] = JSON.parse(require("fs").readFileSync(0));'
        "console.log(JSON.stringify(outputs.map((each) => judge(each, { config }))));"
    )
    done = subprocess.run(
        [node, "-e", script],
        input=json.dumps([list(outputs), test["assert"][0]["config"]]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def completion(tool: str, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "c",
        "type": "function",
        "function": {"name": tool, "arguments": json.dumps(given)},
    }


def test_the_comparison_understands_what_providers_make_of_a_call(found: Points) -> None:
    point = at(found, f"{CALL}-1")
    tool, given = point.decision.tool, right(point)
    use = {"type": "tool_use", "id": "t", "name": tool, "input": given}
    outputs = [
        [completion(tool, given)],
        {"content": "One moment.", "tool_calls": [completion(tool, given)]},
        json.dumps([completion(tool, given)]),
        f"I shall call them now.\n\n{json.dumps(use)}",
        [{"type": "function_call", "name": tool, "arguments": json.dumps(given)}],
        [completion(tool, {**given, "Timeout": 30})],
    ]
    verdicts = compared(point, outputs)
    assert [each["pass"] for each in verdicts] == [True] * len(outputs), verdicts


def test_the_comparison_refuses_everything_else_and_says_why(found: Points) -> None:
    point = at(found, f"{CALL}-1")
    tool, given = point.decision.tool, right(point)
    outputs = {
        "0 calls": "Whom shall I call?",
        "2 calls": [completion(tool, given), completion(tool, given)],
        "no JSON object": [{"function": {"name": tool, "arguments": "{To: "}}],
        "Timeout is 31, not 30": [completion(tool, {**given, "Timeout": 31})],
        'Timeout is "30", not 30': [completion(tool, {**given, "Timeout": "30"})],
        "list_calls is called": [completion(*wrong(point)["another tool"])],
        "is missing": [completion(*wrong(point)["an argument is missing"])],
        'not "+13125550142"': [completion(*wrong(point)["another value"])],
        "confirm_token must not be given": [completion(*wrong(point)["one argument too many"])],
    }
    verdicts = compared(point, list(outputs.values()))
    for reason, verdict in zip(outputs, verdicts, strict=True):
        assert verdict["pass"] is False
        assert reason in verdict["reason"]


def test_lists_are_compared_in_any_order_objects_by_key(found: Points) -> None:
    point = at(found, "applications-newark-joins-the-night-line-1")
    tool, given = point.decision.tool, right(point)
    outputs = [
        [completion(tool, {**given, "tags": ["newark", "night"]})],
        [completion(tool, {**given, "tags": ["newark"]})],
    ]
    assert [each["pass"] for each in compared(point, outputs)] == [True, False]


def test_whole_tasks_are_played_and_graded_by_the_end_state() -> None:
    played = call_api(CALL, {"config": {"agent": "reference"}}, {})
    assert "seconds" in played["output"]
    verdict = get_assert(played["output"], {"metadata": played["metadata"]})
    assert verdict["pass"] is True
    assert verdict["namedScores"] == {"success": 1.0, "unsafe": 0.0, "duplicates": 0.0}

    played = call_api(CALL, {"config": {"agent": "greedy"}}, {})
    verdict = get_assert(played["output"], {"metadata": played["metadata"]})
    assert verdict["pass"] is False
    assert verdict["namedScores"]["unsafe"] == 1.0
    assert "mine: confirmed_by_itself" in verdict["reason"]


@pytest.mark.parametrize(
    ("task", "config", "why"),
    [
        ("no-such-task", {}, "there is no task 'no-such-task'"),
        (CALL, {"agent": "nobody"}, "there is no agent 'nobody'"),
        (CALL, {"tasks": ["no-such-directory"]}, "there is no task"),
    ],
)
def test_what_cannot_be_played_is_an_error_and_no_score(task: str, config: dict[str, Any], why: str) -> None:
    played = call_api(task, {"config": config}, {})
    assert why in played["error"]
    assert get_assert("", {})["pass"] is False


def promptfoo_command() -> str:
    there = shutil.which(os.environ.get("PROMPTFOO", "promptfoo"))
    if there is None:
        pytest.skip("promptfoo is not installed; PROMPTFOO may name its command")
    return there


def test_the_promptfoo_example_passes_by_the_call_and_by_the_end_state(tmp_path: Path) -> None:
    promptfoo_command()
    told = ran(sys.executable, str(EXAMPLES / "promptfoo" / "run.py"), str(tmp_path))
    assert f"promptfooconfig.yaml: {CALL}-1: passed, 1" in told
    assert f"tasks.yaml: {TASKS[CALL].title}: passed, 1" in told


def test_promptfoo_hands_messages_to_a_model_as_they_are(found: Points, tmp_path: Path) -> None:
    """Its templates have braces, and so do our secrets in TeXML."""
    command = promptfoo_command()
    point = at(found, f"{CALL}-1")
    said = '<Play digits="{{gate_code}}"/> {% raw %} {# "x" #} \\{{a}} naïve'
    messages = [*point.decision.messages, {"role": "user", "content": said}]
    files = promptfoo.call_files([replace(point, decision=replace(point.decision, messages=messages))])
    config = yaml.safe_load(files["promptfooconfig.yaml"])
    config["providers"] = ["file://echo.py"]
    echo = "def call_api(prompt, options, context):\n    return {'output': 'said: ' + prompt}\n"
    for name, text in {**files, "promptfooconfig.yaml": yaml.safe_dump(config), "echo.py": echo}.items():
        (tmp_path / name).write_text(text, "utf-8")
    subprocess.run(
        [command, "eval", "--no-cache", "--no-write", "--no-progress-bar", "--no-table", "-o", "out.json"],
        cwd=tmp_path,
        env=quiet(tmp_path),
        capture_output=True,
        timeout=120,
        check=False,
    )
    (result,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["results"]["results"]
    assert json.loads(result["response"]["output"].removeprefix("said: ")) == messages
    assert result["success"] is False


def quiet(where: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PROMPTFOO_PYTHON": sys.executable,
        "PROMPTFOO_CONFIG_DIR": str(where / ".promptfoo"),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
    }


def ran(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- the command


def export(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", "export", *map(str, words)])


@pytest.mark.parametrize(
    ("name", "files"),
    few(
        [
            ("bfcl", {"BFCL_v4_multiple.json", "possible_answer/BFCL_v4_multiple.json"}),
            ("promptfoo", {"promptfooconfig.yaml", "same_call.cjs", "tasks.yaml", "texml_bench.py"}),
            ("tau2", {"tasks.json"}),
            ("decisions", {"decisions.jsonl"}),
        ],
        1,
    ),
)
def test_two_exports_are_the_same_byte_for_byte(name: str, files: set[str], tmp_path: Path) -> None:
    made: list[dict[str, bytes]] = []
    for where in (tmp_path / "one", tmp_path / "other"):
        done = export("--format", name, "--out", where, "--task", CALL, "--task", "delete-the-trial")
        assert done.exit_code == 0, done.output
        there = [each for each in where.rglob("*") if each.is_file()]
        made.append({each.relative_to(where).as_posix(): each.read_bytes() for each in there})
    assert made[0] == made[1]
    assert made[0].keys() >= files


def test_decisions_hold_the_conversation_and_the_call(tmp_path: Path) -> None:
    assert export("--format", "decisions", "--out", tmp_path, "--task", CALL).exit_code == 0
    (line,) = [json.loads(each) for each in (tmp_path / "decisions.jsonl").read_text().splitlines()]
    assert line["call"]["tool"] == "create_call"
    assert line["messages"][-1]["role"] == "tool"
    tools = json.loads((tmp_path / line["tools"]).read_text())["tools"]
    assert len(tools) == 39


@pytest.mark.parametrize("name", few(["tau2", "bfcl", "promptfoo", "decisions"], 2))
def test_what_cannot_be_brought_there_is_said_with_the_reason(name: str, tmp_path: Path) -> None:
    task = "refused-keep-one-of-three" if name == "tau2" else "refuse-put-him-through-to-911"
    done = export("--format", name, "--out", tmp_path, "--task", CALL, "--task", task)
    assert done.exit_code == 0, done.output
    assert f"left out: {task}: " in done.stderr


def test_an_export_of_nothing_is_refused(tmp_path: Path) -> None:
    done = export("--format", "bfcl", "--out", tmp_path / "x", "--task", "refuse-put-him-through-to-911")
    assert done.exit_code == 2
    assert "none of these tasks can be brought to bfcl" in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_directory_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = export("--format", "tau2", "--out", tmp_path / "file" / "x", "--task", CALL)
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_tasks_of_ones_own_are_exported_and_found_again_by_the_player(tmp_path: Path) -> None:
    own = tiny.suite(tmp_path / "tasks")
    done = export("--format", "promptfoo", "--out", tmp_path / "out", "--tasks", own, "--task", "call-anna")
    assert done.exit_code == 0, done.output
    config = yaml.safe_load((tmp_path / "out" / "tasks.yaml").read_text())
    (provider,) = config["providers"]
    (test,) = config["tests"]
    played = call_api(test["vars"]["task"], {"config": provider["config"]}, {})
    assert get_assert(played["output"], {"metadata": played["metadata"]})["pass"] is True
