"""`MCPServer` of the same SDK: a typed function a tool, as its documentation teaches, forwarding the answer.

python -m benchmarks.contenders.mcpserver [--http]
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from benchmarks.contenders.routes import ROUTES, Api, tools

_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def function(api: Api, tool: dict[str, Any]) -> Any:
    """The function that somebody would have written for this tool: its parameters, typed, and one request."""
    name = tool["name"]

    async def call(**given: Any) -> dict[str, Any]:
        sent = {key: value for key, value in given.items() if value is not None}
        if name not in ROUTES:
            raise ValueError(f"{name} is listed, and not measured")
        return json.loads(await api.ask(name, sent))

    required = tool["inputSchema"].get("required", [])
    parameters = []
    for key, schema in tool["inputSchema"]["properties"].items():
        kind: Any = Literal[tuple(schema["enum"])] if "enum" in schema else _TYPES[schema["type"]]
        default = inspect.Parameter.empty if key in required else None
        words = Field(description=schema.get("description"))
        described = Annotated[kind if key in required else kind | None, words]
        parameters.append(
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=described, default=default)
        )
    call.__name__ = name
    call.__doc__ = tool["description"]
    call.__signature__ = inspect.Signature(parameters, return_annotation=dict[str, Any])  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": dict[str, Any]}
    return call


def build() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("mcpserver")
    api = Api()
    for tool in tools():
        server.add_tool(function(api, tool))
    return server


def main() -> None:
    if "--http" in sys.argv:
        from benchmarks.contenders.listening import serve

        serve(build().streamable_http_app())
    else:
        build().run()


if __name__ == "__main__":
    main()
