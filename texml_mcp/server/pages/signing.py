"""Signing in with a bearer token, once, and signing out."""

from __future__ import annotations

import logging
import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from texml_mcp.identity import Principal
from texml_mcp.server.pages.safety import Problem, read_form, refuse_foreign, refuse_forged, secure
from texml_mcp.server.pages.sessions import SESSION_SECONDS, Session
from texml_mcp.server.pages.site import Site

log = logging.getLogger(__name__)

ATTEMPTS_PER_MINUTE = 20
# The only places to go on to: whatever else a link asks for would be somebody else's choice.
_NEXT = re.compile(r"/approvals(?:/[0-9a-f]{1,64})?|/board")


class Signing:
    """The form, what it does, and the way out."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def form(self, request: Request) -> Response:
        """The form, or the page itself for those who are in already."""
        wanted = _wanted(request.query_params.get("next", ""))
        session = await self._site.session(request)
        if session is not None:
            return RedirectResponse(wanted or home(session.principal), 303)
        return self._site.render(request, "sign_in.html", next=wanted, problem="")

    async def enter(self, request: Request) -> Response:
        """Exchange a token for a session with a new id, whatever the browser brought along."""
        refuse_foreign(request, self._site.desk.public_url)
        await self._limit(request)
        form = await read_form(request)
        wanted = _wanted(form.get("next", ""))
        session = await self._site.sessions.open(form.get("token", "").strip())
        if session is None:
            log.warning("a sign-in to the pages from %s was refused", _address(request))
            words = "No such token, or it has expired or was revoked. Ask an administrator for a new one."
            return self._site.render(request, "sign_in.html", 401, next=wanted, problem=words)
        earlier = await self._site.session(request)
        if earlier is not None:
            await self._site.sessions.close(earlier.id)
        log.info("%s signed in to the pages", session.principal.name)
        response = RedirectResponse(wanted or home(session.principal), 303)
        response.set_cookie(
            self._site.cookie_name,
            self._site.sessions.cookie(session),
            max_age=int(SESSION_SECONDS),
            path="/",
            secure=secure(self._site.desk.public_url),
            httponly=True,
            samesite="strict",
        )
        return response

    async def leave(self, request: Request, session: Session) -> Response:
        """End the session here and on every replica."""
        refuse_foreign(request, self._site.desk.public_url)
        refuse_forged(await read_form(request), session)
        await self._site.sessions.close(session.id)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(
            self._site.cookie_name,
            path="/",
            secure=secure(self._site.desk.public_url),
            httponly=True,
            samesite="strict",
        )
        return response

    async def _limit(self, request: Request) -> None:
        """Raise `Problem` for an address that tries too often; guessing is slow on all replicas together."""
        bucket = f"pages/sign-in/{_address(request)}"
        state = self._site.desk.queue.state
        wait = await state.run(
            lambda: state.store.draw(bucket, ATTEMPTS_PER_MINUTE, ATTEMPTS_PER_MINUTE / 60)
        )
        if wait > 0:
            seconds = int(wait) + 1
            words = f"Your address has tried {ATTEMPTS_PER_MINUTE} times. Try again in {seconds} s."
            raise Problem(429, "Too many attempts", words, wait_seconds=seconds)


def home(principal: Principal) -> str:
    """Where somebody begins: what waits for them, or what is happening."""
    return "/approvals" if principal.may("approver") else "/board"


def _wanted(next: str) -> str:
    return next if _NEXT.fullmatch(next) else ""


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
