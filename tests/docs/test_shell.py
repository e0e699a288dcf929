"""Commands of the pages, typed as they stand there: those that end by themselves and change nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_docs import ROOT, command_lines, words_of
from tests.lengths import few


def run(line: str, where: Path) -> subprocess.CompletedProcess[str]:
    words = words_of(line)
    assert words[0] == "texml-mcp", line
    return subprocess.run(
        [sys.executable, "-m", "texml_mcp", *words[1:]],
        cwd=where,
        env=os.environ | {"HOME": str(where), "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def lines_of(page: str, beginning: str) -> list[str]:
    found = [line for line in command_lines(ROOT / page) if line.startswith(beginning)]
    assert found, f"{page} no longer says {beginning}"
    return found


@pytest.mark.parametrize(
    "beginning",
    few(
        [
            "texml-mcp call list_calls",
            "texml-mcp tools",
            "texml-mcp schemas export",
            "texml-mcp install cursor",
        ],
        1,
    ),
)
def test_the_shell_lines_of_the_readme_do_what_they_say(beginning: str, tmp_path: Path) -> None:
    for line in lines_of("README.md", beginning):
        done = run(line, tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def test_a_call_from_the_readme_is_asked_about_and_not_placed(tmp_path: Path) -> None:
    (line,) = lines_of("README.md", "texml-mcp call create_call")
    done = run(line, tmp_path)
    assert done.returncode == 1
    assert "NOT EXECUTED" in done.stdout


def test_the_policy_of_its_page_loads_and_is_explained(tmp_path: Path) -> None:
    page = (ROOT / "docs/policy.md").read_text()
    (file,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "policy.toml").write_text(file)
    (check,) = lines_of("docs/policy.md", "texml-mcp policy check")
    assert run(check, tmp_path).returncode == 0
    (explain,) = lines_of("docs/policy.md", "texml-mcp policy explain")
    assert "Calls are not recorded here." in run(explain, tmp_path).stdout
