"""`texml-mcp doctor`: what a server with these settings would find, and what to do about it."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from typing import Any

import typer

from texml_mcp.cli.options import FlagParser, add_flags
from texml_mcp.cli.output import print_json
from texml_mcp.doctor.examine import examine
from texml_mcp.doctor.model import VERDICTS, Finding, Verdict, worst
from texml_mcp.settings import SettingsError, load

OK, PROBLEM, USAGE = 0, 1, 2
_COLOURS: dict[Verdict, str] = {
    "ok": "green",
    "skipped": "bright_black",
    "warning": "yellow",
    "problem": "red",
}


def parser() -> argparse.ArgumentParser:
    made = FlagParser(
        prog="texml-mcp doctor",
        description="Check what serve would start with, given the same flags and environment. Nothing is "
        "dialled or changed. Exit status: 0 fine, 1 a problem, 2 wrong use.",
        allow_abbrev=False,
    )
    made.add_argument("--json", action="store_true", dest="as_json", help="for another program")
    made.add_argument(
        "--strict", action="store_true", dest="as_problems", help="exit with 1 on a warning too"
    )
    add_flags(made)
    return made


def run(arguments: list[str]) -> int:
    """Look at everything and tell it."""
    given: dict[str, Any] = vars(parser().parse_args(arguments))
    as_json, as_problems = given.pop("as_json"), given.pop("as_problems")
    try:
        settings = load(**given)
    except SettingsError as error:
        typer.echo(f"texml-mcp: {error}", err=True)
        return USAGE
    findings = examine(settings)
    verdict = worst(findings)
    if as_json:
        checks = [{"name": each.name, "verdict": each.verdict, "text": each.text} for each in findings]
        print_json({"verdict": verdict, "checks": checks})
    else:
        for line in _lines(findings):
            typer.echo(line)
    return PROBLEM if verdict == "problem" or (as_problems and verdict == "warning") else OK


def _lines(findings: list[Finding]) -> list[str]:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    coloured = sys.stdout.isatty() and not plain
    width = min(28, max(len(each.name) for each in findings))
    lines: list[str] = []
    for each in findings:
        word = f"{each.verdict:<8}"
        shown = typer.style(word, fg=_COLOURS[each.verdict]) if coloured else word
        lines.append(f"{shown} {each.name:<{width}}  {each.text}")
    counts = Counter(each.verdict for each in findings)
    told = [f"{counts[each]} {_counted(each, counts[each])}" for each in reversed(VERDICTS) if counts[each]]
    return [*lines, "", ", ".join(told) + "."]


def _counted(verdict: Verdict, number: int) -> str:
    return f"{verdict}s" if number > 1 and verdict in ("warning", "problem") else verdict
