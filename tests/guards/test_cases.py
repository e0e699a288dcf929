"""The corpus: what each number, SIP address, URL and document comes to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.guards.conftest import Judge
from texml_mcp.catalog import ENDPOINTS
from texml_mcp.gate.guards import verdict

SECTIONS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text("utf-8"))
STARTING = [each.id for each in ENDPOINTS if each.starts_call]
CALLS = {
    "To": ("create_call", "To"),
    "Url": ("update_call", "Url"),
    "Stream": ("start_call_stream", "Url"),
    "Texml": ("update_call", "Texml"),
}


def cases() -> Iterator[Any]:
    for section in SECTIONS:
        for value, expected in section["cases"]:
            yield pytest.param(section["argument"], value, expected, id=f"{section['about']}: {value!a}")


def test_there_are_enough_cases():
    assert sum(len(each["cases"]) for each in SECTIONS) >= 200


@pytest.mark.parametrize(("argument", "value", "expected"), list(cases()))
def test_case(judge: Judge, argument: str, value: str, expected: str):
    endpoint, name = CALLS[argument]
    findings = judge(endpoint, {name: value}, hours="off")
    level, _, code = expected.partition(" ")
    assert verdict(findings) == level, findings
    assert not code or code in {each.code for each in findings}, findings


EMERGENCIES = [
    value for each in SECTIONS for value, expected in each["cases"] if expected.endswith("number_emergency")
]


@pytest.mark.parametrize("value", [each for each in EMERGENCIES if not each.startswith("<Response")])
def test_no_setting_and_no_sandbox_lets_an_emergency_number_through(judge: Judge, value: str):
    off = dict.fromkeys(("numbers", "hosts", "callers", "hours", "budgets", "limits"), "off")
    for endpoint in STARTING:
        assert verdict(judge(endpoint, {"To": value}, live=False, **off)) == "deny"
