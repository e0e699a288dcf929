"""The distributions, built once."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.container import Image, missing

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Distributions:
    """The source distribution, and the wheel that was built from it and not from the checkout."""

    sdist: Path
    wheel: Path


def run(*command: str | Path, timeout: float = 180) -> str:
    """A command that must succeed; what it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    where = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", where, ROOT)
    (sdist,), (wheel,) = where.glob("*.tar.gz"), where.glob("*.whl")
    return Distributions(sdist, wheel)


@pytest.fixture(scope="session")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment that has the wheel and what it needs, and nothing else."""
    where = tmp_path_factory.mktemp("installed")
    venv.create(where, with_pip=True)
    pip = [where / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--constraint", ROOT / "constraints.txt", distributions.wheel)
    return where / "bin"


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    if reason := missing():
        pytest.skip(reason)
    return Image(ROOT, tmp_path_factory.mktemp("image"))
