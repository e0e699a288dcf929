"""`python -m benchmarks [NAME ...] [--quick] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measures import MEASURES, ON_REQUEST


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*MEASURES, *ON_REQUEST]))
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    given = parser.parse_args()
    known = MEASURES | ON_REQUEST
    if unknown := set(given.names) - set(known):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    console = Console()
    figures: dict[str, Any] = {"machine": f"{platform.machine()}, Python {platform.python_version()}"}
    for name in given.names or MEASURES:
        rows = known[name](given.quick)
        figures[name] = rows
        columns = list(dict.fromkeys(key for row in rows for key in row))
        table = Table(
            *columns,
            title=f"{name}: {(known[name].__doc__ or '').strip()}",
            title_justify="left",
            box=None,
        )
        for row in rows:
            table.add_row(*(str(row.get(column, "")) for column in columns))
        console.print(table)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
