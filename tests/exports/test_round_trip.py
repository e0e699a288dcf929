"""Arguments made for a format are read as they were meant, or refused in words; null is absent."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exports.test_formats import TOOLS, functions
from tests.lengths import few
from texml_mcp.catalog import ENDPOINTS, Endpoint
from texml_mcp.exports.disguise import UntranslatableError, disguised, translate
from texml_mcp.exports.formats import FORMATS, export
from texml_mcp.exports.perturb import Perturbation, perturb
from texml_mcp.tools.arguments import ArgumentError, Arguments, parse
from texml_mcp.tools.files import canonical, definitions

ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"
FULL = Perturbation(seed=7, names=True, descriptions=True, arguments=True, distractors=6)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["+13125550142", "2026-05-22", "completed", "https://example.com/a", "ringing answered"]),
)


@cache
def exported(name: str) -> dict[str, Any]:
    """The schema of each tool in a format."""
    return functions(name, export(name, TOOLS))


def instances(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any value that this schema allows, in whichever dialect it is written."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "null" in kinds:
        rest = {**schema, "type": kinds[0]}
        if "enum" in rest:
            rest["enum"] = [choice for choice in rest["enum"] if choice is not None]
        return st.one_of(st.none(), instances(rest))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    low, high = schema.get("minimum"), schema.get("maximum")
    match kinds[0].lower():
        case "integer":
            return st.integers(low, high)
        case "number" | "float":
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(instances(schema["items"]), max_size=3)
        case "object" | "dict" if "properties" not in schema:
            return st.dictionaries(TEXTS, instances(schema["additionalProperties"]), max_size=3)
        case "object" | "dict":
            needed = set(schema.get("required", ()))
            each = {key: instances(inner) for key, inner in schema["properties"].items()}
            return st.fixed_dictionaries(
                {key: value for key, value in each.items() if key in needed},
                optional={key: value for key, value in each.items() if key not in needed},
            )
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    return TEXTS.filter(lambda text: len(text) >= int(schema.get("minLength", 0)))


def plain(value: Any) -> Any:
    """A value without what reading may change: spaces, separators, case, digits of another script, nulls."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, str):
        return sorted(set(re.sub(r"[().\-/]", "", value.casefold()).replace(",", " ").split())) or ""
    return value


def squeezed(value: Any) -> Any:
    return (
        "".join(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else value
    )


def key_of(each: Endpoint, name: str) -> str:
    return next(param.key for _, param in each.params() if param.name == name)


def outcome(each: Endpoint, arguments: dict[str, Any]) -> tuple[Arguments | None, str]:
    """The arguments as read, or the words of the refusal."""
    try:
        return parse(each, arguments, ACCOUNT), ""
    except ArgumentError as problem:
        return None, problem.summary


@pytest.mark.parametrize("name", few(FORMATS, lambda name: name in ("mcp", "openai-strict")))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_format_allows_is_read_as_meant_or_refused_in_words(name: str, data: st.DataObject) -> None:
    each = data.draw(st.sampled_from(ENDPOINTS))
    arguments = data.draw(instances(exported(name)[each.id]))
    present = {key: value for key, value in arguments.items() if value is not None}
    read, refused = outcome(each, arguments)
    # With the nulls or without them: the same arguments, or the same refusal.
    assert outcome(each, present) == (read, refused)
    if read is None:
        assert refused
        return
    assert read.account_given == ("account_sid" in present)
    for wire, value in read.wire.items():
        key = key_of(each, wire)
        if key == "account_sid" and not read.account_given:
            continue
        assert squeezed(plain(value)) == squeezed(plain(present[key])), key
    known = {key_of(each, wire) for wire in read.wire}
    documented = {param.key for _, param in each.params()}
    assert set(present) & documented <= known


@pytest.mark.parametrize("each", ENDPOINTS, ids=lambda each: each.id)
def test_a_strict_call_of_nulls_is_the_call_without_them(each: Endpoint) -> None:
    schema = exported("openai-strict")[each.id]
    optional = {key: None for key, inner in schema["properties"].items() if isinstance(inner["type"], list)}
    needed = {"To": "+13125550142", "From": "+13125550100"}
    given_ = {key: needed.get(key, "1") for key in schema["properties"] if key not in optional}
    assert outcome(each, given_ | optional) == outcome(each, given_)


@pytest.mark.parametrize("name", FORMATS)
def test_a_disguise_is_valid_in_every_format_and_the_same_each_time(name: str) -> None:
    tools, disguise = perturb(TOOLS, FULL)
    assert FORMATS[name].problems(FORMATS[name].convert(tools)) == []
    again, its_map = perturb(TOOLS, FULL)
    assert canonical([tools, disguise]) == canonical([again, its_map])
    assert canonical(perturb(TOOLS, Perturbation(seed=8, names=True))[1]) != canonical(disguise)


def test_nothing_disguised_is_nothing_changed() -> None:
    assert perturb(TOOLS, Perturbation())[0] == TOOLS


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_disguised_call_leads_back_to_the_real_one(data: st.DataObject) -> None:
    _, disguise = perturb(TOOLS, FULL)
    tool = data.draw(st.sampled_from(sorted(definitions())))
    arguments = data.draw(instances(definitions()[tool]["inputSchema"]))
    name, spelled = disguised(disguise, tool, arguments)
    assert name.startswith("fn_")
    assert all(key.startswith("arg_") for key in spelled)
    assert translate(disguise, name, spelled) == (tool, arguments)


def test_a_tool_is_called_the_same_in_every_toolset() -> None:
    _, whole = perturb(TOOLS, FULL)
    _, part = perturb([definitions()["list_queues"]], FULL)
    assert disguised(whole, "list_queues", {"Page": 1}) == disguised(part, "list_queues", {"Page": 1})


def test_no_real_name_is_left_in_the_names_or_the_descriptions() -> None:
    tools, _ = perturb(TOOLS, FULL)
    said = canonical(
        [{key: tool[key] for key in ("name", "title", "description", "inputSchema")} for tool in tools]
    )
    words = set(re.findall(r"\w+", said))
    assert not words & {name for name in definitions() if "_" in name}
    assert not words & {"ApplicationSid", "Texml", "Url", "CallSidToCoach", "voice_url", "conference_sid"}


def test_what_has_no_real_counterpart_is_refused() -> None:
    tools, disguise = perturb(TOOLS, FULL)
    lures = [tool["name"] for tool in tools if disguise["tools"][tool["name"]]["tool"] is None]
    assert len(lures) == 6
    for lure in lures:
        with pytest.raises(UntranslatableError) as caught:
            translate(disguise, lure, {})
        assert caught.value.distractor
    with pytest.raises(UntranslatableError, match="list_queues"):
        translate(disguise, "list_queues", {})
    name, _ = disguised(disguise, "list_queues", {})
    with pytest.raises(UntranslatableError, match="Unknown argument"):
        translate(disguise, name, {"Page": 1})
    with pytest.raises(UntranslatableError, match="no map"):
        translate({"tools": {}}, name, {})
