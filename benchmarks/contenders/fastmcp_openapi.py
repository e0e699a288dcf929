"""FastMCP, built from our OpenAPI document. Runs in an environment of its own, and needs nothing of ours.

python fastmcp_openapi.py OPENAPI.json URL [--http]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text())
    client = httpx2.AsyncClient(
        base_url=f"{sys.argv[2]}/v2", headers={"authorization": "Bearer sandbox-bench"}, trust_env=False
    )
    server = FastMCP.from_openapi(document, client=client, name="fastmcp")
    if "--http" in sys.argv:
        sys.path.insert(0, str(Path(__file__).parent))
        from listening import serve

        serve(server.http_app())
    else:
        server.run(show_banner=False)


if __name__ == "__main__":
    main()
