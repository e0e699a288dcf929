"""The live board: calls, conferences and queues of one account, and what was decided lately."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response

from texml_mcp.call import Services
from texml_mcp.gate.external import Waiting
from texml_mcp.identity import Principal
from texml_mcp.identity.names import key_of
from texml_mcp.server.pages.approvals import may_see
from texml_mcp.server.pages.card import Card, card
from texml_mcp.server.pages.looking import MOST_CONFERENCES, Looking, Reading
from texml_mcp.server.pages.sessions import Session
from texml_mcp.server.pages.site import Site

MOST_DECISIONS = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """An account that may be looked at."""

    sid: str
    label: str


@dataclass(frozen=True, slots=True)
class Room:
    """A conference and who is in it."""

    conference: Mapping[str, Any]
    people: Reading


class Board:
    """One page, the same for all roles but for what each may see."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._looking = Looking()

    async def page(self, request: Request, session: Session) -> Response:
        """The board of the account that `account=` names, or of the first one."""
        principal = session.principal
        # Shared readings have a limit of their own; a board left open must not use up its owner's calls.
        services = replace(self._site.desk.services_for(principal), rate=None)
        choices = accounts_of(principal, services)
        wanted = request.query_params.get("account", "")
        chosen = next((each for each in choices if each.sid == wanted), choices[0] if choices else None)
        calls, rooms, conferences, queues = await self._read(services, chosen)
        decided, waiting = await self._site.desk.queue.state.run(self._decisions, principal)
        return self._site.render(
            request,
            "board.html",
            session=session,
            choices=choices,
            chosen=chosen,
            unknown=bool(wanted) and (chosen is None or chosen.sid != wanted),
            calls=calls,
            by_sid={call.get("sid"): call for call in calls.items},
            conferences=conferences,
            rooms=rooms,
            queues=queues,
            decided=decided,
            count=waiting,
        )

    async def _read(
        self, services: Services, chosen: Choice | None
    ) -> tuple[Reading, list[Room], Reading, Reading]:
        """Everything at once: a slow answer of the API is waited for once, not three times."""
        if chosen is None:
            nothing = Reading(problem="No account is set: an operator names one with TELNYX_ACCOUNT_SID.")
            return nothing, [], nothing, nothing
        readings: dict[str, Reading] = {}
        rooms: dict[str, Room] = {}

        async def calls() -> None:
            readings["calls"] = await self._looking.calls(services, chosen.sid)

        async def queues() -> None:
            readings["queues"] = await self._looking.queues(services, chosen.sid)

        async def room(conference: Mapping[str, Any]) -> None:
            sid = str(conference.get("sid", ""))
            rooms[sid] = Room(conference, await self._looking.participants(services, chosen.sid, sid))

        async def conferences() -> None:
            found = readings["conferences"] = await self._looking.conferences(services, chosen.sid)
            async with anyio.create_task_group() as group:
                for conference in found.items[:MOST_CONFERENCES]:
                    group.start_soon(room, conference)

        async with anyio.create_task_group() as group:
            for each in (calls, queues, conferences):
                group.start_soon(each)
        order = [str(each.get("sid", "")) for each in readings["conferences"].items[:MOST_CONFERENCES]]
        return readings["calls"], [rooms[sid] for sid in order], readings["conferences"], readings["queues"]

    def _decisions(self, principal: Principal) -> tuple[list[Card], int]:
        """What was decided, as far as it is the reader's, and how much waits for the reader's answer."""
        queue = self._site.desk.queue
        now = time.time()
        seen = [each for each in queue.decided() if may_see(principal, each) and _concerns(each, principal)]
        decided = [card(each, principal.name, now) for each in seen[:MOST_DECISIONS]]
        if not principal.may("approver"):
            return decided, 0
        waiting = [card(each, principal.name, now) for each in queue.listed() if may_see(principal, each)]
        return decided, sum(each.can_settle for each in waiting)


def accounts_of(principal: Principal, services: Services) -> list[Choice]:
    """The accounts a principal may look at, its own or all that this server knows."""
    known = services.accounts.sids if services.accounts and services.accounts.several else ()
    own = principal.accounts or known
    sids = [sid for sid in own if not known or sid in known]
    if not sids and services.account_sid and principal.may_use(services.account_sid):
        sids = [services.account_sid]
    return [Choice(sid, services.label(sid) or sid) for sid in sids]


def _concerns(decision: Waiting, principal: Principal) -> bool:
    """Admins see what was decided about everybody, others what they asked for or settled themselves."""
    if principal.may("admin"):
        return True
    return key_of(principal.name) in (key_of(decision.principal), key_of(decision.by))
