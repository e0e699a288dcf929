"""TeXML documents as the interpreter runs them: plain steps, checked whole before the first one runs.

A step is `{verb, attributes, text, children}`, plain data that lives in the call's record. A verb that this
sandbox does not run is refused when the document arrives: a silent skip would be a story that never happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from texml_mcp.sandbox.errors import ApiError, bad_request
from texml_mcp.texml.lint import lint
from texml_mcp.texml.model import Element, ParseError
from texml_mcp.texml.parse import parse

Step = dict[str, Any]

# Which elements may stand inside which verb. A verb that is not here does not run.
CHILDREN: Mapping[str, frozenset[str]] = {
    "Say": frozenset(
        {"break", "emphasis", "p", "phoneme", "prosody", "s", "say-as", "sub", "w", "lang", "voice"}
    ),
    "Play": frozenset(),
    "Pause": frozenset(),
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Record": frozenset(),
    "Dial": frozenset({"Number", "Sip", "Queue", "Conference"}),
    "Enqueue": frozenset(),
    "Leave": frozenset(),
    "Redirect": frozenset(),
    "Reject": frozenset(),
    "Refer": frozenset({"Sip"}),
    "Hangup": frozenset(),
    "Start": frozenset({"Stream", "Siprec", "Transcription", "Suppression", "Recording"}),
    "Stop": frozenset({"Stream", "Siprec", "Transcription", "Suppression", "Recording"}),
    "Connect": frozenset({"Stream"}),
}
_SETTINGS = frozenset({"Parameter", "CustomParameter"})


# What the linter finds that the network would trip over. It also judges destinations; those are judged when
# they are dialed, so that a document with one wrong number still runs to that place.
_REFUSED = frozenset(
    {
        "bad_url",
        "bad_value",
        "missing_attribute",
        "missing_child",
        "missing_text",
        "mixed_dial",
        "unexpected_text",
        "unknown_attribute",
        "unknown_verb",
        "wrong_nesting",
    }
)
# What the network takes although the linter does not: a pause of any length, since a test may need a call
# that simply lasts, and the name of a sound, since nothing is really played.
_LENIENT = ("Pause length=", "<Play>")
# Attributes that would change what happens, and that this network does not act on.
_NOT_ACTED_ON = {"Queue": ("url", "method")}
_REMEMBERED_LENGTH = 4096


def steps(document: str) -> list[Step]:
    """The steps of a document. Raises `ApiError` for one that cannot be run here."""
    return list(_remembered(document) if len(document) <= _REMEMBERED_LENGTH else _read(document))


@lru_cache(maxsize=256)
def _remembered(document: str) -> tuple[Step, ...]:
    # Steps are never changed once made, so that calls may share them.
    return _read(document)


def _read(document: str) -> tuple[Step, ...]:
    try:
        root = parse(document)
    except ParseError as error:
        raise bad_request(
            f"The TeXML document cannot be read at line {error.line}, column {error.column}: {error.message}"
        ) from None
    if root.name != "Response":
        raise bad_request("The TeXML document must begin with <Response>.")
    found = tuple(_step(verb) for verb in root.children)
    for finding in lint(document).findings:
        if finding.code in _REFUSED and not finding.message.startswith(_LENIENT):
            raise bad_request(f"Line {finding.line}: {finding.message}; nothing was changed.")
    return found


def _step(verb: Element) -> Step:
    if verb.name not in CHILDREN:
        raise _unsupported(f"<{verb.name}>", verb)
    for child in verb.children:
        if child.name not in CHILDREN[verb.name]:
            raise _unsupported(f"<{child.name}> inside <{verb.name}>", child)
        for name in _NOT_ACTED_ON.get(child.name, ()):
            if name in child.attributes:
                raise _unsupported(f"{name} of <{child.name}>", child)
    return _plain(verb)


def _plain(element: Element) -> Step:
    text = element.text.strip()
    if element.name == "Say":
        text = " ".join(part.text.strip() for part in element.walk()).strip()
    return {
        "verb": element.name,
        # Nobody is really called: a password has no use here, and state is shown to people.
        "attributes": {name: each for name, each in element.attributes.items() if name != "password"},
        "text": text,
        "children": [_plain(child) for child in element.children if child.name not in _SETTINGS],
    }


def _unsupported(what: str, where: Element) -> ApiError:
    return bad_request(f"Line {where.line}: this sandbox does not run {what}; nothing was changed.")


def seconds(step: Step, name: str, default: float, most: float = 86_400.0) -> float:
    """An attribute as a span; a value that is none, or out of range, counts as the default."""
    try:
        value = float(step["attributes"].get(name, default))
    except ValueError:
        return default
    return value if 0 <= value <= most else default


def flag(step: Step, name: str, default: bool = False) -> bool:
    value = step["attributes"].get(name)
    return default if value is None else str(value).lower() == "true"


def hook(step: Step, name: str, default_events: str = "") -> dict[str, Any] | None:
    """A callback as an element's attributes ask for it: where, how, for which events (all, when none)."""
    attributes = step["attributes"]
    if not attributes.get(name):
        return None
    events = attributes.get(f"{name}Event", default_events).split()
    return {"url": attributes[name], "method": attributes.get(f"{name}Method", "POST"), "events": events}
