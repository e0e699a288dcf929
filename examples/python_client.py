"""Place a call with the official MCP client, approve it by form, wait for the answer, hang up.

python examples/python_client.py [--yes]
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from asking import typed
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, ElicitResult

SERVER = StdioServerParameters(
    command=sys.executable, args=["-m", "texml_mcp", "serve", "--sandbox", "--sandbox-speed", "10"]
)
YES = "--yes" in sys.argv


async def approve(_: Any, params: Any) -> ElicitResult:
    """What a host does with a question of the server: show it to a person, and send back the answer."""
    print(f"\n  {params.message}")
    if YES or await typed("  Do this? [y/N] ") == "y":
        return ElicitResult(action="accept", content={"confirm": True})
    return ElicitResult(action="decline")


def tell(result: CallToolResult) -> dict[str, Any]:
    story: dict[str, Any] = result.structured_content or {}
    print(f"{story['status']}: {story['summary']}")
    return story


async def main() -> None:
    async with Client(SERVER, elicitation_callback=approve) as client:
        print(f"{len((await client.list_tools()).tools)} tools")
        applications = tell(await client.call_tool("list_applications", {}))["items"]
        call = tell(
            await client.call_tool(
                "create_call",
                {
                    "To": "+13125550142",
                    "From": "+13125550100",
                    "ApplicationSid": next(each["id"] for each in applications if each["active"]),
                    "Texml": "<Response><Say>Good morning!</Say><Pause length='120'/></Response>",
                },
            )
        )
        if call["status"] != "ok":
            return
        sid = call["data"]["sid"]
        tell(await client.call_tool("get_call", {"call_sid": sid, "wait_for": "in-progress"}))
        tell(await client.call_tool("update_call", {"call_sid": sid, "Status": "completed"}))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(130)
