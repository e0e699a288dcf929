"""`make release`: what stands in its way is said all at once, and what it builds works elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lengths import few
from tests.packaging.conftest import ROOT
from texml_mcp import __version__

NEXT = "7.8.9"
PARTS = ("texml_mcp", "tool_schemas", "packaging")
FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "server.json", "constraints.txt")


class Copy:
    """A copy of the project that is about to be released as `NEXT`."""

    def __init__(self, where: Path) -> None:
        self.where = where
        for part in PARTS:
            shutil.copytree(ROOT / part, where / part, ignore=shutil.ignore_patterns("__pycache__"))
        for file in FILES:
            shutil.copy(ROOT / file, where / file)
        self.change("texml_mcp/__init__.py", f'"{__version__}"', f'"{NEXT}"')
        self.write_entry(f"## [Unreleased]\n\n## [{NEXT}] - 2026-01-31\n\n### Fixed\n- A bug.\n")
        self.python("packaging/server_json.py", "write")
        self.git("init", "--quiet")
        self.commit()

    def change(self, file: str, old: str, new: str) -> None:
        text = (self.where / file).read_text("utf-8")
        assert old in text
        (self.where / file).write_text(text.replace(old, new), "utf-8")

    def write_entry(self, sections: str) -> None:
        (self.where / "CHANGELOG.md").write_text(f"# Changelog\n\n{sections}", "utf-8")

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Get ready")

    def git(self, *words: str) -> None:
        whoever = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")
        subprocess.run(["git", *whoever, *words], cwd=self.where, check=True, capture_output=True)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.where,
            env=os.environ | {"PYTHONPATH": str(self.where), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def release(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("packaging/release.py", *words)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def test_a_release_that_is_ready(copy: Copy) -> None:
    done = copy.release("--check", NEXT)
    assert (done.returncode, done.stderr) == (0, "")
    assert NEXT in done.stdout
    assert not (copy.where / "dist").exists()


@pytest.mark.long
def test_a_release_is_built_and_tried_where_only_the_wheel_is(copy: Copy, tmp_path: Path) -> None:
    done = copy.release(NEXT, "--out", str(tmp_path / "out"), "--constraint", str(ROOT / "constraints.txt"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"fresh environment: 39 tools, and list_applications answers \d+", done.stdout)
    assert "Nothing is published" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"texml_mcp-{NEXT}-py3-none-any.whl",
        f"texml_mcp-{NEXT}.tar.gz",
    ]


@pytest.mark.long
def test_everything_that_is_missing_is_said_at_once(copy: Copy) -> None:
    copy.write_entry("## [Unreleased]\n\n- A change.\n")
    done = copy.release("--check", "7.9.0")
    assert done.returncode == 1
    assert f"texml_mcp/__init__.py says {NEXT}, not 7.9.0" in done.stderr
    assert "put `## [7.9.0] - " in done.stderr
    assert "not committed" in done.stderr


@pytest.mark.parametrize(
    ("sections", "says"),
    few(
        [
            (f"## [Unreleased]\n\n## [{NEXT}] - soon\n\n- A change.\n", "needs its date"),
            (
                f"## [Unreleased]\n\n## [{NEXT}] - 2026-01-31\n\n### Added\n",
                f"the entry of {NEXT} says nothing",
            ),
            (f"## [{NEXT}] - 2026-01-31\n\n- A change.\n", "has no `## [Unreleased]` left"),
            (f"## [Unreleased]\n- More.\n\n## [{NEXT}] - 2026-01-31\n\n- A change.\n", "move them"),
        ],
        1,
    ),
)
def test_the_changelog_has_a_dated_entry_that_holds_everything(copy: Copy, sections: str, says: str) -> None:
    copy.write_entry(sections)
    copy.commit()
    done = copy.release("--check", NEXT)
    assert done.returncode == 1
    (problem,) = done.stderr.splitlines()
    assert says in problem


@pytest.mark.long
def test_a_generated_file_of_another_version_is_not_released(copy: Copy) -> None:
    copy.change("server.json", NEXT, __version__)
    copy.commit()
    done = copy.release("--check", NEXT)
    assert done.returncode == 1
    assert done.stderr == "not ready: server.json is not current: make schemas writes it.\n"


@pytest.mark.long
def test_a_version_that_is_out_stays_as_it_is(copy: Copy) -> None:
    copy.git("tag", f"v{NEXT}")
    done = copy.release("--check", NEXT)
    assert done.returncode == 1
    assert f"v{NEXT} is there" in done.stderr


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3-rc1", "01.2.3"])
def test_a_version_has_three_numbers(version: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "packaging/release.py", "--check", version],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is not a version" in done.stderr
