"""The definitions a model pays for: portable, complete, cheap, and committed as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from texml_mcp.catalog import DEFAULT, ENDPOINTS, OPT_IN, Endpoint, Param, endpoint
from texml_mcp.cli.schemas import expected, present
from texml_mcp.tools.files import definitions, directory
from texml_mcp.tools.offer import offered
from texml_mcp.tools.schema import model_text, token_estimate, tool_definitions

TOOLS = tool_definitions()
FORBIDDEN = {"$ref", "oneOf", "anyOf", "allOf", "not", "$defs"}

each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["name"])
each_endpoint = pytest.mark.parametrize("ours", ENDPOINTS, ids=lambda each: each.id)


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


def property_keys(schema: dict[str, Any]) -> Iterator[str]:
    for node in nodes(schema):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties


def test_the_committed_files_are_what_the_catalogue_makes() -> None:
    for name, text in expected().items():
        assert (directory() / name).read_text() == text, f"{name} is stale: run texml-mcp schemas write"
    assert set(present(directory())) == set(expected())


def test_the_tools_are_the_endpoints_in_order_and_one_local_tool() -> None:
    opt_in = [each.id for each in ENDPOINTS if each.toolset in OPT_IN]
    assert list(definitions()) == [*(each.id for each in DEFAULT), "validate_texml", *opt_in]
    assert list(offered()) == list(definitions())[: -len(opt_in)]


@each_tool
def test_portable_core(tool: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", tool["name"])
    assert tool["title"]
    assert tool["description"]
    assert set(tool["annotations"]) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    for schema in (tool["inputSchema"], tool["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        for node in nodes(schema):
            assert not FORBIDDEN & set(node)
            assert "default" not in node or node["default"] is not None
    assert tool["inputSchema"]["additionalProperties"] is False
    for key in property_keys(tool["inputSchema"]):
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", key)
    for node in nodes(tool["inputSchema"]["properties"]):
        assert not isinstance(node.get("type"), list)


@each_tool
def test_required_exists_and_the_account_never_is(tool: dict[str, Any]) -> None:
    required = tool["inputSchema"].get("required", [])
    assert set(required) <= set(tool["inputSchema"]["properties"])
    assert "account_sid" not in required


@each_endpoint
def test_local_arguments_stand_where_they_belong(ours: Endpoint) -> None:
    names = set(definitions()[ours.id]["inputSchema"]["properties"])
    assert ("dry_run" in names) == ("confirm_token" in names) == (not ours.reads)
    assert ("detail" in names) == ours.reads
    assert ("limit" in names) == (ours.page is not None)
    assert ("wait_for" in names) == (ours.id == "get_call")


def test_what_the_definitions_cost() -> None:
    limits = json.loads((Path(__file__).parent / "token_budget.json").read_text())
    indices = [json.loads((directory() / name / "index.json").read_text()) for name in ("", *OPT_IN)]
    costs = {tool["name"]: token_estimate(model_text(tool)) for tool in TOOLS}
    assert {entry["name"]: entry["tokens"] for index in indices for entry in index["tools"]} == costs
    assert sum(costs[each.id] for each in DEFAULT) <= limits["endpoints"]
    assert sum(costs[name] for name in offered(toolsets=["core"])) <= limits["core"]
    assert max(costs.values()) <= limits["largest"]


@each_endpoint
def test_every_documented_type_choice_default_and_limit_is_published(ours: Endpoint) -> None:
    published = definitions()[ours.id]["inputSchema"]["properties"]
    for _, param in ours.params():
        said(param, published[param.key])


def said(param: Param, schema: dict[str, Any]) -> None:
    assert schema["type"] == param.type
    assert schema.get("default") == param.default
    assert schema.get("enum", []) == list(param.enum)
    assert schema.get("pattern", "") == param.pattern
    assert set(param.words) <= set(schema.get("description", "").split())
    if not param.unpublished_range:
        assert schema.get("maximum") == param.maximum
        least = [value for value in (param.minimum, *param.allowed) if value is not None]
        assert schema.get("minimum") == min(least, default=None)
    assert schema.get("minLength") == param.min_length
    counted = re.search(r"\{\d+,(\d+)\}\$$", param.pattern)
    assert param.max_length == (int(counted[1]) if counted else schema.get("maxLength"))
    for each in param.fields:
        said(each, schema["properties"][each.key])
    if param.values is not None:
        said(param.values, schema["additionalProperties"])
    if param.items is not None:
        said(param.items, schema["items"])


@each_endpoint
def test_no_number_is_without_its_unit(ours: Endpoint) -> None:
    tool = definitions()[ours.id]
    for _, param in ours.params():
        if param.unit in ("s", "ms", "Hz"):
            doc = tool["inputSchema"]["properties"][param.key].get("description", "")
            words = {*re.findall(r"\w+", doc), *re.findall(r"\w+", tool["description"])}
            assert param.unit in words or param.name.lower().endswith(("secs", "seconds")), param.name


@pytest.mark.parametrize("name", ["create_call", "dial_conference_participant", "initiate_ai_call"])
def test_one_sentence_tells_the_units_of_a_dialed_leg(name: str) -> None:
    assert "MachineDetection* in ms or Hz, other times in s." in endpoint(name).doc
    for _, param in endpoint(name).params():
        if param.unit in ("s", "ms", "Hz"):
            assert (param.unit != "s") == param.name.startswith("MachineDetection"), param.name


@pytest.mark.parametrize(
    ("tool", "read_only", "destructive", "idempotent"),
    [
        ("list_calls", True, False, True),
        ("create_call", False, True, False),
        ("update_conference_participant", False, True, False),
        ("create_queue", False, False, False),
        ("delete_recording", False, True, True),
        ("update_application", False, True, True),
    ],
)
def test_hints_state_the_worst_case(tool: str, read_only: bool, destructive: bool, idempotent: bool) -> None:
    hints = definitions()[tool]["annotations"]
    assert hints["readOnlyHint"] is read_only
    assert hints["destructiveHint"] is destructive
    assert hints["idempotentHint"] is idempotent
    assert endpoint(tool).reads is read_only
