"""Everything before a release is published, and nothing of the publishing: `release.py VERSION`.

The version stands in `texml_mcp/__init__.py` and, generated, in `server.json`. With `--check` only what is
written is looked at; otherwise the distributions are built, and the wheel is tried in a fresh environment.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION_FILE, CHANGELOG = "texml_mcp/__init__.py", "CHANGELOG.md"

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)((a|b|rc)(0|[1-9]\d*))?")


class NotReady(Exception):
    """Why there can be no release; each argument is one thing to do."""


def problems(version: str) -> Iterator[str]:
    """What must be done first, in the order to do it."""
    if not _VERSION.fullmatch(version):
        yield f"{version} is not a version: write 1.2.3, or 1.2.3rc1 before it."
        return
    stands = re.search(r'^__version__ = "(.+)"$', _text(VERSION_FILE), re.MULTILINE)
    if stands is None or stands[1] != version:
        yield f"{VERSION_FILE} says {stands[1] if stands else 'no version'}, not {version}: change it there."
    yield from _changelog(version)
    done = _run(sys.executable, "packaging/server_json.py", "check")
    if done.returncode:
        yield f"{(done.stderr or done.stdout).strip().splitlines()[-1]}"
    if _git("status", "--porcelain"):
        yield "Something is not committed: git status says what."
    if _git("tag", "--list", f"v{version}"):
        yield f"The tag v{version} is there: this version is out."


def _changelog(version: str) -> Iterator[str]:
    sections = re.split(r"^## ", _text(CHANGELOG), flags=re.MULTILINE)[1:]
    titles = {section.partition("\n")[0].strip(): section.partition("\n")[2] for section in sections}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    found = [title for title in titles if title.startswith(f"[{version}]")]
    if not found:
        yield f"{CHANGELOG} has no entry: put `## [{version}] - {today}` above what changed."
        return
    if not re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", found[0]):
        yield f"{CHANGELOG}: `## {found[0]}` needs its date: `## [{version}] - {today}`."
    if not _lines(titles[found[0]]):
        yield f"{CHANGELOG}: the entry of {version} says nothing."
    if "[Unreleased]" not in titles:
        yield f"{CHANGELOG} has no `## [Unreleased]` left: put one, empty, above {version}."
    elif _lines(titles["[Unreleased]"]):
        yield f"{CHANGELOG}: lines under Unreleased would be in the release and not in its entry: move them."


def _lines(section: str) -> list[str]:
    return [line for line in section.splitlines() if line.startswith("- ")]


def build(version: str, into: Path, constraint: Path | None) -> tuple[Path, Path]:
    """The wheel and the sdist, moved to `into` once the wheel works where only it is installed."""
    with tempfile.TemporaryDirectory() as scratch:
        made, fresh = Path(scratch) / "dist", Path(scratch) / "fresh"
        # The wheel is built from the sdist, so that what works is what the sdist holds.
        _must("build", sys.executable, "-m", "build", "--outdir", made, ROOT)
        wheel, sdist = made / f"texml_mcp-{version}-py3-none-any.whl", made / f"texml_mcp-{version}.tar.gz"
        if sorted(made.iterdir()) != sorted([wheel, sdist]):
            raise NotReady(f"The build made {', '.join(path.name for path in made.iterdir())}.")
        venv.create(fresh, with_pip=True)
        python = fresh / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        held = ["--constraint", constraint.resolve()] if constraint else []
        _must("install", python, "-m", "pip", "install", "--quiet", *held, wheel)
        smoke = shutil.copy(ROOT / "packaging/release_smoke.py", scratch)
        _say(f"Installed into a fresh environment: {_must('try', python, smoke, version, cwd=scratch)}")
        into.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, into / wheel.name)), Path(shutil.move(sdist, into / sdist.name))


def _must(what: str, *command: str | Path, cwd: str | Path = ROOT) -> str:
    done = _run(*command, cwd=cwd)
    if done.returncode:
        raise NotReady(f"The step `{what}` failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout.strip()


def _git(*words: str) -> str:
    done = _run("git", *words)
    if done.returncode:
        raise NotReady(f"This is no checkout of git, or git is not there: {done.stderr.strip()}")
    return done.stdout.strip()


def _run(*command: str | Path, cwd: str | Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """0 when it can go out, 1 with what must be done first."""
    parser = argparse.ArgumentParser(description="Check, build and try a release. Nothing is published.")
    parser.add_argument("version", metavar="VERSION", help="such as 1.2.3")
    parser.add_argument("--check", action="store_true", help="look at what is written, and build nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where wheel and sdist go (dist/)")
    parser.add_argument("--constraint", type=Path, help="versions to install beside the wheel")
    given = parser.parse_args(arguments)
    try:
        if found := list(problems(given.version)):
            raise NotReady(*found)
        _say(f"{given.version}: version, changelog and server.json agree; everything is committed.")
        if not given.check:
            for path in build(given.version, given.out, given.constraint):
                _say(f"{path} ({path.stat().st_size // 1024} KiB)")
            _say(f"Nothing is published. Next: git tag v{given.version}, push it, upload these two.")
    except NotReady as error:
        for problem in error.args:
            sys.stderr.write(f"not ready: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
