"""Every place a document would reach: what it dials, joins, fetches, plays, posts to or streams to.

Guards look at these, so nothing may hide: an element is recognised whatever the case of its name or its
prefix, and inside elements that the table does not know, whatever looks like an address counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from texml_mcp.texml.model import TEMPLATE_MARK, Element, Kind, Purpose, Target
from texml_mcp.texml.parse import parse
from texml_mcp.texml.verbs import VERBS, Verb, find

_BY_LOWER = {each.lower(): each for each in VERBS if "." not in each}
_ADDRESS = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*(?:https?|wss?):", re.IGNORECASE)
_SIP = re.compile(r"^\s*<?\s*(?:sips?|tel):", re.IGNORECASE)
# Digits of any script, dressed up: enough of them to be dialled.
_DIALLABLE = re.compile(r"[\s+(\[\-.]*\d(?:[\s()\[\]+\-.,;*#/wpx]*\d){2,}[\s()\[\]#*.]*", re.IGNORECASE)
_TEXT_NAMES = frozenset({"callerid", "fromdisplayname", "name", "value", "code"})


def targets(document: str) -> tuple[Target, ...]:
    """Every target in document order. Raises `ParseError` for a document that cannot be read."""
    found: list[Target] = []
    _walk(parse(document), "", found)
    return tuple(found)


def _walk(element: Element, parent: str, found: list[Target]) -> None:
    name = _BY_LOWER.get(element.name.rpartition(":")[2].lower(), "")
    verb = (find(name, parent) if name else None) or None
    found.extend(_of_attributes(element, name, verb))
    found.extend(_of_text(element, name, verb))
    for child in element.children:
        _walk(child, name, found)


def _target(kind: Kind, value: str, element: Element, purpose: Purpose, attribute: str = "") -> Target:
    return Target(kind, value.strip(), element.name, attribute, element.line, purpose, TEMPLATE_MARK in value)


def _of_attributes(element: Element, name: str, verb: Verb | None) -> Iterator[Target]:
    known = {each.lower(): each for each in verb.attributes} if verb is not None else {}
    for written, value in element.attributes.items():
        if not value.strip():
            continue
        attribute = verb.attributes[known[written.lower()]] if verb and written.lower() in known else None
        if attribute is not None and attribute.type in ("url", "stream"):
            kind: Kind = "stream" if attribute.reach == "stream" else "url"
            yield _target(kind, value, element, attribute.reach, written)
        elif attribute is None and not written.lower().startswith(("xmlns", "xml:", "xsi:")):
            yield from _guessed(element, value, written)


def _guessed(element: Element, value: str, written: str) -> Iterator[Target]:
    """What an attribute outside the table names, by its look and by the habit of its name."""
    low = written.lower()
    if low in _TEXT_NAMES:
        return
    callback = "callback" in low
    if _ADDRESS.match(value) or callback or low.endswith(("url", "action", "uri")):
        stream = value.strip().lower().startswith(("ws:", "wss:"))
        purpose: Purpose = "callback" if callback else "fetch"
        yield _target("stream" if stream else "url", value, element, "stream" if stream else purpose, written)
    elif _SIP.match(value):
        yield _target("sip", value, element, "dial", written)


def _of_text(element: Element, name: str, verb: Verb | None) -> Iterator[Target]:
    text = element.text
    if not text.strip():
        return
    if verb is None:
        # An element nobody documented: an interpreter could still pass its text on to the dialler.
        if _SIP.match(text):
            yield _target("sip", text, element, "dial")
        elif _ADDRESS.match(text):
            yield _target("url", text, element, "fetch")
        elif _DIALLABLE.fullmatch(text):
            yield _target("number", text, element, "dial")
        return
    match verb.holds:
        case "number" | "sip":
            sip = verb.holds == "sip" or _SIP.match(text) or "@" in text
            yield _target("sip" if sip else "number", text, element, "dial")
        case "url":
            stored = name == "Play" and element.attributes.get("mediaStorage", "").strip() == "true"
            if not stored or _ADDRESS.match(text):
                yield _target("url", text, element, "play" if name == "Play" else "fetch")
        case "conference" | "queue":
            yield _target(verb.holds, text, element, "dial")
        case "":
            return
