"""A tool as MCP sees it, derived from an endpoint: title, description, input and output schema.

Portable by construction: the root is a flat object, nothing is referenced or combined, keys are plain
words, and nothing defaults to null, because one key that a provider refuses costs the whole tool list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, get_args

from texml_mcp.catalog import DEFAULT, ENDPOINTS, OPT_IN, Endpoint, Field, Kind, Param, RiskClass
from texml_mcp.catalog.common import ACCOUNT_SID
from texml_mcp.results.model import Outcome, Status
from texml_mcp.tools.local import VALUE_ENV, local_params
from texml_mcp.tools.validate_texml import VALIDATE_TEXML

JSON = dict[str, Any]

STATUSES: tuple[str, ...] = get_args(Status)
OUTCOMES: tuple[str, ...] = get_args(Outcome)

_UNITS = ("s", "ms", "Hz")
_NAMES_SECONDS = re.compile(r"_?[Ss]ec(ond)?s$")

_TEXT: JSON = {"type": "string"}
_TEXTS: JSON = {"type": "array", "items": _TEXT}
_NUMBER: JSON = {"type": "number"}
_OBJECT: JSON = {"type": "object"}


def tool_definitions() -> list[JSON]:
    """Every tool in its wire form: those of the default, the local one at their end, then what is opt-in."""
    return [tool for tools in definitions_by_set().values() for tool in tools]


def definitions_by_set() -> dict[str, list[JSON]]:
    """Those of the default under an empty name, and those of each opt-in toolset, in the documented order."""
    return {
        "": [*(endpoint_tool(each) for each in DEFAULT), VALIDATE_TEXML],
        **{name: [endpoint_tool(each) for each in ENDPOINTS if each.toolset == name] for name in OPT_IN},
    }


def endpoint_tool(endpoint: Endpoint) -> JSON:
    tool: JSON = {"name": endpoint.id, "title": endpoint.title, "description": endpoint.description}
    tool["inputSchema"] = input_schema(endpoint)
    tool["outputSchema"] = output_schema(endpoint)
    tool["annotations"] = hints(endpoint)
    return tool


def hints(endpoint: Endpoint) -> JSON:
    """All four hints, stating the worst case of the tool: hosts take an absent one for the worst."""
    harmless = {RiskClass.READS, RiskClass.CONFIG}
    return {
        "readOnlyHint": endpoint.reads,
        "destructiveHint": any(risk.kind not in harmless or not risk.reversible for risk in endpoint.risks),
        "idempotentHint": endpoint.idempotent,
        "openWorldHint": True,
    }


def input_schema(endpoint: Endpoint) -> JSON:
    params = [*(param for _, param in endpoint.params()), *local_params(endpoint)]
    # The account comes from the settings when there is one, so that a model need not repeat it.
    required = [param.key for param in params if param.required and param is not ACCOUNT_SID]
    if VALUE_ENV in params:
        required.remove("value")  # either of the two; which one is checked when the call is read
    told = frozenset(unit for unit in _UNITS if re.search(rf"\b(in|or) {unit}\b", endpoint.doc))
    schema: JSON = {
        "type": "object",
        "properties": {param.key: property_schema(param, told) for param in params},
    }
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def property_schema(param: Param, told: frozenset[str] = frozenset()) -> JSON:
    """One parameter; `told` are the units that the description of its tool speaks of."""
    schema: JSON = {"type": param.type}
    if description := describe(param, told):
        schema["description"] = description
    if param.enum:
        schema["enum"] = list(param.enum)
    if param.default is not None:
        schema["default"] = param.default
    for key, value in _limits(param).items():
        if value is not None:
            schema[key] = value
    if param.pattern:
        schema["pattern"] = param.pattern
    if param.items is not None:
        schema["items"] = property_schema(param.items)
    if param.fields:
        schema["properties"] = {each.key: property_schema(each) for each in param.fields}
        if required := [each.key for each in param.fields if each.required]:
            schema["required"] = required
    if param.values is not None:
        schema["additionalProperties"] = property_schema(param.values)
    return schema


def _limits(param: Param) -> dict[str, float | None]:
    """The ranges that are published, each once."""
    limits: dict[str, float | None] = {}
    if not param.unpublished_range:
        # A value outside the range would be refused by a host that validates, so an allowed one widens it.
        least = [value for value in (param.minimum, *param.allowed) if value is not None]
        limits = {"minimum": min(least, default=None), "maximum": param.maximum}
    limits["minLength"] = param.min_length
    # A pattern that counts says how long a text may be.
    if f",{param.max_length}}}$" not in param.pattern:
        limits["maxLength"] = param.max_length
    return limits


def describe(param: Param, told: frozenset[str] = frozenset()) -> str:
    """What a model reads: the doc, the words of a list of words, and the unit where nothing else tells it."""
    text = param.doc
    if param.words:
        text = f"{text}: {' '.join(param.words)}" if text else f"Some of {' '.join(param.words)}"
    if param.unit in _UNITS and param.unit not in told and not _NAMES_SECONDS.search(param.name):
        text = f"{text}, {param.unit}" if text else param.unit
    return text


def output_schema(endpoint: Endpoint) -> JSON:
    """The result of the tool: see `results/model.py` for what each key means."""
    properties: JSON = {"status": {"type": "string", "enum": list(STATUSES)}, "summary": _TEXT}
    if endpoint.shape is not None:
        record = record_schema(endpoint.shape.fields)
        if endpoint.page is None:
            properties["data"] = record
        else:
            properties["items"] = {"type": "array", "items": record}
            properties["page"] = {
                "type": "object",
                "properties": {
                    "shown": {"type": "integer"},
                    "total": {"type": "integer"},
                    "more": {"type": "boolean"},
                },
            }
    if not endpoint.reads:
        properties |= {
            "request": _OBJECT,
            "risks": _TEXTS,
            "preview": _TEXT,
            "confirm_token": _TEXT,
            "expires_in_seconds": _NUMBER,
        }
    properties |= {
        "untrusted": _TEXTS,
        "notes": _TEXTS,
        "next": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"tool": _TEXT, "arguments": _OBJECT, "why": _TEXT},
                "required": ["tool", "arguments", "why"],
            },
        },
        "code": _TEXT,
        "outcome": {"type": "string", "enum": list(OUTCOMES)},
        "field": _TEXT,
        "retry_after_seconds": _NUMBER,
        "upstream": _OBJECT,
    }
    return {"type": "object", "properties": properties, "required": ["status", "summary"]}


def record_schema(fields: Iterable[Field]) -> JSON:
    return {"type": "object", "properties": {field.name: field_schema(field) for field in fields}}


def field_schema(field: Field) -> JSON:
    """A field after shaping: durations are numbers of seconds, times ISO 8601 UTC."""
    if field.kind is Kind.SECONDS:
        kind: Any = "number"
    else:
        kind = field.type
    # Null everywhere: the API leaves fields empty that no document calls nullable.
    schema: JSON = {"type": [kind, "null"]}
    # No enum on the way out: a status the API adds tomorrow must not make an answer unreadable.
    if field.fields:
        schema["properties"] = {each.name: field_schema(each) for each in field.fields}
    if field.items is not None:
        schema["items"] = field_schema(field.items)
    return schema


def model_text(tool: JSON) -> str:
    """What a model pays for a tool: name, description and input schema, as compact JSON."""
    paid = {key: tool[key] for key in ("name", "description", "inputSchema") if key in tool}
    return json.dumps(paid, separators=(",", ":"), ensure_ascii=False)


def token_estimate(text: str) -> int:
    """Tokens by the field's rule of thumb: four bytes each, rounded up."""
    return -(-len(text.encode()) // 4)
