"""The style, the script and the icon: three files, read once, served by their exact names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from texml_mcp.server.pages.safety import Problem

_WHERE = Path(__file__).parent / "static"
_TYPES = {
    "pages.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    type: str
    version: str


@cache
def assets() -> dict[str, Asset]:
    """Every file by name. There is no path from a request to the disk."""
    found: dict[str, Asset] = {}
    for name, type in _TYPES.items():
        content = (_WHERE / name).read_bytes()
        found[name] = Asset(content, type, hashlib.sha256(content).hexdigest()[:16])
    return found


def asset_url(name: str) -> str:
    """Where a page finds a file; another address for every change, so that browsers may keep it."""
    return f"/static/{name}?v={assets()[name].version}"


def asset(request: Request) -> Response:
    """One file. Raises `Problem`."""
    known = assets().get(request.path_params["name"])
    if known is None:
        raise Problem(404, "Not found", "There is no such file.")
    current = request.query_params.get("v") == known.version
    # During an upgrade another replica may be asked for its version of a page that it never wrote.
    headers = {"Cache-Control": _FOREVER if current else "no-store"}
    return Response(known.content, media_type=known.type, headers=headers)
