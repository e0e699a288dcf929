"""Says what is wrong with a TeXML document, where, and what to change. Never raises on any text.

An error is what the vendor refuses or what would do something else than it reads; a warning is what it
most likely ignores. A value that holds a template (`{{name}}`) is filled in later and is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from texml_mcp.texml import addresses
from texml_mcp.texml.model import TEMPLATE_MARK, Element, Finding, ParseError, Report, Severity
from texml_mcp.texml.parse import parse
from texml_mcp.texml.verbs import VERBS, find, parents
from texml_mcp.texml.vocabulary import Attribute, Verb
from texml_mcp.text import clean

_WHOLE = re.compile(r"[+-]?[0-9]{1,12}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})")
_DIGITS = re.compile(r"[0-9*#wWA-Da-d,]*")
_URL_NAME = re.compile(r"(?:url|uri|action|callback)$", re.IGNORECASE)
_CREDENTIALS = "carries a user name or password: keep them out of the document"
_MOST = 100
"""Findings of one document: a generated one with a mistake a line must not fill the answer."""


def lint(document: str) -> Report:
    """Every finding in document order, at most 100."""
    try:
        root = parse(document)
    except ParseError as error:
        return Report((Finding("error", _code(error.message), error.line, error.column, error.message),))
    found: list[Finding] = []
    for finding in _document(root):
        found.append(finding)
        if len(found) == _MOST:
            break
    return Report(tuple(found))


def _code(message: str) -> str:
    if message.startswith("not well-formed"):
        return "not_well_formed"
    return "empty_document" if message == "the document is empty" else "refused_xml"


def _at(element: Element, severity: Severity, code: str, message: str) -> Finding:
    return Finding(severity, code, element.line, element.column, message)


def _document(root: Element) -> Iterator[Finding]:
    if root.name != "Response":
        name = clean(root.name, 40)
        yield _at(root, "error", "wrong_root", f"the root is <{name}>: make <Response> the outermost element")
        return
    if not root.children and not root.text.strip():
        yield _at(root, "warning", "no_verbs", "<Response> is empty: add a verb, or the call just ends")
    yield from _element(root, VERBS["Response"])


def _element(element: Element, verb: Verb) -> Iterator[Finding]:
    yield from _attributes(element, verb)
    yield from _content(element, verb)
    ended: Element | None = None
    for child in element.children:
        if ended is not None:
            message = f"<{clean(child.name, 40)}> never runs: <{ended.name}> on line {ended.line} ends first"
            yield _at(child, "warning", "unreachable", message)
            ended = None  # one remark a place: the rest is unreachable for the same reason
        if child.name not in verb.children:
            yield _misplaced(child, element.name)
            continue
        entry = find(child.name, element.name)
        if entry is None:  # a table that names a child it does not describe
            yield _at(child, "warning", "not_described", f"<{child.name}> is not checked any further")
            continue
        yield from _element(child, entry)
        if entry.ends:
            ended = child


def _misplaced(child: Element, parent: str) -> Finding:
    homes = parents(child.name)
    name = clean(child.name, 40)
    if homes and child.name not in ("Request", "Response"):
        places = " or ".join(f"<{each}>" for each in homes[:4])
        return _at(child, "error", "wrong_nesting", f"<{name}> cannot stand in <{parent}>: use {places}")
    known = VERBS["Response"].children if parent == "Response" else _inside(parent)
    return _at(child, "error", "unknown_verb", f"<{name}> is not a TeXML element here{_nearest(name, known)}")


def _inside(parent: str) -> tuple[str, ...]:
    entry = VERBS.get(parent)
    return entry.children if entry is not None else ()


def _nearest(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    import difflib

    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), list(lower), 1, 0.6)
    return f": did you mean {lower[close[0]]}?" if close else ""


def _attributes(element: Element, verb: Verb) -> Iterator[Finding]:
    tag = element.name
    for name, value in element.attributes.items():
        attribute = verb.attributes.get(name)
        if attribute is not None:
            if TEMPLATE_MARK not in value:
                yield from _value(element, attribute, value.strip())
        elif name.startswith(("xmlns", "xml:", "xsi:")):
            yield _at(element, "warning", "namespace", f"{tag} {clean(name, 40)}: TeXML has no namespaces")
        elif not verb.open:
            near = _nearest(name, verb.attributes)
            # Misspelt, a time limit is silently lost; merely unknown, it may be newer than the table.
            severity: Severity = "error" if near else "warning"
            message = f"{tag} has no attribute {_quoted(name)}{near or ': leave it out'}"
            yield _at(element, severity, "unknown_attribute", message)
        elif _URL_NAME.search(name) and TEMPLATE_MARK not in value:
            yield from _value(element, Attribute(name, "url"), value.strip())
    for attribute in verb.attributes.values():
        if attribute.required and not element.attributes.get(attribute.name, "").strip():
            yield _at(element, "error", "missing_attribute", f"{tag} needs {attribute.name}")
    if tag == "Gather":
        least, most = (element.attributes.get(each, "") for each in ("minDigits", "maxDigits"))
        if _WHOLE.fullmatch(least) and _WHOLE.fullmatch(most) and int(least) > int(most):
            yield _at(element, "error", "bad_value", "Gather minDigits is above maxDigits: swap or lower it")


def _value(element: Element, attribute: Attribute, value: str) -> Iterator[Finding]:
    tag, name = element.name, attribute.name
    code = "bad_url" if attribute.type == "url" else "bad_value"
    if not value and attribute.required:
        return  # said once, as the missing attribute
    if wrong := _wrong(attribute, value):
        yield _at(element, "error", code, f"{tag} {name}={_quoted(value)}: {wrong}")
    elif attribute.type in ("url", "stream") and addresses.has_credentials(value):
        yield _at(element, "warning", "url_credentials", f"{tag} {name} {_CREDENTIALS}")


def _wrong(attribute: Attribute, value: str) -> str:
    """What the value should be, or nothing when it is right."""
    match attribute.type:
        case "flag":
            return "" if value in ("true", "false") else "write true or false"
        case "choice":
            return "" if value in attribute.values else f"choose one of {_list(attribute.values)}"
        case "words":
            words = value.split()
            good = words and all(each in attribute.values for each in words)
            return "" if good else f"use one or more of {_list(attribute.values)}, separated by spaces"
        case "whole":
            fits = _WHOLE.fullmatch(value) and _within(attribute, int(value))
            return "" if fits else f"write a whole number {_range(attribute)}"
        case "decimal":
            fits = _DECIMAL.fullmatch(value) and _within(attribute, float(value))
            return "" if fits else f"write a number {_range(attribute)}"
        case "digits":
            return "" if _DIGITS.fullmatch(value) else "use only 0-9, *, # and w"
        case "stream":
            return addresses.wrong_stream(value)
        case "url":
            return addresses.wrong_url(value, attribute.relative)
        case "text":
            return ""


def _within(attribute: Attribute, number: float) -> bool:
    if number in attribute.also:
        return True
    above = attribute.minimum is None or number >= attribute.minimum
    return above and (attribute.maximum is None or number <= attribute.maximum)


def _range(attribute: Attribute) -> str:
    low, high = attribute.minimum, attribute.maximum
    also = "".join(f", or {each}" for each in attribute.also)
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}{also}" if high < 100_000 else f"from {low:g} to {int(high)}{also}"
    return f"of at least {low:g}{also}" if low is not None else f"of at most {high:g}{also}"


def _content(element: Element, verb: Verb) -> Iterator[Finding]:
    tag, text = element.name, element.text.strip()
    if text and verb.content == "none":
        yield _at(element, "error", "unexpected_text", f"<{tag}> takes no text: move or remove it")
    if verb.needs_child and not element.children:
        inside = " or ".join(f"<{each}>" for each in verb.children[:5])
        yield _at(element, "error", "missing_child", f"<{tag}> is empty: put {inside} in it")
    if tag == "Dial":
        if not text and not element.children:
            message = "<Dial> has no destination: add a number, or <Number>, <Sip>, <Queue> or <Conference>"
            yield _at(element, "error", "missing_text", message)
        elif text and element.children:
            message = "<Dial> has both a number and nouns: put the number into its own <Number>"
            yield _at(element, "error", "mixed_dial", message)
    elif tag == "Play":
        if not text and "digits" not in element.attributes and "ringTone" not in element.attributes:
            message = "<Play> plays nothing: give a URL as its text, or digits, or ringTone"
            yield _at(element, "error", "missing_text", message)
    elif verb.content == "required" and not text and not element.children:
        what = {"number": "a phone number", "sip": "a SIP address", "url": "a URL"}.get(verb.holds, "text")
        yield _at(element, "error", "missing_text", f"<{tag}> is empty: write {what} between its tags")
    if text and TEMPLATE_MARK not in text:
        yield from _place(element, verb, text)


def _place(element: Element, verb: Verb, text: str) -> Iterator[Finding]:
    """What is wrong with a text that is dialled or fetched."""
    said = f"<{element.name}> {_quoted(text)}"
    match verb.holds:
        case "number" | "sip":
            if wrong := addresses.wrong_destination(text, sip=verb.holds == "sip"):
                yield _at(element, "error", "bad_destination", f"{said}: {wrong}")
            elif addresses.has_credentials(text):
                yield _at(element, "warning", "url_credentials", f"<{element.name}> {_CREDENTIALS}")
            elif not text.isascii():
                yield _at(element, "warning", "non_ascii_digits", f"{said}: write the digits as 0-9")
        case "url":
            if element.name == "Play" and element.attributes.get("mediaStorage", "").strip() == "true":
                return  # the name of an uploaded file
            if wrong := addresses.wrong_url(text):
                yield _at(element, "error", "bad_url", f"{said}: {wrong}")
            elif addresses.has_credentials(text):
                yield _at(element, "warning", "url_credentials", f"<{element.name}> {_CREDENTIALS}")
        case "conference" | "queue" | "":
            return


def _quoted(value: str) -> str:
    return f"'{clean(addresses.masked(value), 40)}'"


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(values)
