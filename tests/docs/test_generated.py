"""The parts of docs/ that are made from the code are what the code makes now, and cover all of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.cli.docs import errors, policy, rehearsal
from texml_mcp.cli.docs.examples import Call, Example, example, examples
from texml_mcp.cli.generated import check
from texml_mcp.client import ErrorCode
from texml_mcp.gate.guards import hosts, numbers
from texml_mcp.tools.files import definitions

ROOT = Path(__file__).resolve().parents[2]


def test_every_generated_page_is_current() -> None:
    assert check() == []


# --- tools


def test_every_tool_has_one_example_in_the_documented_order() -> None:
    assert [each.call.tool for each in examples()] == list(definitions())


def test_an_example_is_answered_alike_every_time() -> None:
    shown = example("update_call_recording")
    first, second = (anyio.run(rehearsal.play, shown) for _ in range(2))
    assert first == second
    assert "TOKEN" in first.answer
    assert "paused" in (first.approved or "")


def test_an_example_that_fails_is_told_and_not_shown() -> None:
    wrong = Example(Call("get_call", {"call_sid": "v3:nobody"}))
    with pytest.raises(rehearsal.RehearsalError, match="get_call answers error"):
        anyio.run(rehearsal.play, wrong)


def test_what_an_example_sets_up_must_work_too() -> None:
    wrong = Example(Call("list_queues", {}), before=(Call("get_queue", {"queue_sid": "nobody"}),))
    with pytest.raises(rehearsal.RehearsalError, match="get_queue"):
        anyio.run(rehearsal.play, wrong)


def test_a_tool_asks_in_its_example_if_its_page_says_so() -> None:
    for each in ENDPOINTS:
        page = (ROOT / f"docs/tools/{each.toolset}.md").read_text()
        section = page.split(f"## `{each.id}`", 1)[1].split("\n## ", 1)[0]
        assert ("NOT EXECUTED" in section) <= ("| yes |" in section), each.id


# --- policy


def test_every_part_of_the_policy_schema_has_a_table() -> None:
    assert policy.unnamed() == set()


def test_every_key_of_a_policy_says_what_it_means() -> None:
    rows = [line.split("|") for line in policy.tables().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert [row[1] for row in rows if not row[4].strip()] == []


# --- error codes


def codes_in_the_source() -> Iterator[str]:
    """Every code that the package gives to a refusal, found where it is given.

    A finding of a guard is one only where it can deny: what it asks about or warns of is told in words.
    """
    at = {"ArgumentError": 0, "RefusedError": 0, "Budget": 0, "denied": 1, "Finding": 2, "_finding": 2}
    at |= {"refused": 0, "_refused": 0}
    for path in (ROOT / "texml_mcp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            given = [node.args[at[name]]] if name in at and len(node.args) > at[name] else []
            softer = [each for each in node.args if isinstance(each, ast.Constant)]
            if name in ("Finding", "_finding") and {each.value for each in softer} & {"confirm", "warn"}:
                continue
            given += [each.value for each in node.keywords if each.arg == "code"]
            for each in given:
                if isinstance(each, ast.Constant) and re.fullmatch("[a-z][a-z0-9_]+", str(each.value)):
                    yield str(each.value)


def test_every_code_is_documented_and_no_other() -> None:
    used = set(codes_in_the_source()) | {code.value for code in ErrorCode}
    used |= {code for code, _ in numbers._COSTLY.values()}
    used |= {f"host_{kind}" for kind in ("private", "metadata", "loopback", "link_local", "multicast")}
    used |= {"host_unspecified", "policy_denied"}  # the first deny without a finding
    assert used == errors.documented()


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("10.0.0.1", "private"),
        ("169.254.169.254", "metadata"),
        ("127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("0.0.0.0", "unspecified"),
    ],
)
def test_hosts_inside_have_a_code_each(host: str, kind: str) -> None:
    assert hosts.inside(host) == kind
    assert f"host_{kind.replace('-', '_')}" in errors.documented()


def test_a_page_without_its_markers_is_an_error_and_is_not_passed_over() -> None:
    from texml_mcp.cli.generated import render

    with pytest.raises(ValueError, match="markers of tools"):
        render("# A README without tables")
