"""From an OpenAPI document to tools, as converters do it.

A tool is an operation: its name the `operationId`, its input the parameters and the properties of the body
on one level, with the document's own schemas; its answer the text that the API sent. An HTTP error is an
error with the status and that text. Nothing is checked, asked, waited for, repeated or left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

if TYPE_CHECKING:
    import httpx

FORM = "application/x-www-form-urlencoded"
_METHODS = ("get", "put", "post", "delete", "patch")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document. `places` tells where each argument goes: path, query or body."""

    method: str
    path: str
    places: Mapping[str, str]
    body: str
    tool: types.Tool


def operations(document: Json) -> dict[str, Operation]:
    """Every operation of the document, by its id. Raises `KeyError` for a document that is none."""
    found = (_operation(document, *each) for each in _each(document))
    return {each.tool.name: each for each in found}


def build(document: Json, http: httpx.AsyncClient) -> Server[Any]:
    """An MCP server with a tool for each operation; `http` knows the address and the key."""
    known = operations(document)

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[each.tool for each in known.values()])

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        operation = known.get(params.name)
        if operation is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        text, is_error = await carry_out(operation, params.arguments or {}, http)
        return types.CallToolResult(content=[types.TextContent(text=text)], is_error=is_error)

    title = str(document["info"]["title"])
    return Server(title, version="1", on_list_tools=list_tools, on_call_tool=call_tool)


async def carry_out(operation: Operation, given: Json, http: httpx.AsyncClient) -> tuple[str, bool]:
    """Send the request that the arguments make; the text of the answer, and whether it is an error."""
    import httpx

    parts: dict[str, Json] = {"path": {}, "query": {}, "body": {}}
    for name, value in given.items():
        if name not in operation.places:
            return f"Unknown argument: {name}", True
        parts[operation.places[name]][name] = value
    path = operation.path
    for name, place in operation.places.items():
        if place == "path":
            if name not in parts["path"]:
                return f"Missing argument: {name}", True
            path = path.replace(f"{{{name}}}", quote(_text(parts["path"][name]), safe=""))
    body: Json = {}
    if operation.body == FORM:
        body = {"data": {name: _text(value) for name, value in parts["body"].items()}}
    elif operation.body:
        body = {"json": parts["body"]}
    query = {name: _text(value) for name, value in parts["query"].items()}
    try:
        reply = await http.request(operation.method, path, params=query, **body)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}", True
    if reply.is_success:
        return reply.text, False
    return f"HTTP {reply.status_code}: {reply.text}", True


def _each(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _operation(document: Json, path: str, method: str, held: Json) -> Operation:
    properties: Json = {}
    required: list[str] = []
    places: dict[str, str] = {}
    for given in held.get("parameters", ()):
        parameter = _resolved(document, given)
        name = parameter["name"]
        properties[name] = _resolved(document, parameter.get("schema", {}))
        places[name] = parameter["in"]
        if parameter.get("required"):
            required.append(name)
    kinds: Json = held.get("requestBody", {}).get("content", {})
    kind = next(iter(kinds), "")
    schema: Json = _resolved(document, kinds[kind].get("schema", {})) if kind else {}
    for name, inner in schema.get("properties", {}).items():
        properties[name] = inner
        places[name] = "body"
    required += schema.get("required", ())
    words = [held.get("summary", ""), held.get("description", "")]
    tool = types.Tool(
        name=held["operationId"],
        description="\n\n".join(word for word in words if word),
        input_schema={"type": "object", "properties": properties, "required": required},
    )
    return Operation(method.upper(), path, places, kind, tool)


def _resolved(document: Json, value: Any) -> Any:
    """The value with every `$ref` into the document replaced by what it names."""
    if isinstance(value, list):
        return [_resolved(document, each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    held = cast("Json", value)
    if isinstance(held.get("$ref"), str):
        found: Any = document
        for part in held["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return _resolved(document, found)
    return {name: _resolved(document, inner) for name, inner in held.items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value)
