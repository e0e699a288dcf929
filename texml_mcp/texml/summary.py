"""One short sentence of what a document does, for the person who is asked to approve it.

Words that a model or a caller chose are counted, not repeated. Of names and addresses only the characters
that one needs are kept, in quotes and cut, so that a document cannot word the question it is asked about in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from texml_mcp.texml import addresses
from texml_mcp.texml.model import TEMPLATE_MARK, Element, ParseError
from texml_mcp.texml.parse import parse
from texml_mcp.text import clean

_MOST_STEPS = 6
_NAME = 24
_URL = 60
_NOT_URL = re.compile(r"[^A-Za-z0-9\-._~:/\[\]@!$&*+,;=%]")
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
            return f"plays {_played(element)}"
        case "Pause":
            return f"waits {_number(element, 'length', '1')} s"
        case "Gather":
            return f"asks for {_asked(element)}{_inside(element)}"
        case "Record":
            return f"records what is said, for up to {_number(element, 'maxLength', '3600')} s"
        case "Dial":
            return f"dials {_dialled(element)}{_recorded(element)}"
        case "Enqueue":
            return f"puts the call in {_name('queue', _queue(element))}"
        case "Redirect":
            return f"goes on with the TeXML at {_url(element.text)}"
        case "Refer":
            return f"hands the call over to {_all(_called(each) for each in element.children)}"
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
            urls = (each.attributes["url"] for each in element.children if "url" in each.attributes)
            return f"sends a request to {_all(_url(each) for each in urls)}"
        case "AIGather" | "AIAssistant":
            return "lets an AI assistant talk"
        case other:
            return f"runs <{_bare(other)[:_NAME]}>"


def _text(element: Element) -> Iterator[str]:
    for each in element.walk():
        yield each.text


def _words(element: Element) -> str:
    text = " ".join(_text(element))
    count = len(text.split())
    said = f"{count} word{'' if count == 1 else 's'}"
    return f"{said} with variables" if TEMPLATE_MARK in text else said


def _bare(value: str) -> str:
    return "".join(each for each in clean(value, 300) if each.isalnum() or each in "_-.")


def _quoted(value: str, most: int, cut: bool = False) -> str:
    return f"'{value[:most]}'{'…' if cut or len(value) > most else ''}"


def _name(kind: str, value: str) -> str:
    """`queue 'support'`: what it is, and the letters, digits and `_ - .` of its name."""
    if TEMPLATE_MARK in value:
        return f"a {kind} filled in later"
    bare = _bare(value)
    return f"{kind} {_quoted(bare, _NAME)}" if bare else f"a {kind} without a name"


def _url(value: str) -> str:
    """A URL without credentials, query or fragment, where secrets stand."""
    if TEMPLATE_MARK in value:
        return "a URL filled in later"
    place, *more = re.split(r"[?#]", addresses.masked(value.strip()), maxsplit=1)
    bare = _NOT_URL.sub("", place)
    return _quoted(bare, _URL, bool(more)) if bare else "a URL that cannot be read"


def _called(element: Element) -> str:
    """A number as plain digits or a SIP address; other words are not worth a person's eye."""
    text = element.text.strip()
    if TEMPLATE_MARK in text:
        return "a number filled in later"
    if addresses.is_sip(text):
        place, *more = re.split(r"[;?]", addresses.masked(text), maxsplit=1)
        return _quoted(_NOT_URL.sub("", place), _URL, bool(more))
    return addresses.number(text) or "something that is no number"


def _played(element: Element) -> str:
    if "digits" in element.attributes:
        return "touch tones"
    if "ringTone" in element.attributes and not element.text.strip():
        return "a ring tone"
    stored = element.attributes.get("mediaStorage", "").strip() == "true"
    return _name("stored file", element.text) if stored else _url(element.text)


def _queue(element: Element) -> str:
    named = (element.attributes.get(each, "") for each in ("queueSid", "queue"))
    return element.text.strip() or next((each for each in named if each.strip()), "")


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
    places = [_called(element)] if element.text.strip() else []
    for child in element.children:
        inside = child.name in ("Conference", "Queue")
        places.append(_name(child.name.lower(), child.text) if inside else _called(child))
    shown = places[:4]
    more = f" and {len(places) - len(shown)} more" if len(places) > len(shown) else ""
    return (" and ".join(shown) or "nothing") + more


def _recorded(element: Element) -> str:
    records = (each.attributes.get("record", "do-not-record") for each in element.walk())
    return " and records it" if any(each.strip() not in _SILENT for each in records) else ""


def _all(places: Iterable[str]) -> str:
    return " and ".join(islice(places, 2)) or "nothing"


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
        url, connector = (child.attributes.get(each, "").strip() for each in ("url", "connectorName"))
        to = f" to {_url(url)}" if url else f" to {_name('connector', connector)}" if connector else ""
        parts.append(what.get(child.name, f"<{_bare(child.name)[:_NAME]}>") + to)
    return " and ".join(parts) or "nothing"
