"""What every page has in common: who asks, how it is rendered, and what is told when it cannot be."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from texml_mcp.gate.store import StoreError
from texml_mcp.server.pages.assets import asset_url
from texml_mcp.server.pages.desk import Desk
from texml_mcp.server.pages.safety import Problem, protect, secure
from texml_mcp.server.pages.sessions import Session, Sessions
from texml_mcp.server.pages.words import FILTERS

log = logging.getLogger(__name__)

LIVE = "x-live"
"""A page that keeps itself current says so: `active` when its person did something since, else `idle`."""

View = Callable[[Request], Awaitable[Response]]
SignedView = Callable[[Request, Session], Awaitable[Response]]


class Site:
    """The pages of one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.sessions = Sessions(desk)
        self.cookie_name = "__Host-texml-mcp" if secure(desk.public_url) else "texml-mcp"
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(FILTERS)
        cast("dict[str, Any]", self._templates.globals)["asset"] = asset_url

    def route(self, path: str, view: View, methods: Sequence[str] = ("GET",)) -> Route:
        """A route whose every answer is protected, and whose every failure is told in words."""

        async def endpoint(request: Request) -> Response:
            try:
                return protect(await view(request))
            except Problem as problem:
                return protect(self.problem(problem))
            except StoreError as error:
                log.error("a page could not use the store: %s", error)
                return protect(self.problem(_no_store(request)))

        return Route(path, endpoint, methods=list(methods))

    def signed(self, view: SignedView) -> View:
        """A view for those who are signed in. Others are asked to, or told that the session is over."""

        async def asked(request: Request) -> Response:
            session = await self.session(request)
            if session is not None:
                return await view(request, session)
            return self._stranger(request)

        return asked

    async def session(self, request: Request) -> Session | None:
        """Whose request this is."""
        active = request.headers.get(LIVE, "active") == "active"
        return await self.sessions.of(request.cookies.get(self.cookie_name), active=active)

    def render(self, request: Request, template: str, status: int = 200, **shown: Any) -> Response:
        """A page; nothing at all when the browser has this very one."""
        body = self._templates.get_template(template).render(**shown).encode("utf-8", "replace")
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Vary": "Cookie"}
        if status == 200 and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, status, headers, "text/html; charset=utf-8")

    def problem(self, problem: Problem) -> Response:
        """A page that says why there is no other."""
        shown = {"title": problem.title, "words": problem.words}
        body = self._templates.get_template("problem.html").render(**shown)
        headers = {"Retry-After": str(problem.wait_seconds)} if problem.wait_seconds else None
        return Response(body, problem.status, headers, "text/html; charset=utf-8")

    def _stranger(self, request: Request) -> Response:
        if request.method == "POST":
            raise Problem(401, "Your session has ended", "Nothing was changed. Sign in and answer again.")
        if LIVE in request.headers:
            return Response(status_code=401)
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            # A link from another site comes without the cookie (SameSite=Strict); our own page loads it anew.
            return Response(
                self._templates.get_template("arriving.html").render(), media_type="text/html; charset=utf-8"
            )
        return RedirectResponse(f"/sign-in?next={request.url.path}", 303)


def _no_store(request: Request) -> Problem:
    if request.method == "POST":
        words = "Nobody knows whether your answer was kept. Open the request again: it says what it is now."
    else:
        words = "What waits cannot be read, and nothing is sent without it. Try again in a moment."
    return Problem(503, "The records cannot be used", words, wait_seconds=5)
