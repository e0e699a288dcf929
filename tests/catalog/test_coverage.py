"""The catalogue holds every documented endpoint, parameter and response field, and says nothing else.

`facts.json` beside this file is the API as official documents state it: `endpoints` is the union, the opt-in
ones last, `first_document` the older and smaller one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from texml_mcp.catalog import DEFAULT, ENDPOINTS, Endpoint, Field, Param, endpoint

FACTS = json.loads((Path(__file__).parent / "facts.json").read_text())
EVERY = {fact["id"]: fact for fact in FACTS["endpoints"]}
FIRST = {fact["id"]: fact for fact in FACTS["first_document"]}

# Documented facts that the catalogue leaves out, each with its reason. Empty, and meant to stay so.
SKIPPED: dict[tuple[str, str], str] = {}

# Where the catalogue is narrower than the field's own entry, because another documented fact says so.
NARROWED = {
    ("update_call", "Status"): "the documented 422 names completed as the only accepted value",
    ("update_conference", "Status"): "completed is the only value with a documented meaning",
}

# Required here although no document says so: without it the request cannot mean anything.
REQUIRED_BY_SENSE = {
    ("dial_conference_participant", "To"),
    ("dial_conference_participant", "From"),
    ("start_call_stream", "Url"),
    ("update_call_recording", "Status"),
    ("update_call_siprec", "Status"),
    ("update_queue", "MaxSize"),
}

BODY = {None: None, "application/json": "json", "application/x-www-form-urlencoded": "form"}
PAGING = {
    "page_token": "page_token",
    "token": "token",
    "page_number_zero": "page",
    "page_number_size": "numbered",
    "envelope_only": "envelope",
    "none": None,
}


def by_id(ids: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("id", list(ids))


def test_the_endpoints_stand_in_the_documented_order() -> None:
    assert [each.id for each in ENDPOINTS] == list(EVERY)
    assert len({(each.method, each.path) for each in ENDPOINTS}) == len(ENDPOINTS)
    assert SKIPPED == {}


def test_nothing_documented_is_missing_by_count_from_what_is_offered_by_default() -> None:
    assert len(DEFAULT) == 38
    assert sum(1 for each in DEFAULT for _ in each.params()) == 292
    assert sum(len(documented(each.response_fields())) for each in DEFAULT) == 390


@by_id(EVERY)
def test_method_path_encoding_and_paging(id: str) -> None:
    fact, ours = EVERY[id], endpoint(id)
    assert (ours.method, ours.path) == (fact["method"], fact["path"])
    assert ours.body == BODY[fact["body"]]
    assert (ours.page.style.value if ours.page else None) == PAGING[fact["pagination"]]
    assert (ours.page.items_key if ours.page else None) == fact["items_key"]
    assert ours.effect.value == fact["effect"]
    assert ours.idempotent == fact["idempotent"]
    assert ours.lagging == fact["lagging"]
    assert ours.success == fact["status"]
    assert list(ours.errors) == fact["errors"]
    assert (ours.envelope or None) == ("data" if fact["envelope"] == "data" else None)


@by_id(EVERY)
def test_every_parameter_with_type_enum_range_default_and_unit(id: str) -> None:
    ours = {(place, param.name): param for place, param in endpoint(id).params()}
    facts = {(fact["in"], fact["name"]): fact for fact in EVERY[id]["params"]}
    assert set(ours) == set(facts)
    for key, fact in facts.items():
        compare_param(id, fact, ours[key])


@by_id(FIRST)
def test_the_first_document_is_a_subset(id: str) -> None:
    ours = {param.name: param for _, param in endpoint(id).params()}
    assert (endpoint(id).method, endpoint(id).path) == (FIRST[id]["method"], FIRST[id]["path"])
    for fact in FIRST[id]["params"]:
        param = ours[fact["name"]]
        assert set(fact.get("enum", ())) <= set(param.enum or param.words)
        assert not fact.get("required") or param.required
    compare_fields(FIRST[id]["fields"], endpoint(id).response_fields(), exact=False)


@by_id(EVERY)
def test_every_response_field(id: str) -> None:
    ours = endpoint(id)
    compare_fields(EVERY[id]["fields"], ours.response_fields(), exact=True)
    if EVERY[id]["meta"]:
        assert ours.page is not None
        compare_fields(EVERY[id]["meta"], ours.page.fields, exact=True)


def compare_param(id: str, fact: dict[str, Any], ours: Param) -> None:
    assert ours.type == fact["type"]
    assert ours.format == fact.get("format", "")
    assert ours.default == fact.get("default")
    assert ours.maximum == fact.get("max")
    assert ours.max_length == fact.get("max_length")
    assert ours.pattern == fact.get("pattern", "")
    assert ours.unit == fact.get("unit", "")
    assert set(ours.words) == set(fact.get("tokens", ()))
    assert list(ours.aliases) == fact.get("alt", [])
    if "min" in fact:
        assert ours.minimum == fact["min"] or (ours.allowed and fact["min"] in ours.allowed)
    if ours.type != "boolean" and "enum" in fact:
        assert set(fact["enum"]) <= set(ours.enum)
    elif ours.enum:
        assert (id, ours.name) in NARROWED
    assert not (ours.unpublished_range and {"min", "max"} & set(fact)), "a documented range is published"
    assert ours.required == (fact.get("required", False) or (id, ours.name) in REQUIRED_BY_SENSE)
    assert {each.name for each in ours.fields} == {each["name"] for each in fact.get("fields", ())}
    for each in fact.get("fields", ()):
        compare_param(id, each, next(field for field in ours.fields if field.name == each["name"]))
    assert (ours.values is not None) == ("values" in fact)
    if ours.values is not None:
        assert ours.values.type == fact["values"]["type"]
    assert (ours.items is not None) == ("items" in fact)
    if ours.items is not None:
        assert ours.items.type == fact["items"]["type"]
        assert {each.name for each in ours.items.fields} == {
            each["name"] for each in fact["items"].get("fields", ())
        }


def documented(fields: tuple[Field, ...]) -> list[Field]:
    return [field for field in fields if field.documented]


def compare_fields(facts: list[dict[str, Any]], fields: tuple[Field, ...], *, exact: bool) -> None:
    ours = {field.name: field for field in documented(fields)}
    names = {fact["name"] for fact in facts}
    assert set(ours) == names if exact else names <= set(ours)
    for fact in facts:
        field = ours[fact["name"]]
        assert field.type == fact["type"]
        if not exact:
            continue
        assert field.format == fact.get("format", "")
        assert set(field.enum) == set(fact.get("enum", ()))
        assert field.nullable == fact.get("nullable", False), field.name
        compare_fields(fact.get("fields", []), field.fields, exact=True)
        if "items" in fact:
            assert field.items is not None
            assert field.items.type == fact["items"]["type"]
            compare_fields(fact["items"].get("fields", []), field.items.fields, exact=True)


@pytest.mark.parametrize("ours", ENDPOINTS, ids=lambda each: each.id)
def test_descriptions_stay_within_their_budget(ours: Endpoint) -> None:
    assert len(ours.doc.split()) <= 50
    for _, param in ours.params():
        assert len(param.doc.split()) <= 12, param.name


@pytest.mark.parametrize("ours", ENDPOINTS, ids=lambda each: each.id)
def test_reads_carry_no_risk_and_writes_carry_one(ours: Endpoint) -> None:
    assert ours.reads == (not ours.risks)
    known = {param.name for _, param in ours.params()}
    for rule in ours.rules:
        assert set(rule.names) <= known
    if ours.settles:
        assert endpoint(ours.settles).reads
