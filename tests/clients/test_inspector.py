"""The Inspector's command line, of both eras, without forms: what an integrator tries first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Team
from tests.http.service import serving
from tests.node_tools import NodeTools

pytestmark = pytest.mark.long

STDIO = [sys.executable, "-m", "texml_mcp", "serve", "--sandbox"]
LEGACY = ("inspector-legacy", "cli/build/cli.js")
MODERN = ("inspector-modern", "clients/launcher/build/index.js")


class Inspector:
    """An Inspector that runs one method on one server and ends."""

    def __init__(self, tools: NodeTools, home: Path) -> None:
        self._tools, self._home = tools, home

    def run(self, which: tuple[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._tools.command(*which), "--cli", *arguments],
            cwd=self._home,
            env=self._tools.environment(self._home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def legacy(self, *arguments: str) -> Any:
        done = self.run(LEGACY, *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def modern(self, *arguments: str) -> Any:
        done = self.run(MODERN, *arguments, "--protocol-era", "modern", "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["result"]


@pytest.fixture
def inspector(tools: NodeTools, tmp_path: Path) -> Inspector:
    return Inspector(tools, tmp_path)


def by_http(team: Team, role: str = "operator") -> list[str]:
    url = f"{team.service.url}/mcp"
    return ["--server-url", url, "--header", f"Authorization: Bearer {team.tokens[role]}"]


def test_the_legacy_one_lists_the_tools(inspector: Inspector) -> None:
    tools = inspector.legacy(*STDIO, "--method", "tools/list")["tools"]
    assert len(tools) == 39
    assert all(each["description"] for each in tools)


def test_the_legacy_one_calls_a_tool_with_arguments(inspector: Inspector) -> None:
    call = [
        "--method",
        "tools/call",
        "--tool-name",
        "list_calls",
        "--tool-arg",
        "limit=3",
        "Status=completed",
    ]
    answer = inspector.legacy(*STDIO, *call)
    story = answer["structuredContent"]
    assert (story["status"], story["page"]["shown"]) == ("ok", 3)
    assert {each["status"] for each in story["items"]} == {"completed"}


def test_the_legacy_one_is_asked_over_http_before_anything_is_sent(
    inspector: Inspector, tmp_path: Path
) -> None:
    secret = ["--tool-name", "create_secret", "--tool-arg", "name=GREETING", "value=Good morning"]
    with serving(tmp_path / "server.log", "--sandbox") as service:
        answer = inspector.legacy(f"{service.url}/mcp", "--method", "tools/call", *secret)
    assert answer["structuredContent"]["status"] == "confirmation_required"
    assert answer["content"][0]["text"].startswith("NOT EXECUTED")


def test_the_legacy_one_is_told_over_http_that_it_needs_a_token(inspector: Inspector, team: Team) -> None:
    """It has no way to send one."""
    done = inspector.run(LEGACY, f"{team.service.url}/mcp", "--method", "tools/list")
    assert done.returncode != 0
    assert "Authentication required" in done.stderr


def test_the_modern_one_finds_no_error_in_any_schema(inspector: Inspector) -> None:
    done = inspector.run(
        MODERN, *STDIO, "--protocol-era", "modern", "--format", "json", "--method", "tools/list", "--strict"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(json.loads(done.stdout)["result"]["tools"]) == 39
    assert "0 errors" in done.stderr
    # It warns of fields that may be null, which are in answers only: no model's provider reads those.
    paths = [line.split()[1] for line in done.stderr.splitlines() if line.strip().startswith("Path: ")]
    assert paths
    assert all(path.startswith("outputSchema.") for path in paths)


def test_the_modern_one_sees_over_http_what_its_token_may(inspector: Inspector, team: Team) -> None:
    listing = ["--method", "tools/list"]
    shown = {
        role: {each["name"] for each in inspector.modern(*by_http(team, role), *listing)["tools"]}
        for role in team.tokens
    }
    assert "update_call" in shown["operator"]
    assert "update_call" not in shown["viewer"]
    assert shown["viewer"] < shown["operator"]


def test_the_modern_one_takes_the_token_step(inspector: Inspector, team: Team) -> None:
    def store(**token: str) -> dict[str, Any]:
        arguments = json.dumps({"name": "GREETING", "value": "Good morning"} | token)
        call = ["--method", "tools/call", "--tool-name", "create_secret", "--tool-args-json", arguments]
        answer = inspector.modern(*by_http(team), *call)
        assert answer["structuredContent"]["summary"] in answer["content"][0]["text"]
        return answer["structuredContent"]

    asked = store()
    assert asked["status"] == "confirmation_required"
    assert store(confirm_token=asked["confirm_token"])["status"] == "ok"


def test_the_modern_one_without_a_token_is_refused(inspector: Inspector, team: Team) -> None:
    where = ["--server-url", f"{team.service.url}/mcp", "--stored-auth-only", "--protocol-era", "modern"]
    done = inspector.run(MODERN, *where, "--format", "json", "--method", "tools/list")
    assert done.returncode == 3
    assert "auth_required" in done.stderr
