"""`texml-mcp lint`: a TeXML file, checked before anything fetches it."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from texml_mcp import texml
from texml_mcp.cli.output import print_json, why_unread, wrong_use

OK, FAILED = 0, 1


def run(file: str, *, as_json: bool) -> int:
    """Print findings as FILE:LINE:COLUMN; 1 when there is an error, 2 when the file cannot be read."""
    try:
        document = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return wrong_use(f"{file} cannot be read: {why_unread(error)}")
    report = texml.lint(document)
    reached = texml.targets(document) if report.valid else ()
    if as_json:
        findings = [
            {
                "severity": each.severity,
                "code": each.code,
                "line": each.line,
                "column": each.column,
                "message": each.message,
            }
            for each in report.findings
        ]
        named = [{"kind": each.kind, "value": each.value, "line": each.line} for each in reached]
        print_json({"valid": report.valid, "findings": findings, "targets": named})
    else:
        for each in report.findings:
            typer.echo(f"{file}:{each.line}:{each.column}: {each.severity}: {each.message}")
        if report.valid:
            typer.echo(f"{file} is valid. It {texml.describe(document)}")
    return OK if report.valid else FAILED
