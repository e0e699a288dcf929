"""Tables for people: as wide as the terminal, and wide enough where there is none."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.stats import Row


def console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else 170)


def table(title: str, rows: Sequence[Row]) -> Table:
    """The rows with every column that any of them has; what is a list is for plots, and left out."""
    columns = dict.fromkeys(key for row in rows for key, value in row.items() if not isinstance(value, list))
    made = Table(*columns, title=title, title_justify="left", box=None)
    for row in rows:
        made.add_row(*(str(row.get(column, "")) for column in columns))
    return made
