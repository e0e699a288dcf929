"""`texml-mcp sandbox serve`: the telephone network over HTTP, for any SDK."""

from __future__ import annotations

import typer


def run(*, port: int, speed: float, control: bool) -> None:
    """Serve on loopback until interrupted."""
    import uvicorn

    from texml_mcp.sandbox import create_app

    typer.echo(
        f"Sandbox on http://127.0.0.1:{port}/v2 with API key 'sandbox' (any 'sandbox-...' is its own world)."
    )
    uvicorn.run(
        create_app(clock="real", speed=speed, control=control),
        host="127.0.0.1",
        port=port,
        log_level="warning",
    )
