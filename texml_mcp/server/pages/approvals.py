"""What waits for a yes, and the answer to it: for approvers, and never about what they asked themselves."""

from __future__ import annotations

import re
import time

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from texml_mcp.gate.external import MOST_LISTED, REASON_CHARACTERS, NotAllowedError, Waiting
from texml_mcp.identity import Principal
from texml_mcp.server.pages.card import Card, card
from texml_mcp.server.pages.safety import Problem, read_form, refuse_foreign, refuse_forged
from texml_mcp.server.pages.sessions import Session
from texml_mcp.server.pages.site import Site
from texml_mcp.text import clean

_ID = re.compile(r"[0-9a-f]{1,64}")
_NO_REASON = "Say why you deny it: whoever asked is told. Nothing was settled."
_LONG_REASON = f"A reason has at most {REASON_CHARACTERS} characters. Nothing was settled."


class Approvals:
    """The list, one request, and the answer to it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._queue = site.desk.queue
        self._run = site.desk.queue.state.run

    async def list(self, request: Request, session: Session) -> Response:
        """What waits, the oldest first."""
        _approver(session.principal)
        cards = await self._waiting(session.principal)
        return self._site.render(
            request,
            "approvals.html",
            session=session,
            cards=cards,
            count=_open(cards),
            most=MOST_LISTED,
            now=time.time(),
        )

    async def one(self, request: Request, session: Session) -> Response:
        """One request, also when it has been settled or has expired."""
        _approver(session.principal)
        return await self._show(request, session, await self._told(request, session.principal))

    async def settle(self, request: Request, session: Session) -> Response:
        """Approve or deny one request. What could not be done is told on its page."""
        refuse_foreign(request, self._site.desk.public_url)
        form = await read_form(request)
        refuse_forged(form, session)
        _approver(session.principal)
        waiting = await self._told(request, session.principal)
        decision, reason = form.get("decision"), form.get("reason", "").replace("\r\n", "\n")
        if decision not in ("approve", "deny"):
            raise Problem(400, "Neither yes nor no", "Nothing was settled. Use one of the two buttons.")
        if len(reason) > REASON_CHARACTERS:
            return await self._show(request, session, waiting, 422, _LONG_REASON, reason)
        words = clean(reason, REASON_CHARACTERS)
        if decision == "deny" and not words:
            return await self._show(request, session, waiting, 422, _NO_REASON, reason)
        by, approve = session.principal.name, decision == "approve"
        try:
            await self._run(lambda: self._queue.settle(waiting.id, by, approve=approve, reason=words))
        except NotAllowedError as error:
            now = await self._told(request, session.principal)
            return await self._show(request, session, now, 409, f"Your answer was not taken. {error}", reason)
        return RedirectResponse(f"/approvals/{waiting.id}", 303)

    async def _show(
        self,
        request: Request,
        session: Session,
        waiting: Waiting,
        status: int = 200,
        problem: str = "",
        reason: str = "",
    ) -> Response:
        cards = await self._waiting(session.principal)
        return self._site.render(
            request,
            "approval.html",
            status,
            session=session,
            card=card(waiting, session.principal.name, time.time()),
            count=_open(cards),
            now=time.time(),
            problem=problem,
            reason=reason,
        )

    async def _waiting(self, principal: Principal) -> list[Card]:
        waiting = await self._run(self._queue.listed)
        return [card(each, principal.name, time.time()) for each in waiting if may_see(principal, each)]

    async def _told(self, request: Request, principal: Principal) -> Waiting:
        """The request that the address names. Raises `Problem`."""
        id = request.path_params["id"]
        if _ID.fullmatch(id):
            waiting = await self._run(self._queue.told, id)
            if waiting is not None and may_see(principal, waiting):
                return waiting
        raise Problem(
            404, "No such request", "It was never made, or it was settled more than a day ago. Nothing waits."
        )


def may_see(principal: Principal, waiting: Waiting) -> bool:
    """Whether a request is about an account of this principal. Where nobody can tell the account, only
    those who may use all of them see it."""
    return principal.may_use(waiting.account)


def _approver(principal: Principal) -> None:
    if not principal.may("approver"):
        raise Problem(
            403,
            "Approvers decide here",
            f"You are signed in as {principal.name}. The role {principal.role} may look at the board.",
        )


def _open(cards: list[Card]) -> int:
    """How many of them this person could settle."""
    return sum(each.can_settle for each in cards)
