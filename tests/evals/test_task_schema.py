"""The published schema of tasks: true to the classes, kept in the repository, and fitted by every task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from texml_mcp.evals.reading import content_of
from texml_mcp.evals.schema import FILE, task_schema
from texml_mcp.evals.tasks import SHIPPED, TaskError, parse_task

PUBLISHED = json.loads((Path(__file__).parents[2] / "tool_schemas" / FILE).read_text("utf-8"))
SUITE = sorted(SHIPPED.glob("*.yaml"))


def test_the_published_schema_is_the_one_of_the_classes() -> None:
    assert task_schema() == PUBLISHED
    assert PUBLISHED["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(PUBLISHED)


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.stem)
def test_a_task_of_the_suite_fits_it(path: Path) -> None:
    Draft202012Validator(PUBLISHED).validate(content_of(path))


def test_every_part_of_a_task_is_explained_where_its_name_does_not_do_it() -> None:
    for part in PUBLISHED["$defs"].values():
        assert part["description"]


def changed(content: Any, place: str, value: Any) -> Any:
    """A copy with another value at a place, or with none where it is `...`."""
    copy = json.loads(json.dumps(content))
    *ways, last = [int(part) if part.isdigit() else part for part in place.split("/")]
    inner = copy
    for way in ways:
        inner = inner[way]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return copy


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("schema", "texml-bench/2"),
        ("id", "Not An Id"),
        ("title", ...),
        ("notes", "mine"),
        ("names", {"Not a name": "now"}),
        ("user/opening", ""),
        ("grade/budget/calls", 0),
        ("grade/budget/calls", "14"),
        ("grade/milestones/0/seen", {"request": "get_call", "tool": "get_call"}),
        ("grade/milestones/0/seen", {"says": "x", "where": {"a": "b"}}),
        ("grade/milestones/0/seen", {}),
        ("grade", {"budget": {"calls": 3}}),
        ("reference/0", {"say": "Hm", "call": "list_calls"}),
        ("reference/0", {"say": "Hm", "keep": {"a": "b"}}),
        ("reference/0", {}),
        ("reference", []),
    ],
)
def test_schema_and_classes_refuse_the_same(place: str, value: Any) -> None:
    good = content_of(SHIPPED / "call-and-report-length.yaml")
    bad = changed(good, place, value)
    assert Draft202012Validator(PUBLISHED).is_valid(good)
    assert not Draft202012Validator(PUBLISHED).is_valid(bad)
    with pytest.raises(TaskError):
        parse_task(bad, "it")
