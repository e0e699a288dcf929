"""Which modules a server has run by the time it has answered `tools/list`.

Counted where they are run, not where they are named: a module that is put off until it is used is free.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.contenders.registry import Ours
from benchmarks.field import scratch
from benchmarks.wire.launch import Launch
from benchmarks.wire.stdio import serving

_WATCHED = Path(__file__).with_name("watched.py")


def modules() -> list[str]:
    """The files of the modules, in the order they were run."""
    with scratch() as state:
        told = state / "modules.txt"
        launch = Ours("texml-mcp").launch(state=state / "state")
        python, _, _, *arguments = launch.command
        command = [python, str(_WATCHED), str(told), *arguments]
        watched = Launch(command, {**launch.environment, "PYTHONHASHSEED": "0"})
        with serving(watched) as pipe:
            pipe.hello()
            pipe.request("tools/list", {})
            return told.read_text().splitlines()
