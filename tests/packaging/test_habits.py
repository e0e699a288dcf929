"""One list of checks: what runs before a commit and in CI is what `make check` runs."""

from __future__ import annotations

import re

import yaml

from tests.packaging.conftest import ROOT

CHECKS = re.compile(r"\b(ruff|pyright|schemas check|server_json)\b")


def recipe(target: str) -> list[str]:
    """The commands of a make target, the environment spelled out."""
    found = re.search(rf"^{target}: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in found[1].splitlines()]


def test_every_hook_before_a_commit_is_a_part_of_make_check() -> None:
    written = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    (ours,) = written["repos"]
    assert ours["repo"] == "local"
    checks = {line.removesuffix(" .") for line in recipe("check")}
    assert {hook["entry"] for hook in ours["hooks"]} <= checks


def test_ci_checks_by_make_check_alone() -> None:
    script = [
        line
        for line in (ROOT / ".ci/run").read_text("utf-8").splitlines()
        if not line.lstrip().startswith("#")
    ]
    assert any(line.startswith("make check ") for line in script)
    assert [line for line in script if CHECKS.search(line)] == []
    assert sum(bool(CHECKS.search(line)) for line in recipe("check")) >= 5
