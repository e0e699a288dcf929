"""The last check before an answer leaves: structured content against the tool's published schema."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from texml_mcp.results import ToolResult, render
from texml_mcp.tools.files import definitions

log = logging.getLogger(__name__)


@cache
def _validator(tool: str) -> Any:
    # Imported here: it costs as much as a tenth of start-up, and listing tools does not need it.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(definitions()[tool]["outputSchema"])


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_KNOWN = frozenset({"type", "properties", "items", "required", "enum"})


def surely_fits(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value is certainly valid. False says nothing: the real validator then looks.

    Our own schemas hold five keywords, and nearly every answer fits: this spares it the general
    validator, which costs more than everything else that is done to an answer.
    """
    if not schema.keys() <= _KNOWN:
        return False
    if (wanted := schema.get("type")) is not None:
        names: list[str] = [wanted] if isinstance(wanted, str) else wanted
        allowed = tuple(kind for name in names for kind in _TYPES[name])
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            return False
    if "enum" in schema and (not isinstance(value, str) or value not in schema["enum"]):
        return False
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        known: Mapping[str, Any] = schema.get("properties", {})
        return all(name in held for name in schema.get("required", ())) and all(
            surely_fits(known[name], inner) for name, inner in held.items() if name in known
        )
    if isinstance(value, list) and "items" in schema:
        return all(surely_fits(schema["items"], inner) for inner in cast("list[Any]", value))
    return True


def conform(tool: str, result: ToolResult) -> dict[str, Any]:
    """The structured channel, valid against the published output schema.

    A client that validates drops an answer that is not, and with it the fact that a call was placed.
    So a part that does not fit is left out and said so; the text channel still tells it.
    """
    story = result.structured()
    if surely_fits(definitions()[tool]["outputSchema"], story):
        return story
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
