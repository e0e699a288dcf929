"""One request as its approver reads it: what will happen first, then who asks, then the exact request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from texml_mcp.catalog import endpoint
from texml_mcp.catalog.model import RiskClass
from texml_mcp.gate.external import Waiting
from texml_mcp.identity.names import key_of
from texml_mcp.server.pages.words import at_time, exact, risk_kind
from texml_mcp.text import clean

_EXACTLY = " Exactly: "
# What people most want to know of a call: whom it reaches.
_SUBJECTS = ("To", "FriendlyName", "friendly_name", "name")
_LONG_CHARACTERS, _LONG_LINES = 600, 10
_HEAVY = (RiskClass.INTERRUPTS.value, RiskClass.DESTROYS.value)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the request's body; a long one scrolls by itself, so that it hides no other."""

    name: str
    value: str
    long: bool


@dataclass(frozen=True, slots=True)
class Card:
    """`headline` and `subject` say what is done to whom; `does`, `facts` and `rest` are the whole question.

    `mine` is whether the reader asked for it, `outcome` what became of it, empty while it waits.
    """

    waiting: Waiting
    headline: str
    subject: str
    does: str
    facts: str
    rest: str
    fields: list[Field]
    mine: bool
    heavy: bool
    outcome: str

    @property
    def can_settle(self) -> bool:
        return not self.mine and not self.outcome


def card(waiting: Waiting, reader: str, now: float) -> Card:
    """The card of a request, for whoever reads it."""
    title = _title(waiting.tool)
    lead, separator, rest = waiting.words.partition(_EXACTLY)
    does, stop, facts = _without_title(lead, title).partition(". ")
    body = _body(waiting)
    return Card(
        waiting,
        title,
        clean(str(next((body[name] for name in _SUBJECTS if body.get(name)), "")), 80),
        does + stop.strip(),
        facts,
        f"{separator.strip()} {rest}" if separator else "",
        _fields(waiting.tool, body),
        mine=key_of(waiting.principal) == key_of(reader),
        heavy=any(risk_kind(risk) in _HEAVY for risk in waiting.risks),
        outcome=outcome(waiting, now),
    )


def outcome(waiting: Waiting, now: float) -> str:
    """What became of a request; empty while it waits."""
    if waiting.standing == "waiting":
        return "" if now < waiting.until else "Expired: nobody answered in time. Nothing was sent."
    when = f" at {at_time(waiting.settled_at)}" if waiting.settled_at else ""
    told = f"{waiting.standing.capitalize()} by {clean(waiting.by, 100)}{when}."
    if waiting.standing == "denied":
        return f"{told} Nothing was sent."
    return f"{told} It counts once, when whoever asked repeats the call unchanged."


def _title(tool: str) -> str:
    try:
        return endpoint(tool).title
    except KeyError:
        return clean(tool, 60)  # asked by a newer server


def _without_title(lead: str, title: str) -> str:
    """The question without what the headline says already; what stood before it comes last."""
    before, separator, after = lead.partition(f"{title}: ")
    return f"{after[:1].upper()}{after[1:]} {before}".strip() if separator else lead


def _body(waiting: Waiting) -> dict[str, Any]:
    body: Any = (waiting.request or {}).get("body")
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _fields(tool: str, body: dict[str, Any]) -> list[Field]:
    """The body in the documented order: whom a call reaches comes before how it is counted."""
    try:
        order = [param.name for _, param in endpoint(tool).params()]
    except KeyError:
        order = []
    names = [*(name for name in order if name in body), *(name for name in body if name not in order)]
    shown = ((exact(name), exact(body[name])) for name in names)
    return [
        Field(name, value, len(value) > _LONG_CHARACTERS or value.count("\n") > _LONG_LINES)
        for name, value in shown
    ]
