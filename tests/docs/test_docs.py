"""What the documentation promises exists."""

from __future__ import annotations

import re
from pathlib import Path

from texml_mcp.client import ErrorCode

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples/README.md",
    *(ROOT / "docs").glob("*.md"),
]


def test_every_error_code_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_0-9]+)`", (ROOT / "docs/errors.md").read_text()))
    assert {code.value for code in ErrorCode} <= documented
    source = "".join(path.read_text() for path in (ROOT / "texml_mcp").rglob("*.py"))
    used = set(re.findall(r'code="([a-z_]+)"', source))
    assert used <= documented


def test_every_link_and_named_file_exists() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
        for named in re.findall(
            r"`((?:tests|texml_mcp|examples|benchmarks|docs)/[\w./]+)`", page.read_text()
        ):
            assert (ROOT / named).exists(), f"{page.name}: {named}"
