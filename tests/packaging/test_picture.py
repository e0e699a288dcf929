"""The picture in the README is what the demo shows now, and loads nothing from anywhere."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, run

PICTURE = ROOT / "docs/demo.svg"


def words(picture: Path) -> list[str]:
    """What is written in it, line by line."""
    found = re.findall(r"<text[^>]*>(.*?)</text>", picture.read_text("utf-8"))
    return [html.unescape(each).replace("\xa0", " ") for each in found]


@pytest.mark.long
def test_the_picture_shows_the_demo_as_it_is(tmp_path: Path) -> None:
    run(sys.executable, ROOT / "packaging/demo_picture.py", tmp_path / "now.svg")
    assert words(PICTURE) == words(tmp_path / "now.svg"), "make picture"


def test_the_picture_loads_nothing() -> None:
    picture = PICTURE.read_text("utf-8")
    assert not re.search(r"@font-face|@import|url\((?!#)|<script|<image|href=", picture)
    assert "texml-mcp demo" in " ".join(words(PICTURE))
