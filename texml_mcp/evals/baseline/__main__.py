"""`python -m texml_mcp.evals.baseline --base-url URL [--document FILE]`: serve the tools on stdio."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import anyio


def main() -> None:
    parser = argparse.ArgumentParser(prog="texml_mcp.evals.baseline", description=__doc__)
    parser.add_argument("--base-url", required=True, help="root of the API")
    parser.add_argument("--document", type=Path, help="OpenAPI document; default: that of texml-mcp")
    given = parser.parse_args()
    anyio.run(_serve, given.base_url, given.document, os.environ.get("API_KEY", ""))


async def _serve(base_url: str, document: Path | None, key: str) -> None:
    import httpx
    from mcp.server.stdio import stdio_server

    from texml_mcp.evals.baseline.conversion import build
    from texml_mcp.tools.files import directory

    content = json.loads((document or directory() / "openapi.json").read_text("utf-8"))
    async with (
        httpx.AsyncClient(
            base_url=base_url, headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=30
        ) as http,
        stdio_server() as (read, write),
    ):
        server = build(content, http)
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    main()
