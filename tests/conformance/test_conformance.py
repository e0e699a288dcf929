"""The official conformance suite, on both wires: every scenario that any server must pass, and no surprise.

The whole suite runs, over HTTP on the sandbox. What it may miss is in `misses.toml`, each with its reason.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.http.service import serving
from tests.lengths import few
from tests.node_tools import NodeTools, node_tools

LEGACY, MODERN = "2025-11-25", "2026-07-28"
MISSES: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("misses.toml").read_text())
# Of what must pass, these checks alone need a tool of the suite's own.
FIXTURES = {key for key in MISSES[MODERN] if key.startswith("server-stateless:")}
BAD = {"FAILURE", "WARNING"}

BOTH = [
    "tools-list",
    "prompts-list",
    "resources-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
]
MUST_PASS = {
    LEGACY: ["server-initialize", "server-session-lifecycle", "ping", *BOTH],
    MODERN: [
        "server-stateless",
        "caching",
        "http-header-validation",
        "input-required-result-unsupported-methods",
        "sep-2164-resource-not-found",
        *BOTH,
    ],
}

Results = dict[str, list[dict[str, str]]]
"""The checks of each scenario that ran."""


@pytest.fixture(scope="module")
def tools() -> NodeTools:
    return node_tools()


def ran(tools: NodeTools, url: str, version: str, place: Path) -> Results:
    suite = tools.command("@modelcontextprotocol/conformance", "dist/index.js")
    which = ["--suite", "all", "--spec-version", version, "--output-dir", str(place)]
    # Its exit status counts misses of the suite's example tools too: the checks are read instead.
    done = subprocess.run(
        [*suite, "server", "--url", f"{url}/mcp", *which],
        env=tools.environment(place.parent),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    results: Results = {}
    for checks in place.glob("server-*/checks.json"):
        name = re.fullmatch(r"server-(.+?)-\d{4}-\d\d-\d\dT[\d-]+Z", checks.parent.name)
        assert name is not None, checks.parent.name
        results[name[1]] = json.loads(checks.read_text())
    assert results, done.stdout[-2000:] + done.stderr[-2000:]
    return results


@pytest.fixture(scope="module")
def results(tools: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Results]]:
    """What the suite makes of one server on the wire of a version: run once, when it is asked for."""
    place = tmp_path_factory.mktemp("conformance")
    with serving(place / "server.log", "--sandbox", "--rate-per-minute", "0") as service:
        yield cache(lambda version: ran(tools, service.url, version, place / version))
        assert "Traceback" not in service.logged()


@pytest.mark.parametrize(
    ("version", "scenario"),
    few(
        [(version, each) for version, names in MUST_PASS.items() for each in names],
        lambda case: case[0] == MODERN,
    ),
)
def test_what_any_server_must_pass(results: Callable[[str], Results], version: str, scenario: str) -> None:
    checks = results(version)[scenario]
    assert any(check["status"] == "SUCCESS" for check in checks)
    missed = {
        f"{scenario}:{check['id']}": check.get("errorMessage") for check in checks if check["status"] in BAD
    }
    assert missed.keys() == (FIXTURES if scenario == "server-stateless" else set()), missed


@pytest.mark.parametrize("version", few(MISSES, lambda version: version == MODERN))
def test_nothing_else_is_missed_and_nothing_is_excused_in_vain(
    results: Callable[[str], Results], version: str
) -> None:
    missed = {
        f"{scenario}:{check['id']}"
        for scenario, checks in results(version).items()
        for check in checks
        if check["status"] in BAD
    }
    assert missed == MISSES[version].keys()


@pytest.mark.long
def test_without_sessions_the_modern_wire_is_the_same(
    tools: NodeTools, results: Callable[[str], Results], tmp_path: Path
) -> None:
    with serving(tmp_path / "server.log", "--sandbox", "--rate-per-minute", "0", "--stateless") as service:
        stateless = ran(tools, service.url, MODERN, tmp_path / "results")
    statuses = [
        {name: sorted((check["id"], check["status"]) for check in checks) for name, checks in each.items()}
        for each in (results(MODERN), stateless)
    ]
    assert statuses[0] == statuses[1]


def test_every_excuse_has_a_reason_and_only_four_touch_what_must_pass() -> None:
    assert MISSES.keys() == MUST_PASS.keys()
    assert len(FIXTURES) == 4
    for version, misses in MISSES.items():
        assert all(len(reason.split()) >= 4 for reason in misses.values())
        touched = {key for key in misses if key.split(":")[0] in MUST_PASS[version]}
        assert touched == (FIXTURES if version == MODERN else set())
