"""The local tool `validate_texml`: what is wrong with a document, and whom it would reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from texml_mcp.results import ToolResult
from texml_mcp.text import clean
from texml_mcp.tools.values import MAX_TEXML

MOST_FINDINGS = 20
MOST_TARGETS = 20


def validate_texml(arguments: Mapping[str, Any] | None) -> ToolResult:
    """Lint one document. Never raises; a document with errors is an `ok` result that says `valid: false`."""
    given = dict(arguments or {})
    document = given.pop("Texml", None) or given.pop("texml", None)
    if given:
        name = clean(next(iter(given)), 60)
        return _refused("unknown_argument", f"Unknown argument '{name}'. Valid: Texml.", name)
    if not isinstance(document, str) or not document.strip():
        return _refused("missing_argument", "Give the document as text in Texml.", "Texml")
    if len(document) > MAX_TEXML:
        return _refused(
            "invalid_argument", f"Texml has {len(document):,} characters; at most {MAX_TEXML:,}.", "Texml"
        )
    from texml_mcp import texml

    report = texml.lint(document)
    findings = [
        {
            "severity": each.severity,
            "code": each.code,
            "line": each.line,
            "column": each.column,
            "message": clean(each.message),
        }
        for each in report.findings[:MOST_FINDINGS]
    ]
    errors = sum(each.severity == "error" for each in report.findings)
    targets = [
        {"kind": each.kind, "value": clean(each.value, 200), "verb": each.verb, "line": each.line}
        for each in (texml.targets(document) if not errors else ())[:MOST_TARGETS]
    ]
    if errors:
        summary = f"Not valid: {errors} error{'s' if errors > 1 else ''}."
    else:
        summary = f"Valid. It {clean(texml.describe(document), 300)}"
    result = ToolResult("ok", summary, extra={"valid": not errors, "findings": findings, "targets": targets})
    result.lines = [
        *(f"{each['severity']} line {each['line']}:{each['column']} {each['message']}" for each in findings),
        *(
            f"reaches {each['kind']} {each['value']} ({each['verb']}, line {each['line']})"
            for each in targets
        ),
    ]
    if hidden := len(report.findings) - len(findings):
        result.notes.append(f"{hidden} more findings not shown.")
    return result


def _refused(code: str, summary: str, field: str) -> ToolResult:
    return ToolResult("error", summary, code=code, outcome="not_sent", field=field)
