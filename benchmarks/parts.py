"""Where the time goes: a start and a read, part by part, beside the bare server.

`python -m benchmarks.parts` writes two plots and the tables between the marks of docs/performance.md. The
parts of a read need `py-spy` (pip install py-spy) and Linux.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.answers import a_read, by_address
from benchmarks.contenders.registry import BARE, OURS, Contender
from benchmarks.field import Field, scratch
from benchmarks.machine import machine, sentence
from benchmarks.plot import stacked
from benchmarks.upstream import upstream
from benchmarks.wire.launch import Launch
from benchmarks.wire.stdio import Pipe, serving

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "performance.md"
PLAIN = f"{OURS} --plain-stdio"

Parts = dict[str, float]
"""Milliseconds of processor time by part."""

_OWNERS = {
    "models of the protocol": ("mcp_types",),
    "pydantic": (
        *("pydantic", "pydantic_core", "pydantic_settings"),
        *("annotated_types", "typing_inspection", "typing_extensions", "dotenv"),
    ),
    "web, OAuth, cryptography, tracing": (
        *("starlette", "sse_starlette", "uvicorn", "click", "python_multipart", "truststore"),
        *("httpx2", "httpcore2", "cryptography", "jwt", "opentelemetry", "idna", "certifi"),
    ),
    "HTTP client": ("httpx", "httpcore", "h11"),
    "the SDK": ("mcp",),
    "event loop and threads": ("asyncio", "anyio", "threading", "selectors", "concurrent", "queue"),
    "texml-mcp": ("texml_mcp", "benchmarks"),
}
_OWNER = {package: part for part, packages in _OWNERS.items() for package in packages}
_PYTHON = "Python itself"


def starting(field: Field) -> dict[str, Parts]:
    """What the imports of each server take: the quickest of several turns, module by module."""
    launches = {
        OURS: _launch(field, OURS),
        PLAIN: _plain(_launch(field, OURS)),
        BARE: _launch(field, BARE),
    }
    best: dict[str, dict[str, float]] = {name: {} for name in launches}
    for _ in range(field.rounds(15, 2)):
        for name, launch in launches.items():
            for module, spent in _imports(launch).items():
                best[name][module] = min(spent, best[name].get(module, spent))
    return {name: _by_owner(modules) for name, modules in best.items()}


def reading(field: Field) -> dict[str, Parts]:
    """What a `get_call` takes in each server: the least of several turns, shared out by the code that ran."""
    with upstream(by_address()) as url, scratch() as state, ExitStack() as stack:
        ours, bare = _contender(field, OURS), _contender(field, BARE)
        launch = ours.launch(url, state=state)
        readers = {
            OURS: stack.enter_context(_reader(ours, launch)),
            PLAIN: stack.enter_context(_reader(ours, _plain(launch))),
            BARE: stack.enter_context(_reader(bare, bare.launch(url))),
        }
        costs: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(field.rounds(10, 2)):
            for name, each in readers.items():
                costs[name].append(each.cost())
        return {
            name: _shared(min(costs[name]), each.stacks(field.rounds(8, 2))) for name, each in readers.items()
        }


@dataclass(frozen=True, slots=True)
class _Reader:
    """Somebody who reads the same call from one server again and again."""

    pipe: Pipe
    tool: str
    arguments: dict[str, Any]

    def read(self, seconds: float) -> int:
        until = time.monotonic() + seconds
        count = 0
        while time.monotonic() < until:
            self.pipe.call(self.tool, self.arguments)
            count += 1
        return count

    def cost(self) -> float:
        """Milliseconds of the server's processor time for one read."""
        before = _processor_ms(self.pipe.process.pid)
        count = self.read(1.0)
        return (_processor_ms(self.pipe.process.pid) - before) / count

    def stacks(self, seconds: int) -> Counter[str]:
        """How often which part was running."""
        with tempfile.TemporaryDirectory() as folder:
            spied = Path(folder) / "stacks.txt"
            spy = subprocess.Popen(
                [
                    *("py-spy", "record", "--gil", "--full-filenames", "--rate", "250", "--format", "raw"),
                    *(
                        "--pid",
                        str(self.pipe.process.pid),
                        "--duration",
                        str(seconds),
                        "--output",
                        str(spied),
                    ),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while spy.poll() is None:
                self.read(0.2)
            parts = Counter[str]()
            for line in spied.read_text().splitlines():
                stack, _, count = line.rpartition(" ")
                parts[_running(stack)] += int(count)
            return parts


@contextmanager
def _reader(contender: Contender, launch: Launch) -> Generator[_Reader]:
    with serving(launch) as pipe:
        pipe.hello()
        reader = _Reader(pipe, *contender.named("get_call", a_read().arguments))
        reader.read(0.5)  # what waits for its first use has been used
        yield reader


def _shared(cost: float, parts: Counter[str]) -> Parts:
    return {part: cost * count / parts.total() for part, count in parts.items()}


def _contender(field: Field, name: str) -> Contender:
    return next(each for each in field.contenders if each.name == name)


def _launch(field: Field, name: str) -> Launch:
    return _contender(field, name).launch()


def _plain(launch: Launch) -> Launch:
    return Launch([*launch.command, "--plain-stdio"], launch.environment)


def _imports(launch: Launch) -> dict[str, float]:
    """Milliseconds that each module takes by itself."""
    python, *rest = launch.command
    done = subprocess.run(
        [python, "-X", "importtime", *rest],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env=launch.whole_environment(),
    )
    told = re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", done.stderr, re.M)
    return {module: int(spent) / 1000 for spent, module in told}


def _by_owner(modules: Mapping[str, float]) -> Parts:
    parts: Parts = Counter()
    for module, spent in modules.items():
        parts[_OWNER.get(module.partition(".")[0], _PYTHON)] += spent
    return parts


def _running(stack: str) -> str:
    """Whose code it was: that of the innermost frame which is not of the standard library, or which waits."""
    for frame in reversed(stack.split(";")):
        part = _OWNER.get(_package(frame.rpartition("(")[2].rpartition(":")[0]))
        if part:
            return part
    return _PYTHON


def _package(file: str) -> str:
    parts = re.split(r"[/\\]|[.]py$", file)
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1]
    return next((part for part in reversed(parts) if part in ("texml_mcp", "benchmarks")), "") or next(
        (part for part in parts if part in _OWNERS["event loop and threads"]), ""
    )


def _processor_ms(pid: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def rendered(title: str, measured: Mapping[str, Parts], digits: int) -> str:
    """A table: a row a part, a column a server, in milliseconds."""
    names = list(measured)
    lines = [f"| {title}, ms | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for part in measured[names[0]]:
        lines.append(f"| {part} | {' | '.join(f'{measured[n][part]:.{digits}f}' for n in names)} |")
    sums = " | ".join(f"**{sum(measured[name].values()):.{digits}f}**" for name in names)
    return "\n".join([*lines, f"| **together** | {sums} |"])


def _alike(measured: Mapping[str, Parts]) -> dict[str, Parts]:
    """The same parts for each, those first that take most."""
    whole = Counter[str]()
    for each in measured.values():
        whole.update(each)
    return {
        name: {part: each.get(part, 0.0) for part, _ in whole.most_common()}
        for name, each in measured.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: to see that it works")
    field = Field(parser.parse_args().quick)
    if shutil.which("py-spy") is None:
        parser.error("py-spy is not installed: pip install py-spy")
    starts, reads = _alike(starting(field)), _alike(reading(field))
    (DOCS / "performance").mkdir(exist_ok=True)
    for name, title, measured in (
        ("start", "What a start imports: milliseconds by part", starts),
        ("read", "One read: milliseconds of processor time by part", reads),
    ):
        (DOCS / "performance" / f"{name}.svg").write_text(stacked(title, measured, "ms"))
    block = "\n\n".join(
        [
            f"Measured on: {sentence(machine())}.",
            rendered("a start", starts, 0),
            "![parts of a start](performance/start.svg)",
            rendered("a read", reads, 2),
            "![parts of a read](performance/read.svg)",
        ]
    )
    before, mark, rest = PAGE.read_text().partition("<!-- parts -->")
    _, end, after = rest.partition("<!-- /parts -->")
    PAGE.write_text(f"{before}{mark}\n{block}\n{end}{after}")


if __name__ == "__main__":
    main()
