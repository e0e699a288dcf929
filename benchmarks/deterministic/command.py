"""`python -m benchmarks deterministic [--check] [--accept] [--instructions]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.deterministic.baseline import FAILS, LIMIT, Finding, accepted, compare, read, write
from benchmarks.deterministic.numbers import numbers
from benchmarks.stats import Row
from benchmarks.tables import console, table


def main(arguments: Sequence[str]) -> int:
    """Print the numbers beside the baseline. 1 with `--check` when one has grown beyond the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks deterministic", description=__doc__)
    parser.add_argument("--check", action="store_true", help=f"fail when a number grew by over {LIMIT:.0%}")
    parser.add_argument("--accept", action="store_true", help="make these numbers the baseline")
    parser.add_argument("--instructions", action="store_true", help="count them too, with valgrind")
    given = parser.parse_args(arguments)
    before, now = read(), numbers(with_instructions=given.instructions)
    findings = compare(before, now)
    screen = console()
    screen.print(table("Numbers that are the same on every run", [_row(each) for each in findings]))
    if given.accept:
        write(accepted(before, now))
        screen.print("The baseline is what was measured now: say in the commit why it changed.")
        return 0
    failed = [finding for finding in findings if finding.verdict in FAILS]
    for finding in failed:
        screen.print(f"{finding.name}: {finding.verdict}; {finding.why}")
    return 1 if given.check and failed else 0


def _row(each: Finding) -> Row:
    before, now = ("" if value is None else f"{value:,}" for value in (each.before, each.now))
    return {
        "number": each.name,
        "baseline": before,
        "now": now,
        "change": each.change,
        "verdict": each.verdict,
        "why": each.why,
    }
