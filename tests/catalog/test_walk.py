"""Adding an endpoint is a declaration, a summary and a handler; what is left out is told by file.

`docs/adding-an-endpoint.md` is the walk that these tests hold together.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from texml_mcp.catalog import DEFAULT, ENDPOINTS, Endpoint
from texml_mcp.cli.docs import examples
from texml_mcp.results.summaries import BY_SHAPE, SENTENCES
from texml_mcp.sandbox import handlers
from texml_mcp.tools.files import definitions

ROOT = Path(__file__).resolve().parents[2]
WALK = ROOT / "docs" / "adding-an-endpoint.md"

each_endpoint = pytest.mark.parametrize("each", ENDPOINTS, ids=lambda each: each.id)


def missing(each: Endpoint) -> list[str]:
    """The steps that nobody has taken for an endpoint."""
    found: list[str] = []
    if each.shape is not None and each.shape.name not in BY_SHAPE:
        found.append(f"texml_mcp/results/summaries.py: BY_SHAPE has no {each.shape.name!r}")
    if not each.reads and each.id not in SENTENCES:
        found.append(f"texml_mcp/results/summaries.py: SENTENCES has no {each.id!r}")
    if each.id not in handlers.HANDLERS:
        found.append(f"texml_mcp/sandbox/handlers/: nothing handles {each.id!r}")
    try:
        examples.example(each.id)
    except LookupError as error:
        found.append(str(error))
    if each.id not in definitions():
        found.append(f"tool_schemas/ has no {each.id}.json: run make schemas")
    return found


@each_endpoint
def test_every_step_of_the_walk_has_been_taken(each: Endpoint) -> None:
    assert missing(each) == []


def test_what_is_left_out_is_told_with_the_file_to_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    each = ENDPOINTS[-1]
    assert each.shape is not None
    monkeypatch.delitem(BY_SHAPE, each.shape.name)
    monkeypatch.delitem(SENTENCES, each.id)
    monkeypatch.delitem(handlers.HANDLERS, each.id)
    monkeypatch.setattr(examples, "USUAL", {})
    told = missing(each)
    assert len(told) == 4
    for line in told:
        (named, *_) = re.findall(r"texml_mcp/[a-z_/]+(?:\.py)?", line)
        assert (ROOT / named).exists(), line


def test_the_number_in_the_readme_is_that_of_the_default() -> None:
    assert f"**{len(DEFAULT)} typed tools**" in (ROOT / "README.md").read_text("utf-8")


def test_every_file_that_the_walk_names_is_there() -> None:
    named = re.findall(r"`((?:texml_mcp|tests|tool_schemas|docs)/[^`*{}]*)`", WALK.read_text("utf-8"))
    assert {"texml_mcp/results/summaries.py", "texml_mcp/cli/docs/examples.py"} <= set(named)
    assert [path for path in named if not (ROOT / path).exists()] == []
