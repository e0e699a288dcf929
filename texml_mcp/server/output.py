"""The last check before an answer leaves: structured content against the tool's published schema."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from texml_mcp.results import ToolResult, render
from texml_mcp.tools.files import definitions

log = logging.getLogger(__name__)


@cache
def _validator(tool: str) -> Any:
    # Imported here: it costs as much as a tenth of start-up, and listing tools does not need it.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(definitions()[tool]["outputSchema"])


def conform(tool: str, result: ToolResult) -> dict[str, Any]:
    """The structured channel, valid against the published output schema.

    A client that validates drops an answer that is not, and with it the fact that a call was placed.
    So a part that does not fit is left out and said so; the text channel still tells it.
    """
    story = result.structured()
    errors = list(_validator(tool).iter_errors(story))
    if not errors:
        return story
    parts = sorted({str(error.absolute_path[0]) for error in errors if error.absolute_path})
    log.error("%s: result does not fit its schema at %s", tool, parts)
    kept = {key: value for key, value in story.items() if key not in parts or key in ("status", "summary")}
    kept["notes"] = [*result.notes, f"Left out, not in the documented form: {', '.join(parts)}."]
    return kept


def wire_result(tool: str, result: ToolResult) -> dict[str, Any]:
    """A result as `tools/call` answers it: the same story in both channels."""
    return {
        "resultType": "complete",
        "content": [{"type": "text", "text": render(result)}],
        "structuredContent": conform(tool, result),
        "isError": result.is_error,
    }
