"""TeXML checked before it runs: as the tool `validate_texml`, and inside every call that carries some."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from texml_mcp.catalog import Endpoint, Kind
from texml_mcp.catalog.model import by_name
from texml_mcp.results import Next, ToolResult
from texml_mcp.text import clean
from texml_mcp.tools.arguments import Arguments
from texml_mcp.tools.values import MAX_TEXML

if TYPE_CHECKING:
    from texml_mcp.texml import Finding

MOST_FINDINGS = 20
MOST_TARGETS = 20
MOST_TOLD = 3


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
    reached = () if errors else texml.targets(document)
    targets = [
        {"kind": each.kind, "value": clean(each.value, 200), "verb": each.verb, "line": each.line}
        for each in reached[:MOST_TARGETS]
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
    if hidden := len(reached) - len(targets):
        result.notes.append(f"It reaches {hidden} more targets, not shown.")
    return result


def refuse_texml(known: Endpoint, arguments: Arguments) -> ToolResult | None:
    """Why a call's inline TeXML must not be sent; None when it may. Warnings become notes of the call."""
    params = by_name(known)
    for name, document in arguments.wire.items():
        if name not in params or not isinstance(document, str):
            continue
        param = params[name][1]
        if param.kind is not Kind.TEXML:
            continue
        findings = _findings(document)
        told = [f"Line {each.line}:{each.column} {clean(each.message)}" for each in findings]
        errors = [text for text, each in zip(told, findings, strict=True) if each.severity == "error"]
        if errors:
            more = f" And {len(errors) - MOST_TOLD} more." if len(errors) > MOST_TOLD else ""
            return ToolResult(
                "error",
                f"{param.key} is not valid TeXML. {' '.join(errors[:MOST_TOLD])}{more}",
                code="invalid_texml",
                outcome="not_sent",
                field=param.key,
                next=[Next("validate_texml", {"Texml": document}, "see every finding")] if more else [],
            )
        arguments.notes.extend(told[:MOST_TOLD])
    return None


@lru_cache(maxsize=8)  # whoever is asked about a call makes it once more
def _findings(document: str) -> tuple[Finding, ...]:
    from texml_mcp import texml

    return texml.lint(document).findings


def _refused(code: str, summary: str, field: str) -> ToolResult:
    return ToolResult("error", summary, code=code, outcome="not_sent", field=field)
