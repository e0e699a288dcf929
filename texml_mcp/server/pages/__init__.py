"""Pages for people, served beside the tools: approvals in a browser, and a live board.

    /approvals        what waits for a yes         /sign-in    an approver's bearer token, once
    /approvals/{id}   one request, and its outcome  /sign-out
    /board            what is happening now        /static/... style, script, icon

Nothing heavy is imported before the routes are made: a server on stdio has no pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from texml_mcp.server.pages.desk import Desk

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

__all__ = ["Desk", "approval_url", "page_routes"]


def page_routes(desk: Desk) -> list[BaseRoute]:
    """The routes of the pages. Raises `ValueError` without a key that is long enough to sign cookies with."""
    from texml_mcp.server.pages.routes import routes

    return routes(desk)


def approval_url(public_url: str, id: str) -> str:
    """Where a person looks at one request and answers it."""
    return f"{public_url.rstrip('/')}/approvals/{id}"
