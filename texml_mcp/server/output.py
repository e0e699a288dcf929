"""The last check before an answer leaves: structured content against the tool's published schema."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
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

Fits = Callable[[Any], bool]


def surely_fits(schema: Mapping[str, Any]) -> Fits:
    """A check whether a value is certainly valid. False says nothing: the real validator then looks.

    Our own schemas hold five keywords, and nearly every answer fits: this spares it the general
    validator, which costs more than everything else that is done to an answer.
    """
    if not schema.keys() <= _KNOWN:
        return lambda value: False
    types = _types(schema.get("type"))
    members = frozenset(schema["enum"]) if "enum" in schema else None
    required = tuple(schema.get("required", ()))
    known = {name: surely_fits(inner) for name, inner in schema.get("properties", {}).items()}
    item = surely_fits(schema["items"]) if "items" in schema else None

    def fits(value: Any) -> bool:
        kind = cast(
            "type[Any]", type(value)
        )  # JSON has no subclasses, and in Python a truth value is a number
        if types is not None and kind not in types:
            return False
        if members is not None and (kind is not str or value not in members):
            return False
        if kind is dict:
            for name in required:
                if name not in value:
                    return False
            for name, inner in value.items():
                if (check := known.get(name)) is not None and not check(inner):
                    return False
        elif kind is list and item is not None:
            return all(map(item, value))
        return True

    return fits


def _types(wanted: str | Sequence[str] | None) -> frozenset[type] | None:
    if wanted is None:
        return None
    names = [wanted] if isinstance(wanted, str) else wanted
    return frozenset(kind for name in names for kind in _TYPES[name])


@cache
def _fits(tool: str) -> Fits:
    return surely_fits(definitions()[tool]["outputSchema"])


def conform(tool: str, result: ToolResult) -> dict[str, Any]:
    """The structured channel, valid against the published output schema.

    A client that validates drops an answer that is not, and with it the fact that a call was placed.
    So a part that does not fit is left out and said so; the text channel still tells it.
    """
    story = result.structured()
    if _fits(tool)(story):
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
