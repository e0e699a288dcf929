"""The first hour as a reader types it: the blocks of a part in one shell, and what they are said to print."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.lengths import few

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "first-hour.md").read_text()
PARTS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
WITHIN = 120.0


class Shell:
    """bash in a directory of its own, where nothing of this user is known."""

    def __init__(self, here: Path) -> None:
        (here / "examples").symlink_to(ROOT / "examples")
        self.said = here / "said.txt"
        kept = ("TELNYX_", "TEXML_MCP_", "XDG_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
        environment |= {"HOME": str(here), "COLUMNS": "80", "NO_COLOR": "1"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                ["bash"],
                cwd=here,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                text=True,
                start_new_session=True,
            )
        self.read = 0

    def type(self, commands: str, expected: str) -> str:
        """What was printed since the last block, once it is what is expected or is not going to be."""
        assert self.process.stdin is not None
        mark = f"typed {self.read}"
        self.process.stdin.write(f"{commands}echo '{mark}'\n")
        self.process.stdin.flush()
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            told = self.said.read_text()[self.read :]
            printed = re.sub(rf"^({mark}\n|\[\d\].*\n)", "", told, flags=re.MULTILINE)
            if f"{mark}\n" in told and (
                not otherwise(expected, printed) or not commands.rstrip().endswith("&")
            ):
                break
            time.sleep(0.05)
        self.read = len(self.said.read_text())
        return printed

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.communicate(timeout=60)


def otherwise(expected: str, printed: str) -> list[tuple[str | None, str | None]]:
    """The lines that are not what the page shows; `...` stands there for anything within a line."""
    lines = zip_longest(expected.splitlines(), printed.splitlines())
    return [(shown, told) for shown, told in lines if not _fits(shown, told)]


def _fits(shown: str | None, told: str | None) -> bool:
    if shown is None or told is None:
        return False
    return re.fullmatch(".*".join(re.escape(part) for part in shown.split("...")), told) is not None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return bound.getsockname()[1]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    shell.close()


@pytest.mark.parametrize("title", few(PARTS, 1))
def test_what_is_typed_prints_what_is_shown(shell: Shell, title: str) -> None:
    sandbox, server = str(free_port()), str(free_port())
    part = PARTS[title].replace("8765", sandbox).replace(":8000", f":{server}")
    part = part.replace("sandbox serve &", f"sandbox serve --port {sandbox} &")
    part = part.replace("tokens.toml &", f"tokens.toml --port {server} &")
    blocks = re.findall(r"```sh\n(.*?)```\s*```text\n(.*?)```", part, re.DOTALL)
    assert len(blocks) == part.count("```sh\n")
    for typed, expected in blocks:
        assert otherwise(expected, shell.type(typed, expected)) == []
