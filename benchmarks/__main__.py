"""`python -m benchmarks [NAME ...] [--quick] [--peers DIR] [--json FILE] [--page]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.field import Field
from benchmarks.machine import load, machine, sentence
from benchmarks.tables import console, table


def main() -> None:
    if sys.argv[1:2] == ["deterministic"]:
        from benchmarks.deterministic.command import main as deterministic

        sys.exit(deterministic(sys.argv[2:]))
    from benchmarks.measures import ALIASES, MEASURES, ON_REQUEST
    from benchmarks.page import to_json, write

    known = MEASURES | ON_REQUEST
    names = ", ".join([*known, "deterministic"])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{names}; without: all but the last 3")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a report, not figures to quote")
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="compare what others publish, installed there"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--page", action="store_true", help="put this run into docs/benchmarks.md")
    given = parser.parse_args()
    wanted = [ALIASES.get(name, name) for name in given.names] or list(MEASURES)
    if unknown := set(wanted) - set(known):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    screen = console()
    field = Field(given.quick)
    if given.peers:
        from benchmarks.contenders.peers import peers

        found, field.absent = peers(given.peers)
        field.contenders += found
    figures: dict[str, Any] = {"machine": machine(), "measures": {}}
    screen.print(sentence(figures["machine"]))
    for name in wanted:
        busy = load()
        rows = known[name](field)
        figures["measures"][name] = {"about": (known[name].__doc__ or "").strip(), "load": busy, "rows": rows}
        screen.print(table(f"\n{name}: {figures['measures'][name]['about']}", rows))
        # After each: a long run that is stopped keeps what it has.
        if given.json:
            given.json.write_text(to_json(figures))
        if given.page:
            write(figures)


if __name__ == "__main__":
    main()
