"""The OpenAPI document says what the catalogue says, and the sandbox keeps to it under fire."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from texml_mcp.catalog import ENDPOINTS
from texml_mcp.sandbox import Worlds, create_app
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION
from texml_mcp.sandbox.openapi import openapi

DOCUMENT = openapi()
WORLDS = Worlds()
schema = schemathesis.openapi.from_dict({**DOCUMENT, "servers": [{"url": "/v2"}]})
schema.app = create_app(WORLDS)


def test_every_endpoint_and_parameter_is_in_the_document() -> None:
    operations = {
        operation["operationId"]: (method, path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {each.id for each in ENDPOINTS}
    for each in ENDPOINTS:
        method, path, operation = operations[each.id]
        assert (method.upper(), path) == (each.method, each.path)
        found = {param["name"] for param in operation["parameters"]}
        for media in operation.get("requestBody", {}).get("content", {}).values():
            found |= set(media["schema"]["properties"])
        assert found == {param.name for _, param in each.params()}


def test_every_schema_in_the_document_is_a_schema() -> None:
    for each in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(each)


def _known(case: Any) -> None:
    """Half of the time, name what exists: a random SID would only ever meet a 404."""
    world = WORLDS.of("sandbox")
    path = case.path_parameters or {}
    if "account_sid" in path:
        path["account_sid"] = ACCOUNT_SID
    tables = {
        "call_sid": "calls",
        "conference_sid": "conferences",
        "queue_sid": "queues",
        "recording_sid": "recordings",
        "recording_transcription_sid": "transcriptions",
    }
    for name, table in tables.items():
        if name in path and world.table(table):
            path[name] = list(world.table(table))[len(str(path[name])) % len(world.table(table))]
    for name in ("id", "connection_id"):
        if path.get(name):
            path[name] = MAIN_APPLICATION
    if isinstance(case.body, dict) and ("ApplicationSid" in case.body or "connection_id" in path):
        case.body |= {"To": "+13125550142", "From": "+13125550100"}
        if "ApplicationSid" in case.body:
            case.body["ApplicationSid"] = MAIN_APPLICATION


@pytest.mark.filterwarnings("ignore")
@schema.parametrize()
@settings(
    max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_no_request_meets_an_undocumented_answer(case: Any) -> None:
    _known(case)
    case.call_and_validate(
        headers={"Authorization": "Bearer sandbox"},
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )
