"""What `make` says where Python is not what it needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def make(tmp_path: Path, python: str) -> subprocess.CompletedProcess[str]:
    """`make demo` with that script in place of Python, into an environment that is not there."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{python}\n")
    script.chmod(0o755)
    words = ["make", "demo", f"PYTHON={script}", f"VENV={tmp_path / 'venv'}"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_python_that_is_too_old_is_named_with_what_to_do(tmp_path: Path) -> None:
    done = make(tmp_path, 'case "$1" in -V) echo Python 3.8.18;; *) exit 1;; esac')
    assert done.returncode == 2
    first, second, *_ = done.stderr.splitlines()
    assert first == f"texml-mcp needs Python 3.11 or later; {tmp_path / 'python'} is Python 3.8.18."
    assert second == "With another: make demo PYTHON=python3.13"


def test_a_python_without_environments_is_told_with_what_to_install(tmp_path: Path) -> None:
    done = make(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac')
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        f"{tmp_path / 'python'} cannot make a virtual environment. "
        "On Debian and Ubuntu: apt install python3-venv"
    )
