"""The OpenAPI 3.1 document of the endpoints, derived from the catalogue, for other tools to use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from texml_mcp.catalog import ENDPOINTS, Endpoint, Field, Kind, PageStyle, Param

Json = dict[str, Any]

_ERROR: Json = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                    "source": {"type": "object", "properties": {"pointer": {"type": "string"}}},
                    "meta": {"type": "object", "properties": {"url": {"type": "string"}}},
                },
            },
        }
    },
}
# Which path parameter of other endpoints an answer settles, by its names, and where in the answer it is.
_SETTLES = {
    "create_call": ("call_sid", "/sid"),
    "list_calls": ("call_sid", "/calls/0/sid"),
    "start_call_recording": ("recording_sid", "/sid"),
    "start_call_siprec": ("siprec_sid", "/sid"),
    "start_call_stream": ("streaming_sid", "/sid"),
    "list_conferences": ("conference_sid", "/conferences/0/sid"),
    "dial_conference_participant": ("call_sid_or_participant_label", "/call_sid"),
    "create_queue": ("queue_sid", "/sid"),
    "list_recordings": ("recording_sid", "/recordings/0/sid"),
    "list_transcriptions": ("recording_transcription_sid", "/transcriptions/0/sid"),
    "create_application": ("id connection_id", "/data/id"),
}
# What any endpoint may answer, besides the errors documented for it.
_COMMON_ERRORS = (400, 401, 404, 415, 422, 429)


def openapi(only: Collection[str] | None = None) -> Json:
    """The document: a path an endpoint, `operationId` its id, shapes as components; `only` these ids."""
    endpoints = [each for each in ENDPOINTS if only is None or each.id in only]
    paths: Json = {}
    schemas: Json = {"Error": _ERROR}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, endpoints)
        if each.shape is not None:
            schemas[each.shape.name] = _object(each.shape.fields)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Telnyx TeXML REST API", "version": "2", "description": "As the catalogue has it."},
        "servers": [{"url": "https://api.telnyx.com/v2"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _operation(endpoint: Endpoint, others: Sequence[Endpoint]) -> Json:
    operation: Json = {
        "operationId": endpoint.id,
        "summary": endpoint.title,
        "tags": [endpoint.toolset],
        "parameters": [
            *(_parameter(param, "path") for param in endpoint.path_params),
            *(_parameter(param, "query") for param in endpoint.query),
        ],
        "responses": {str(endpoint.success): _success(endpoint)},
    }
    if links := _links(endpoint, others):
        operation["responses"][str(endpoint.success)]["links"] = links
    if endpoint.doc:
        operation["description"] = endpoint.doc
    if endpoint.body is not None:
        media = "application/json" if endpoint.body == "json" else "application/x-www-form-urlencoded"
        required = [param.name for param in endpoint.body_params if param.required]
        schema: Json = {
            "type": "object",
            "properties": {param.name: _schema(param) for param in endpoint.body_params},
        }
        if required:
            schema["required"] = required
        operation["requestBody"] = {"required": bool(required), "content": {media: {"schema": schema}}}
    for status in sorted({*_COMMON_ERRORS, *endpoint.errors}):
        error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        operation["responses"][str(status)] = {"description": "Error", "content": error}
    return operation


def _links(endpoint: Endpoint, others: Sequence[Endpoint]) -> Json:
    """Where an answer leads: every operation whose path it settles, given the path of its own request."""
    if endpoint.id not in _SETTLES:
        return {}
    names, pointer = _SETTLES[endpoint.id]
    settled = names.split()
    known = {param.name: f"$request.path.{param.name}" for param in endpoint.path_params}
    known |= dict.fromkeys(settled, f"$response.body#{pointer}")
    links: Json = {}
    for target in others:
        needed = [param.name for param in target.path_params]
        if not set(settled).isdisjoint(needed) and known.keys() >= set(needed):
            links[target.id] = {
                "operationId": target.id,
                "parameters": {name: known[name] for name in needed},
            }
    return links


def _parameter(param: Param, place: str) -> Json:
    made: Json = {
        "name": param.name,
        "in": place,
        "required": place == "path" or param.required,
        "schema": _schema(param),
    }
    if param.doc:
        made["description"] = param.doc
    return made


def _schema(param: Param) -> Json:
    schema: Json = {"type": param.type}
    for name, value in (
        ("description", param.doc),
        ("enum", list(param.enum)),
        ("default", param.default),
        ("maximum", param.maximum),
        ("minLength", param.min_length),
        ("maxLength", param.max_length),
        ("pattern", param.pattern),
        ("format", param.format),
    ):
        if value not in (None, "", []):
            schema[name] = value
    if param.minimum is not None:
        schema["minimum"] = min(param.minimum, *param.allowed) if param.allowed else param.minimum
    if param.kind is Kind.WORDS:
        word = "|".join(param.words)
        schema["pattern"] = f"^({word})( ({word}))*$"
    if param.items is not None:
        schema["items"] = _schema(param.items)
    if param.fields:
        schema["properties"] = {each.name: _schema(each) for each in param.fields}
        if required := [each.name for each in param.fields if each.required]:
            schema["required"] = required
    if param.values is not None:
        schema["additionalProperties"] = _schema(param.values)
    return schema


def _success(endpoint: Endpoint) -> Json:
    if endpoint.shape is None:
        return {"description": "Done; no content"}
    item: Json = {"$ref": f"#/components/schemas/{endpoint.shape.name}"}
    schema = item
    if endpoint.envelope:
        schema = {"type": "object", "required": [endpoint.envelope], "properties": {endpoint.envelope: item}}
    elif endpoint.page is not None:
        items = {"type": "array", "items": item}
        around = _object(endpoint.page.fields)["properties"]
        if endpoint.page.style is PageStyle.NUMBERED:
            around = {"meta": {"type": "object", "properties": around}}
        key = endpoint.page.items_key
        schema = {"type": "object", "required": [key], "properties": {**around, key: items}}
    return {"description": "Success", "content": {"application/json": {"schema": schema}}}


def _object(fields: tuple[Field, ...]) -> Json:
    return {"type": "object", "properties": {field.name: _field(field) for field in fields}}


def _field(field: Field) -> Json:
    schema: Json = {"type": [field.type, "null"] if field.nullable else field.type}
    if field.enum:
        schema["enum"] = [*field.enum, None] if field.nullable else list(field.enum)
    if field.format:
        # The documents call a path inside the API a `uri`; as a format that would refuse it.
        schema["format"] = "uri-reference" if field.kind is Kind.URI else field.format
    if field.items is not None:
        schema["items"] = _field(field.items)
    if field.fields:
        schema |= _object(field.fields) | {"type": schema["type"]}
    return schema
