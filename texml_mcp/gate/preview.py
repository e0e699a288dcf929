"""What a person is asked, and what a dry run shows. No secret ever stands in either."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from texml_mcp import client
from texml_mcp.catalog import Effect, Endpoint, Kind
from texml_mcp.catalog.model import by_name
from texml_mcp.client import RequestPlan
from texml_mcp.text import MASK, clean


def masked(known: Endpoint, wire: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as they may be shown: secrets, credentials and the values of SIP headers replaced."""
    shown = client.masked(known, wire)
    if "CustomHeaders" in shown:
        # Any of them may be a token, and none says so.
        shown["CustomHeaders"] = [{**header, "value": MASK} for header in shown["CustomHeaders"]]
    return shown


def describe_request(known: Endpoint, request: RequestPlan, wire: Mapping[str, Any]) -> dict[str, Any]:
    """The exact request with secrets masked: method, path, and the body by wire name."""
    params = by_name(known)
    body = {
        name: value
        for name, value in masked(known, wire).items()
        if name in params and params[name][0] == "body"
    }
    shown: dict[str, Any] = {"method": request.method, "path": request.path}
    if body:
        shown |= {"content_type": request.content_type or "", "body": body}
    return shown


def local_facts(destination: str, now: datetime) -> str:
    """Where a number is and what time it is there; empty when nobody can tell."""
    from texml_mcp.gate.guards.hours import at, zones_of
    from texml_mcp.gate.guards.numbers import known as known_number

    number = known_number(destination)
    if number is None or not number.valid:
        return ""
    times = sorted({f"{at(now, zone):%H:%M}" for zone in zones_of(number.e164)})
    clock = times[0] if len(times) == 1 else f"between {times[0]} and {times[-1]}" if times else "unknown"
    line = number.type.lower().replace("_", " ")
    return f"{destination} is in {number.region or 'an unknown country'} ({line}), local time {clock}."


def sentence(known: Endpoint, wire: Mapping[str, Any], seen: str, now: datetime) -> str:
    """The question: what it does to whom, what is there now, then the exact arguments."""
    risks = "; ".join(dict.fromkeys(risk.why for risk in known.risks_of(wire)))
    params = by_name(known)
    inline = {name for name in wire if name in params and params[name][1].kind is Kind.TEXML}
    documents = [_described(value) for name, value in wire.items() if name in inline]
    exact = ", ".join(
        f"{name} {clean(str(value), 120)}"
        for name, value in masked(known, wire).items()
        if name not in inline
    )
    parts = [
        f"{known.title}: {risks}." if risks else f"{known.title}.",
        seen,
        local_facts(str(wire["To"]), now) if known.effect is Effect.CREATE and "To" in wire else "",
        *(f"The TeXML {clean(phrase, 220)}" for phrase in documents),
        f"Exactly: {exact}.",
    ]
    return " ".join(part for part in parts if part)


@lru_cache(maxsize=8)  # whoever is asked about a call makes it once more
def _described(document: str) -> str:
    from texml_mcp import texml  # not needed to list tools

    return texml.describe(document)
