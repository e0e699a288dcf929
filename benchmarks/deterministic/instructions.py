"""Machine instructions of a start and of single calls, counted by valgrind: the same on every run.

Unlike a clock it does not mind what else the machine does, and unlike `perf` it needs no counters of the
processor, which virtual machines do not have. It takes a minute, so it is done where it is asked for.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Callable

from benchmarks.answers import a_read, by_address, dial
from benchmarks.contenders.registry import Ours
from benchmarks.deterministic.baseline import Number, Skipped
from benchmarks.field import scratch
from benchmarks.upstream import upstream
from benchmarks.wire.launch import Launch
from benchmarks.wire.stdio import Pipe, serving

START, READ, WRITE = (
    "instructions until tools/list",
    "instructions of a read",
    "instructions of a gated write, both steps",
)
READS, WRITES, WARM = 40, 20, 5
_TOOL = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def instructions(*, asked: bool) -> dict[str, Number | Skipped]:
    """The three numbers, or why they are not taken."""
    if not asked:
        return dict.fromkeys((START, READ, WRITE), Skipped("with --instructions it is counted"))
    if shutil.which("valgrind") is None:
        return dict.fromkeys((START, READ, WRITE), Skipped("valgrind is not installed"))
    holds_for = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"

    def number(value: float) -> Number:
        return Number(round(value), holds_for)

    def warm(pipe: Pipe) -> None:
        _read(pipe, WARM)
        _write(pipe, WARM, 0)

    # What is made at the first call is no part of the others: a difference of two runs leaves it out.
    start, warmed = _counted(lambda pipe: None), _counted(warm)
    reads = _counted(lambda pipe: (warm(pipe), _read(pipe, READS)))
    writes = _counted(lambda pipe: (warm(pipe), _write(pipe, WRITES, WARM)))
    return {
        START: number(start),
        READ: number((reads - warmed) / READS),
        WRITE: number((writes - warmed) / WRITES),
    }


def _counted(work: Callable[[Pipe], object]) -> int:
    with upstream(by_address()) as url, scratch() as state:
        launch = Ours("texml-mcp").launch(url, state=state)
        environment = {**launch.environment, "PYTHONHASHSEED": "0"}
        with serving(Launch(["valgrind", *_TOOL, *launch.command], environment)) as pipe:
            pipe.hello()
            pipe.request("tools/list", {})
            work(pipe)
            said = pipe.end()
    found = re.search(r"I +refs: +([\d,]+)", said)
    if found is None:
        raise RuntimeError(f"valgrind counted nothing: {said[-300:]}")
    return int(found[1].replace(",", ""))


def _read(pipe: Pipe, times: int) -> None:
    for _ in range(times):
        pipe.call("get_call", dict(a_read().arguments))


def _write(pipe: Pipe, times: int, first: int) -> None:
    for turn in range(first, first + times):
        asked = pipe.call("create_call", dial(turn))["structuredContent"]
        pipe.call("create_call", dial(turn) | {"confirm_token": asked["confirm_token"]})
