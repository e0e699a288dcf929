"""One short sentence of what a document does, for the person who is asked to approve it.

Words that a model or a caller chose are counted, not repeated; names and addresses are cleaned and cut,
so that a document cannot word the question it is asked about in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from texml_mcp.texml.model import TEMPLATE_MARK, Element, ParseError
from texml_mcp.texml.parse import parse
from texml_mcp.text import clean

_MOST_STEPS = 6
_NAME = 40
_SILENT = ("do-not-record", "false", "")


def describe(document: str) -> str:
    """What the document does, from its verb on and with a full stop: `says 3 words, then hangs up.`"""
    try:
        root = parse(document)
    except ParseError:
        return "cannot be read."
    steps: list[str] = []
    left = 0
    for child in root.children:
        if len(steps) == _MOST_STEPS:
            left += 1
            continue
        steps.append(_step(child))
    if not steps:
        return "does nothing, so the call just ends."
    more = f", and {left} more step{'s' if left > 1 else ''}" if left else ""
    return ", then ".join(steps) + more + "."


def _step(element: Element) -> str:
    match element.name:
        case "Say":
            return f"says {_words(element)}"
        case "Play":
            return "plays touch tones" if "digits" in element.attributes else f"plays {_name(element.text)}"
        case "Pause":
            return f"waits {_number(element, 'length', '1')} s"
        case "Gather":
            return f"asks for {_asked(element)}{_inside(element)}"
        case "Record":
            return f"records what is said, for up to {_number(element, 'maxLength', '3600')} s"
        case "Dial":
            return f"dials {_dialled(element)}{_recorded(element)}"
        case "Enqueue":
            return f"puts the call in queue {_name(element.text)}"
        case "Redirect":
            return f"goes on with the TeXML at {_name(element.text)}"
        case "Refer":
            return f"hands the call over to {_names(element)}"
        case "Reject":
            return "rejects the call"
        case "Hangup":
            return "hangs up"
        case "Leave":
            return "leaves the queue"
        case "Start" | "Stop":
            return f"{'stops' if element.name == 'Stop' else 'starts'} {_services(element)}"
        case "Connect":
            return f"hands the call to {_services(element)}"
        case "HttpRequest":
            return f"sends a request to {_names(element)}"
        case "AIGather" | "AIAssistant":
            return "lets an AI assistant talk"
        case other:
            return f"runs <{clean(other, _NAME)}>"


def _text(element: Element) -> Iterator[str]:
    for each in element.walk():
        yield each.text


def _words(element: Element) -> str:
    text = " ".join(_text(element))
    count = len(text.split())
    said = f"{count} word{'' if count == 1 else 's'}"
    return f"{said} with variables" if TEMPLATE_MARK in text else said


def _name(value: str) -> str:
    """A name or address as a person may see it: no password, and in quotes when it reads like a sentence."""
    shown = re.sub(r"(?<=//)[^/@\s]*@", "", clean(value, _NAME)) or "nothing"
    return f"'{shown}'" if re.search(r"[^\W\d_]\s|\s[^\W\d_]", shown) else shown


def _number(element: Element, name: str, default: str) -> str:
    value = element.attributes.get(name, default).strip()
    return value if value.isascii() and value.isdigit() and len(value) <= 6 else "an unknown number of"


def _asked(element: Element) -> str:
    asked = element.attributes.get("input", "dtmf")
    return "digits or speech" if "speech" in asked and "dtmf" in asked else _one_input(asked)


def _one_input(asked: str) -> str:
    return "speech" if "speech" in asked else "digits"


def _inside(element: Element) -> str:
    steps = [_step(each) for each in element.children[:3]]
    return f" ({', '.join(steps)})" if steps else ""


def _dialled(element: Element) -> str:
    places = [_name(element.text)] if element.text.strip() else []
    for child in element.children:
        kind = {"Conference": "conference ", "Queue": "queue "}.get(child.name, "")
        places.append(f"{kind}{_name(child.text)}")
    shown = places[:4]
    more = f" and {len(places) - len(shown)} more" if len(places) > len(shown) else ""
    return (" and ".join(shown) or "nothing") + more


def _recorded(element: Element) -> str:
    records = (each.attributes.get("record", "do-not-record") for each in element.walk())
    return " and records it" if any(each.strip() not in _SILENT for each in records) else ""


def _names(element: Element) -> str:
    named = [_name(each.text or each.attributes.get("url", "")) for each in element.children[:2]]
    return " and ".join(named) or "nothing"


def _services(element: Element) -> str:
    what = {
        "Stream": "an audio stream",
        "Siprec": "a SIPREC copy of the audio",
        "Recording": "a recording",
        "Transcription": "a transcription",
        "Suppression": "noise suppression",
        "AIAssistant": "an AI assistant",
        "ConversationRelay": "a conversation relay",
    }
    parts: list[str] = []
    for child in element.children[:4]:
        to = f" to {_name(child.attributes['url'])}" if child.attributes.get("url", "").strip() else ""
        parts.append(what.get(child.name, f"<{clean(child.name, _NAME)}>") + to)
    return " and ".join(parts) or "nothing"
