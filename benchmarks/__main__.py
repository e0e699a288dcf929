"""`python -m benchmarks [NAME ...] [--quick] [--peers DIR] [--json FILE] [--page]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.field import Field
from benchmarks.machine import machine, sentence
from benchmarks.stats import Row


def main() -> None:
    if sys.argv[1:2] == ["deterministic"]:
        from benchmarks.deterministic.command import main as deterministic

        sys.exit(deterministic(sys.argv[2:]))
    from benchmarks.measures import ALIASES, MEASURES, ON_REQUEST

    known = MEASURES | ON_REQUEST
    names = ", ".join([*known, "deterministic"])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{names}; without: all but the last 3")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a report, not figures to quote")
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="compare what others publish, installed there"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--page", action="store_true", help="write docs/benchmarks.md from this run")
    given = parser.parse_args()
    wanted = [ALIASES.get(name, name) for name in given.names] or list(MEASURES)
    if unknown := set(wanted) - set(known):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    console = Console()
    field = Field(given.quick)
    if given.peers:
        from benchmarks.contenders.peers import peers

        found, field.absent = peers(given.peers)
        field.contenders += found
    figures: dict[str, Any] = {"machine": machine(), "measures": {}}
    console.print(sentence(figures["machine"]), highlight=False)
    for name in wanted:
        rows = known[name](field)
        figures["measures"][name] = {"about": (known[name].__doc__ or "").strip(), "rows": rows}
        console.print(_table(name, figures["measures"][name]["about"], rows))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    if given.page:
        from benchmarks.page import write

        write(figures)


def _table(name: str, about: str, rows: list[Row]) -> Table:
    columns = dict.fromkeys(key for row in rows for key, value in row.items() if not isinstance(value, list))
    table = Table(*columns, title=f"\n{name}: {about}", title_justify="left", box=None)
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    return table


if __name__ == "__main__":
    main()
