"""The one tool that is not an endpoint: checking a TeXML document locally."""

from __future__ import annotations

from typing import Any

NAME = "validate_texml"

VALIDATE_TEXML: dict[str, Any] = {
    "name": NAME,
    "title": "Check a TeXML document",
    "description": "Check TeXML before a call runs it: errors by line, whom it dials. Local.",
    "inputSchema": {
        "type": "object",
        "properties": {"Texml": {"type": "string"}},
        "required": ["Texml"],
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["ok", "error"]},
            "summary": {"type": "string"},
            "valid": {"type": "boolean"},
            "findings": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "severity": {"type": "string"},
                        "code": {"type": "string"},
                        "line": {"type": "integer"},
                        "column": {"type": "integer"},
                        "message": {"type": "string"},
                    },
                },
            },
            "targets": {"type": "array", "items": {"type": "object"}},
            "notes": {"type": "array", "items": {"type": "string"}},
            "code": {"type": "string"},
            "outcome": {"type": "string", "enum": ["not_sent"]},
            "field": {"type": "string"},
            "next": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["status", "summary"],
    },
    "annotations": {
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}
