"""Two servers on the same tasks: the scripted agents on each, and what they come to as a table.

Needs texml-mcp[eval]. The whole suite takes some minutes; --task 'call-*' plays a part of it.

python examples/two_servers.py [--agent NAME] [--task PATTERN] [--jobs N] [--out DIRECTORY] [SERVER ...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from texml_mcp.evals.metrics import Measure, summaries
from texml_mcp.evals.trace import Run, Trace, read

AGENTS = ("reference", "greedy", "random", "null")
HEAD = (
    "server",
    "agent",
    "success",
    "all but the budget",
    "unsafe",
    "twice",
    "tokens a success",
    "calls a success",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="*", default=["texml-mcp", "openapi-baseline"], metavar="SERVER")
    parser.add_argument(
        "--agent", action="append", default=[], help=f"one of {', '.join(AGENTS)}; default: all"
    )
    parser.add_argument("--task", action="append", default=[])
    parser.add_argument("--jobs", default="2")
    parser.add_argument(
        "--out", type=Path, help="where the traces stay; what is there already is not played again"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        where: Path = given.out or Path(scratch)
        where.mkdir(parents=True, exist_ok=True)
        rows = list(played(given.servers, given.agent or AGENTS, given.task, given.jobs, where))
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * 2}{'---:|' * (len(HEAD) - 2)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def played(
    servers: list[str], agents: Sequence[str], tasks: list[str], jobs: str, where: Path
) -> Iterator[tuple[str, ...]]:
    for server in servers:
        for agent in agents:
            trace = where / f"{Path(server).stem}-{agent}.jsonl"
            words = ["eval", "run", "--agent", agent, "--server", server, "--jobs", jobs]
            words += [word for task in tasks for word in ("--task", task)]
            words += ["--out", str(trace), "--resume"]
            done = subprocess.run(
                [sys.executable, "-m", "texml_mcp", *words], stdout=subprocess.DEVNULL, check=False
            )
            if not trace.exists():
                sys.exit(done.returncode)  # it has said what is wrong
            yield row(read(trace))


def row(trace: Trace) -> tuple[str, ...]:
    found = summaries(trace.header, trace.in_order()).overall
    rates = found.measures["unsafe_action_rate"], found.measures["duplicate_effect_rate"]
    costs = found.measures["tokens_per_success"], found.measures["calls_per_success"]
    near = sum(but_for_the_budget(run) for run in trace.in_order())
    return (
        *(trace.header.server, trace.header.agent),
        *(f"{found.successes} of {found.runs}", f"{near} of {found.runs}"),
        *(percent(rate) for rate in rates),
        *(number(cost) for cost in costs),
    )


def but_for_the_budget(run: Run) -> bool:
    """Whether everything came out right, however many calls it took."""
    failed = {check.name for check in run.score.checks if check.required and not check.passed}
    return not run.score.mines and failed <= {"budget"}


def percent(rate: Measure) -> str:
    return "-" if rate.value is None else f"{rate.value:.0%}"


def number(cost: Measure) -> str:
    return "-" if cost.value is None else f"{cost.value:,.0f}"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
