"""Letting a call in, over HTTP: one at a time counted, none after a stop has begun, none for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from texml_mcp.call import Call, Departure, Services
from texml_mcp.execute import execute
from texml_mcp.gate.confirm import AskThroughClient
from texml_mcp.refusals import overdue, refused
from texml_mcp.results import ToolResult

if TYPE_CHECKING:
    from texml_mcp.server.http.traffic import Traffic


class Admission:
    """Runs calls within the limits of a server. `seconds` bounds one, a person's answer included."""

    def __init__(self, traffic: Traffic, seconds: float) -> None:
        self._traffic = traffic
        self._seconds = seconds

    async def run(self, services: Services, call: Call) -> ToolResult | AskThroughClient:
        """The result of the call, or why it was not begun or not waited for. Raises what `execute` does."""
        from texml_mcp.server.http.traffic import RefusedError

        sent = Departure()
        try:
            self._traffic.begin()
        except RefusedError as error:
            return refused(error.code, str(error), error.retry_after_seconds)
        try:
            with anyio.move_on_after(self._seconds):
                return await execute(services, call, sent)
            return overdue(sent, self._seconds)
        finally:
            self._traffic.end()
