"""Reads behind resources and completions: the pipeline and the limits of a tool call, whoever asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from texml_mcp.execute import Call, Services, execute
from texml_mcp.gate.confirm import AskThroughClient
from texml_mcp.results import ToolResult

Run = Callable[[Services, Call], Awaitable[ToolResult | AskThroughClient]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads with what one request may use; `run` is how a transport lets calls in."""

    services: Services
    run: Run = execute

    def offers(self, *tools: str) -> bool:
        """Whether all of these tools may be called."""
        return self.services.offered.issuperset(tools)

    async def read(self, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
        """The result of a reading tool. Raises `UnknownToolError` when it is not offered."""
        result = await self.run(self.services, Call(tool, arguments, self.services.principal))
        assert isinstance(result, ToolResult), "a read asks nobody"
        return result
