"""Chains of requests along the links of the OpenAPI document: what one answer names, the next one uses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from texml_mcp.catalog import ENDPOINTS, endpoint
from texml_mcp.sandbox import Worlds, create_app
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION
from texml_mcp.sandbox.openapi import openapi

DOCUMENT = openapi()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CALL = {"ApplicationSid": MAIN_APPLICATION, "To": "+13125550142", "From": "+13125550100"}


def _links() -> list[tuple[str, str, dict[str, str]]]:
    """Every link: the operation it starts from, the one it leads to, and its parameters."""
    return [
        (operation["operationId"], link["operationId"], link["parameters"])
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]


def test_a_link_gives_each_path_parameter_of_its_target() -> None:
    for source, target, parameters in _links():
        assert list(parameters) == [param.name for param in endpoint(target).path_params]
        own = {param.name for param in endpoint(source).path_params}
        asked = {name for name, value in parameters.items() if value == f"$request.path.{name}"}
        assert asked <= own
        assert len(parameters) - len(asked) == 1


def test_links_lead_to_every_operation_on_one_resource() -> None:
    led_to = {target for _, target, _ in _links()}
    on_one = {each.id for each in ENDPOINTS if {param.name for param in each.path_params} - {"account_sid"}}
    assert led_to == on_one


def _of_one_account() -> dict[str, Any]:
    """The document with the account written into its paths: chains then start at lists, as they need none."""
    document = openapi()
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["parameters"] = [
                each for each in operation["parameters"] if each["name"] != "account_sid"
            ]
            for response in operation["responses"].values():
                for link in response.get("links", {}).values():
                    link["parameters"].pop("account_sid", None)
    paths = {path.replace("{account_sid}", ACCOUNT_SID): each for path, each in document["paths"].items()}
    return document | {"paths": paths, "servers": [{"url": "/v2"}]}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_no_chain_of_requests_meets_an_undocumented_answer() -> None:
    # The document's own links alone: schemathesis would infer others and write them into what it is given.
    given = {"phases": {"stateful": {"inference": {"algorithms": []}}}, "generation": {"mode": "positive"}}
    config = schemathesis.Config.from_dict(given)
    schema = schemathesis.openapi.from_dict(_of_one_account(), config=config)
    worlds = Worlds()
    schema.app = create_app(worlds)
    reached: Counter[tuple[str, int]] = Counter()

    class Chain(schema.as_state_machine()):
        def setup(self) -> None:
            # Each chain in a new world: the same draws must meet the same answers.
            worlds.put("sandbox-chains", worlds.anew())

        def before_call(self, case: Any) -> None:
            case.headers = {"Authorization": "Bearer sandbox-chains"}
            # Random text here would only ever meet a 404 or a 422, and no link would be followed.
            name = case.operation.definition.raw["operationId"]
            if name.startswith("list_"):
                case.query = {}
            if name == "create_call" and isinstance(case.body, dict):
                case.body = dict(CALL)

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            reached[case.operation.definition.raw["operationId"], response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

    Chain.run(
        settings=settings(
            max_examples=40,
            stateful_step_count=6,
            phases=[Phase.generate],
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )
    followed = {name for name, status in reached if status < 300} & {target for _, target, _ in _links()}
    # That links were really followed into the answers, and not every chain ended at its first step.
    assert len(followed) >= 8, reached
