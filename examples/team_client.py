"""Ask a server of a team to place a call, as whoever holds the token; again, once somebody has said yes.

TOKEN=txm_... python examples/team_client.py http://127.0.0.1:8000/mcp
"""

from __future__ import annotations

import asyncio
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": "1293384261075731499"}


async def main(url: str, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        result = await client.call_tool("create_call", CALL)
    story = result.structured_content or {}
    print(f"{story['status']}: {story['summary']}")
    return 0 if story["status"] == "ok" else 1


if __name__ == "__main__":
    if len(sys.argv) != 2 or "TOKEN" not in os.environ:
        sys.exit((__doc__ or "").strip())
    try:
        code = asyncio.run(main(sys.argv[1], os.environ["TOKEN"]))
    except* (MCPError, httpx2.HTTPError):
        sys.exit(f"{sys.argv[1]} did not let us in: is the server there, and the token one of its own?")
    sys.exit(code)
