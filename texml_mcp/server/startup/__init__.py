"""A short start: of the SDK only what a server uses is loaded.

A host starts the server whenever somebody opens it, and waits; a replica that comes back is waited for too.
Most of what `import mcp` takes goes into clients, an HTTP server, OAuth, and models that nobody ever uses.

It must never matter to what the server does. Whatever is left out comes when it is asked for; if loading
fails all the same, all is forgotten and loaded in full; and `plain_stdio` turns it off.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module

from texml_mcp.server.startup.lazy import LazyImports
from texml_mcp.server.startup.models import built_when_used

log = logging.getLogger(__name__)

WAITING: dict[str, tuple[str, ...]] = {
    "mcp": ("mcp",),
    "mcp.client": ("mcp",),
    "mcp.server": ("mcp",),
    "mcp.server.lowlevel.server": ("starlette", "mcp.server.auth", "mcp.server.streamable_http"),
    "mcp.server.request_state": ("cryptography", "mcp.server.auth"),
    "mcp.server.streamable_http_manager": ("starlette", "mcp"),
    "mcp.server.transport_security": ("starlette",),
    "mcp.types": ("mcp", "mcp_types"),
}
"""Which module of the SDK may wait for what: for what a server on stdio does not use. None on the path of a
call there: the functions of such a module look every name up the slow way. Over HTTP that costs less than can
be measured, and what is needed comes as the server is put together."""


def shorten() -> None:
    """Load the SDK for a server."""
    before = set(sys.modules)
    lazy = LazyImports(WAITING)
    sys.meta_path.insert(0, lazy)
    try:
        with built_when_used():
            import_module("mcp_types.methods")
        import_module("mcp.server.lowlevel")
    except Exception as error:
        log.warning("the SDK is loaded in full, as it does not load in part (%s)", type(error).__name__)
        sys.meta_path.remove(lazy)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in ("mcp", "mcp_types"):
                del sys.modules[name]
