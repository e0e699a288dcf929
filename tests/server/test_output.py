"""The last check before an answer leaves: quick where it is sure, the real validator where it is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from texml_mcp.results import ToolResult
from texml_mcp.server.output import conform, surely_fits
from texml_mcp.tools.files import definitions

SCHEMAS = {name: tool["outputSchema"] for name, tool in definitions().items()}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "summary", "data", "items", "sid", "page", "next"]), inner
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(sorted(SCHEMAS)), VALUES)
def test_what_surely_fits_is_valid(tool: str, value: Any) -> None:
    if surely_fits(SCHEMAS[tool])(value):
        assert Draft202012Validator(SCHEMAS[tool]).is_valid(value)


@pytest.mark.parametrize("tool", sorted(SCHEMAS))
def test_an_ordinary_answer_surely_fits(tool: str) -> None:
    assert surely_fits(SCHEMAS[tool])({"status": "ok", "summary": "Done.", "notes": ["a"]})


def test_an_unknown_keyword_is_never_sure() -> None:
    assert not surely_fits({"type": "string", "pattern": "^a"})("a")
    assert not surely_fits({"type": "integer"})(True)


def test_a_part_that_does_not_fit_is_left_out_and_said() -> None:
    result = ToolResult("ok", "Read.", data={"sid": ["not", "text"]})
    shown = conform("get_call", result)
    assert "data" not in shown
    assert shown["status"] == "ok"
    assert shown["notes"] == ["Left out, not in the documented form: data."]
    assert Draft202012Validator(SCHEMAS["get_call"]).is_valid(shown)
