"""Every place a document would reach: what it dials, joins, fetches, plays, posts to or streams to.

Guards look at these, so nothing may hide: an element is recognised whatever the case of its name or its
prefix, and inside elements that the table does not know, whatever looks like an address counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from texml_mcp.texml import addresses
from texml_mcp.texml.model import TEMPLATE_MARK, Element, Kind, Purpose, Target
from texml_mcp.texml.parse import parse
from texml_mcp.texml.verbs import VERBS, find
from texml_mcp.texml.vocabulary import Verb

_BY_LOWER = {each.lower(): each for each in VERBS if "." not in each}
_ADDRESS = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*(?:https?|wss?):", re.IGNORECASE)
_SIP = re.compile(r"^\s*(?:<\s*)?sips?:", re.IGNORECASE)
_TEL = re.compile(r"^\s*(?:<\s*)?tel:", re.IGNORECASE)
# Digits of any script, dressed up: enough of them to be dialled.
_DIALLABLE = re.compile(r"[\s+(\[\-.]*\d(?:[\s()\[\]+\-.,;*#/wpx]*\d){2,}[\s()\[\]#*.]*", re.IGNORECASE)
_BODY_URL = re.compile(r"(?:https?|wss?)://[^\s\"'<>\\]+", re.IGNORECASE)
_TEXT_NAMES = frozenset({"callerid", "fromdisplayname", "name", "value", "code"})
# Who calls, and who signs in, is not who is called, whatever it looks like.
_ORIGIN_NAMES = frozenset({"callerid", "from", "fromdisplayname", "username", "password"})
_QUEUE_NAMES = frozenset({"queue", "queuename", "queuesid"})
# With these names even a short number is one that somebody means to reach.
_TOWARDS = re.compile(
    r"(?:dial|forward|transfer|refer)?_?-?to|callee|dial|number|tel|target|(?:.*(?:phone|destination|phonenumber))",
    re.IGNORECASE,
)


def targets(document: str) -> tuple[Target, ...]:
    """Every target in document order.

    Raises `ParseError` for a document that cannot be read, and nothing else: an empty answer would tell a
    guard that such a document reaches nobody.
    """
    found: list[Target] = []
    _walk(parse(document), "", found)
    return tuple(found)


def _walk(element: Element, parent: str, found: list[Target]) -> None:
    name = _BY_LOWER.get(element.name.rpartition(":")[2].lower(), "")
    verb = (find(name, parent) if name else None) or None
    found.extend(_of_attributes(element, name, verb, parent))
    found.extend(_of_text(element, name, verb))
    for child in element.children:
        _walk(child, name, found)


def _target(kind: Kind, value: str, element: Element, purpose: Purpose, attribute: str = "") -> Target:
    return Target(kind, value.strip(), element.name, attribute, element.line, purpose, TEMPLATE_MARK in value)


def _of_attributes(element: Element, name: str, verb: Verb | None, parent: str) -> Iterator[Target]:
    known = {each.lower(): each for each in verb.attributes} if verb is not None else {}
    for written, value in element.attributes.items():
        low = written.lower()
        if not value.strip() or low.startswith(("xmlns", "xml:", "xsi:")):
            continue
        attribute = verb.attributes[known[low]] if verb and low in known else None
        if attribute is not None and attribute.type in ("url", "stream"):
            kind: Kind = "stream" if attribute.reach == "stream" else "url"
            yield _target(kind, value, element, attribute.reach, written)
        elif parent != "Stop" and (low == "connectorname" or (name == "AIAssistant" and low == "id")):
            yield _target("stream", value, element, "stream", written)
        elif low in _QUEUE_NAMES:
            yield _target("queue", value, element, "dial", written)
        elif dialled := _dialled(element, value, low, attribute is None or attribute.type == "text"):
            yield _target(dialled, value, element, "dial", written)
        elif attribute is None and low not in _TEXT_NAMES:
            yield from _guessed(element, value, written)


def _dialled(element: Element, value: str, low: str, free: bool) -> Kind | None:
    """Whether a value is a destination by its look; `free` when it may be any text, digits included."""
    if low in _ORIGIN_NAMES:
        return None
    if _TEL.match(value):
        return "number"
    if _SIP.match(value):
        return "sip"
    if not free:
        return None
    label = low
    if low == "value":  # a parameter: its name says what the value is
        names = {each.lower(): each for each in element.attributes}
        label = element.attributes[names["name"]].strip() if "name" in names else low
    if _TOWARDS.fullmatch(label) and (TEMPLATE_MARK in value or _DIALLABLE.fullmatch(value)):
        return "number"
    return "number" if _looks_dialled(value) else None


def _looks_dialled(value: str) -> bool:
    """A number written as people write phone numbers: ids, times and amounts are not."""
    plain = addresses.number(value)
    if plain.startswith("+"):
        return len(plain) > 3
    return 10 <= len(plain) <= 15 and re.search(r"[\s()-]", value.strip()) is not None


def _guessed(element: Element, value: str, written: str) -> Iterator[Target]:
    """What an attribute outside the table names, by its look and by the habit of its name."""
    low = written.lower()
    callback = "callback" in low
    if _ADDRESS.match(value) or callback or low.endswith(("url", "action", "uri")):
        stream = value.strip().lower().startswith(("ws:", "wss:"))
        purpose: Purpose = "callback" if callback else "fetch"
        yield _target("stream" if stream else "url", value, element, "stream" if stream else purpose, written)


def _of_text(element: Element, name: str, verb: Verb | None) -> Iterator[Target]:
    text = element.text
    if not text.strip():
        return
    if verb is None:
        # An element nobody documented: an interpreter could still pass its text on to the dialler.
        if _TEL.match(text):
            yield _target("number", text, element, "dial")
        elif _SIP.match(text):
            yield _target("sip", text, element, "dial")
        elif _ADDRESS.match(text):
            yield _target("url", text, element, "fetch")
        elif _DIALLABLE.fullmatch(text):
            yield _target("number", text, element, "dial")
        return
    match verb.holds:
        case "number" | "sip":
            sip = not _TEL.match(text) and (verb.holds == "sip" or _SIP.match(text) or "@" in text)
            yield _target("sip" if sip else "number", text, element, "dial")
        case "url":
            yield _target("url", text, element, "play" if name == "Play" else "fetch")
        case "conference" | "queue":
            yield _target(verb.holds, text, element, "dial")
        case "":
            if name == "Body":
                yield from _of_body(element)


def _of_body(element: Element) -> Iterator[Target]:
    """The URLs in what a request sends: the receiver may well fetch them."""
    for match in _BODY_URL.finditer(element.text.replace("\\/", "/")):  # as JSON may write a slash
        url = match[0].rstrip(".,;:!?)]" if TEMPLATE_MARK in match[0] else ".,;:!?)]}")
        stream = url.lower().startswith("ws")
        yield _target("stream" if stream else "url", url, element, "stream" if stream else "fetch")
