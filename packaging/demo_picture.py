"""`docs/demo.svg`: the beginning of a real `texml-mcp demo`, as a terminal shows it (`make picture`).

What differs from run to run (SIDs, times of the clock and of calls) is replaced or left out, so that the file
changes only when the demo does.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from texml_mcp.cli import demo

FILE = Path(__file__).resolve().parent.parent / "docs" / "demo.svg"
WIDTH = 100
FIRST_STEPS = 5

_SID = re.compile(r"v3:[A-Za-z0-9_-]{6,}")
_TOOK = re.compile(r", \d+ ms *$")
_CLOCK = re.compile(r"(?<=local time )\d\d:\d\d")
_SINCE = re.compile(r"(?<=in-progress )\d+ s")
_FONT_FACE = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def played() -> str:
    """All that the demo shows, with a terminal's codes for colours. Raises `SystemExit` when it fails."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor")
    if demo.run(console=console):
        raise SystemExit(f"the demo failed:\n{console.export_text()}")
    return console.export_text(styles=True)


def beginning(shown: str) -> list[Text]:
    """The lines of the first steps, as they are in every run."""
    lines = Text.from_ansi(shown).split("\n")
    end = next(at for at, line in enumerate(lines) if line.plain.startswith(f"{FIRST_STEPS + 1}. "))
    return [_same_each_time(line) for line in lines[:end]]


def _same_each_time(line: Text) -> Text:
    for varies, fixed in ((_SID, "v3:" + "KBnLO0" * 20), (_CLOCK, "10:15"), (_SINCE, "9 s")):
        for found in reversed(list(varies.finditer(line.plain))):
            instead = fixed[: len(found[0])] if varies is _SID else fixed
            style = line.get_style_at_offset(Console(), found.start())
            line = line[: found.start()] + Text(instead, style=style) + line[found.end() :]
    return line[: took.start()] if (took := _TOOK.search(line.plain)) else line


def picture(lines: list[Text]) -> str:
    """An SVG that loads nothing: it takes the reader's own fixed-width font."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor")
    for line in [Text("$ texml-mcp demo", style="bold"), *lines, Text("...", style="dim")]:
        console.print(line, no_wrap=True, crop=True)
    form = _FONT_FACE.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code, monospace", "monospace")
    return console.export_svg(title="texml-mcp demo", code_format=form, unique_id="demo")


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    file.write_text(picture(beginning(played())), encoding="utf-8")
    sys.stdout.write(f"wrote {file}\n")
