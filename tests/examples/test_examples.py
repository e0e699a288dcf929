"""Every example runs as it stands; every host configuration starts a server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.http.service import serving

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def run(*command: str, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_the_python_client() -> None:
    told = run(sys.executable, str(EXAMPLES / "python_client.py"), "--yes")
    assert "39 tools" in told
    assert "Call placed to +13125550142" in told
    assert "in-progress" in told
    assert "Hung up." in told


@pytest.mark.long
def test_the_client_over_http() -> None:
    told = run(sys.executable, str(EXAMPLES / "http_client.py"), "--yes")
    assert "vera, a viewer: 18 tools, 0 of them can act" in told
    assert "otto, an operator: 39 tools" in told
    assert "ok: Hung up." in told


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("http_client.py", "declined: The user said no."),
        ("python_client.py", "declined: The user said no."),
        ("function_calling_loop.py", "assistant: all right, I leave it."),
    ],
)
def test_silence_is_taken_for_a_no(name: str, told: str) -> None:
    said = run(sys.executable, str(EXAMPLES / name))
    assert told in said
    assert "Hung up" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tau2_style.py", "nobody"), "There is no task nobody"),
        (("two_servers.py", "nobody", "--agent", "null"), "nobody: no such file, and no server of that name"),
    ],
)
def test_a_name_that_is_none_is_told_in_a_line(words: tuple[str, ...], told: str) -> None:
    command = [sys.executable, str(EXAMPLES / words[0]), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode > 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_client_that_is_not_let_in_says_so_in_a_line() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "team_client.py"), "http://127.0.0.1:1/mcp"],
        env={**os.environ, "TOKEN": "txm_made_up"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "http://127.0.0.1:1/mcp did not let us in: is the server there, and the token one of its own?\n"
    )


@pytest.mark.long
def test_the_function_calling_loop() -> None:
    told = run(sys.executable, str(EXAMPLES / "function_calling_loop.py"), "--yes")
    assert "server asks: " in told
    assert "assistant: Done: Hung up." in told


@pytest.mark.long
def test_the_typescript_client(tmp_path: Path) -> None:
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    here = shutil.copytree(
        EXAMPLES / "typescript", tmp_path / "typescript", ignore=shutil.ignore_patterns("node_modules")
    )
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if installed.returncode:
        pytest.skip(f"npm could not install the SDK: {installed.stderr[-200:]}")
    told = run("node", "client.mjs", cwd=here, TEXML_MCP_COMMAND=f"{sys.executable} -m texml_mcp")
    assert "39 tools" in told
    assert "create_call > confirmation_required" in told
    assert "create_call > ok: Call placed to +13125550142" in told
    assert "the same token again: confirmation_required" in told


@pytest.mark.parametrize("path", sorted((EXAMPLES / "hosts").glob("*.json")), ids=lambda path: path.name)
def test_host_configurations_name_flags_that_exist(path: Path) -> None:
    config = json.loads(path.read_text())
    (server,) = (config.get("mcpServers") or config["servers"]).values()
    assert server["command"] == "texml-mcp"
    from texml_mcp.cli.serve import parser

    parser().parse_args(server["args"][1:])
    assert server["args"][0] == "serve"


def test_the_readme_shows_the_same_configurations() -> None:
    readme = (ROOT / "README.md").read_text()
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", readme, re.DOTALL)]
    files = [json.loads(path.read_text()) for path in (EXAMPLES / "hosts").glob("*.json")]
    assert shown
    assert all(block in files for block in shown)


@pytest.mark.long
def test_every_command_that_the_readme_names_exists(tmp_path: Path) -> None:
    """Run in the order in which the README has them, in a directory of their own."""
    readme = (ROOT / "README.md").read_text()
    blocks = "".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL))
    commands = re.findall(r"^texml-mcp (.+)$", blocks, re.MULTILINE)
    assert commands
    for command in commands:
        words = command.split()
        if words[:2] == ["sandbox", "serve"]:
            assert "--port" in run(sys.executable, "-m", "texml_mcp", "sandbox", "serve", "--help")
        elif words[0] == "serve":
            with serving(tmp_path / "server.log", *words[2:], cwd=tmp_path) as service:
                assert service.stop() == 0
        elif "create_call" in words:
            run(sys.executable, "-m", "texml_mcp", *words, "--yes", cwd=tmp_path)
        else:
            run(sys.executable, "-m", "texml_mcp", *words, cwd=tmp_path)
