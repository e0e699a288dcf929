"""Every address of the pages, in one list."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from texml_mcp.server.pages.approvals import Approvals
from texml_mcp.server.pages.assets import asset
from texml_mcp.server.pages.board import Board
from texml_mcp.server.pages.desk import Desk
from texml_mcp.server.pages.signing import Signing
from texml_mcp.server.pages.site import Site


def routes(desk: Desk) -> list[BaseRoute]:
    """The routes over one desk."""
    site = Site(desk)
    signing, approvals, board = Signing(site), Approvals(site), Board(site)

    async def static(request: Request) -> Response:
        return asset(request)

    return [
        site.route("/sign-in", signing.form),
        site.route("/sign-in", signing.enter, ["POST"]),
        site.route("/sign-out", site.signed(signing.leave), ["POST"]),
        site.route("/approvals", site.signed(approvals.list)),
        site.route("/approvals/{id}", site.signed(approvals.one)),
        site.route("/approvals/{id}", site.signed(approvals.settle), ["POST"]),
        site.route("/board", site.signed(board.page)),
        site.route("/static/{name}", static),
    ]
