"""Where an example needs more than is installed, it says what to install, in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Python imports this file by itself: the modules named in LACKING are then nowhere to be found.
HIDING = """
import importlib.machinery, os
found = importlib.machinery.PathFinder.find_spec
lacking = os.environ["LACKING"].split()
importlib.machinery.PathFinder.find_spec = lambda name, *more: None if name in lacking else found(name, *more)
"""


def run(tmp_path: Path, example: str, lacking: str, **more: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    return subprocess.run(
        [sys.executable, str(EXAMPLES / example)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "LACKING": lacking} | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("example", "lacking", "extra"),
    [
        ("inspect_bench.py", "inspect_ai", "inspect"),
        ("tau2_style.py", "yaml", "eval"),
        ("two_servers.py", "jmespath", "eval"),
        ("bfcl/answer.py", "yaml", "eval"),
        ("promptfoo/run.py", "yaml", "eval"),
    ],
)
def test_an_example_without_what_it_needs_says_what_to_install(
    tmp_path: Path, example: str, lacking: str, extra: str
) -> None:
    done = run(tmp_path, example, lacking, PROMPTFOO=sys.executable)
    assert done.returncode != 0
    told = (done.stdout + done.stderr).removeprefix("texml-mcp: ")
    assert told == f"{lacking} is missing: pip install 'texml-mcp[{extra}]'\n"


def test_without_promptfoo_it_says_where_to_get_it(tmp_path: Path) -> None:
    done = run(tmp_path, "promptfoo/run.py", "", PROMPTFOO="promptfoo-nowhere")
    assert done.returncode == 1
    assert (
        done.stdout == "promptfoo is not on the PATH: npm install -g promptfoo, or say where in PROMPTFOO\n"
    )
