"""An OpenAPI document as an MCP server, by FastMCP: python fastmcp_openapi.py DOCUMENT BASE_URL

Needs fastmcp>=4, in an environment of its own if you like. The key is in API_KEY.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP

if __name__ == "__main__":
    document, base_url = json.loads(Path(sys.argv[1]).read_text("utf-8")), sys.argv[2]
    headers = {"authorization": f"Bearer {os.environ['API_KEY']}"}
    client = httpx2.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=30)
    FastMCP.from_openapi(document, client=client, name=document["info"]["title"]).run(show_banner=False)
