"""Node 22 and the official tools written for it, as `make node-tools` installs them, or why they are missing.

They are not installed while tests run: that takes a minute and a network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("NODE_TOOLS") or Path(sys.prefix) / "node").absolute()
NEEDED = 22
_WANTED = Path(__file__).with_name("package.json")


class NodeTools:
    """The runtime, and the folder whose packages a script finds when it lies there."""

    def __init__(self, node: Path, folder: Path) -> None:
        self.node, self.folder = node, folder

    def command(self, package: str, script: str) -> list[str]:
        """How to run a script of a package."""
        return [str(self.node), str(self.folder / "node_modules" / package / script)]

    def beside(self, script: Path, place: Path) -> Path:
        """A copy of a script of ours in `place`, where it finds the packages."""
        (place / "node_modules").symlink_to(self.folder / "node_modules")
        return Path(shutil.copy(script, place))

    def environment(self, home: Path) -> dict[str, str]:
        """For a process that starts `node` by name, with a home of its own to write to."""
        path = f"{self.node.parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(home), "NO_COLOR": "1"}


def node_tools() -> NodeTools:
    """The tools; the test that asks is skipped where they are not installed."""
    made_for = FOLDER / "package.json"
    if not (FOLDER / ".installed").is_file() or made_for.read_bytes() != _WANTED.read_bytes():
        pytest.skip(
            f"the Node tools are not in {FOLDER}: run `make node-tools`, which needs npm and a network"
        )
    bundled = [*FOLDER.glob("node_modules/node-*/bin/node")]
    found = bundled[0] if bundled else shutil.which("node")
    if found is None or _version(Path(found)) < NEEDED:
        pytest.skip(f"there is no Node {NEEDED} for this machine, neither installed by npm nor on the PATH")
    return NodeTools(Path(found), FOLDER)


def _version(node: Path) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return int(told.removeprefix("v").split(".")[0])
