"""Serving an app on a free port and saying where, for the servers that are compared over HTTP."""

from __future__ import annotations

import socket
import sys
from typing import Any


def serve(app: Any) -> None:
    """Serve on loopback until the process is ended."""
    import uvicorn

    # Named TCP, or asyncio leaves Nagle's algorithm on and every answer waits 40 ms for an acknowledgement.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    sys.stderr.write(f"serving on http://127.0.0.1:{sock.getsockname()[1]}/mcp\n")
    sys.stderr.flush()
    config = uvicorn.Config(app, http="h11", ws="none", access_log=False, log_config=None)
    uvicorn.Server(config).run(sockets=[sock])
