"""What a call does with its TeXML: a document as steps of `[verb, seconds, detail]`.

A first interpreter: Say, Play, Pause, Gather, Record, Dial into a conference, Enqueue, Hangup, Reject
and the verbs that take no time. Anything else is refused when the document arrives, never ignored.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from texml_mcp.sandbox.errors import ApiError, bad_request

Step = list[Any]

SECONDS_A_WORD = 0.4
PLAY_SECONDS = 5.0
DEFAULT_GATHER_SECONDS = 5.0
_INSTANT = frozenset({"Start", "Stop", "Leave"})


def steps(document: str) -> list[Step]:
    """The steps of a document. Raises `ApiError` for one that cannot be run here."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root: Element = fromstring(document)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise bad_request(f"The TeXML document cannot be read: {type(error).__name__}.") from None
    if root.tag != "Response":
        raise bad_request("The TeXML document must begin with <Response>.")
    return [step for verb in root for step in _step(verb)]


def _step(verb: Element) -> list[Step]:
    match verb.tag:
        case "Say":
            return [["Say", len(_text(verb).split()) * SECONDS_A_WORD, ""]]
        case "Play":
            return [["Play", PLAY_SECONDS, _text(verb)]]
        case "Pause":
            return [["Pause", _seconds(verb, "length", 1.0), ""]]
        case "Gather":
            inner = [step for child in verb for step in _step(child)]
            return [*inner, ["Gather", _seconds(verb, "timeout", DEFAULT_GATHER_SECONDS), ""]]
        case "Record":
            return [["Record", min(_seconds(verb, "maxLength", 30.0), 3600.0), ""]]
        case "Dial":
            return [_dial(verb)]
        case "Enqueue":
            return [["Enqueue", 0.0, _text(verb) or verb.get("queue", "")]]
        case "Hangup":
            return [["Hangup", 0.0, ""]]
        case "Reject":
            return [["Reject", 0.0, verb.get("reason", "")]]
        case tag if tag in _INSTANT:
            return [[tag, 0.0, ""]]
        case tag:
            raise _unsupported(tag)


def _dial(verb: Element) -> Step:
    conference = verb.find("Conference")
    if conference is None:
        raise _unsupported("Dial without Conference")
    return ["Conference", 0.0, _text(conference)]


def _unsupported(what: str) -> ApiError:
    return bad_request(f"This sandbox does not run {what}; nothing was changed.")


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _seconds(element: Element, name: str, default: float) -> float:
    try:
        value = float(element.get(name, default))
    except ValueError:
        raise bad_request(f"{element.tag} {name} must be a number of seconds.") from None
    return value if 0 <= value <= 86_400 else default
