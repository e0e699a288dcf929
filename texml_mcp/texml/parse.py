"""Reads a TeXML document into elements, refusing the parts of XML that are only ever used to attack.

Expat is driven directly because it reports each declaration as it meets it: a document type or an entity
is refused at the line that declares it, before anything could expand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from texml_mcp.texml.model import Element, ParseError

MAX_CHARACTERS = 64_000
MAX_DEPTH = 16
MAX_ELEMENTS = 1000

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(slots=True)
class _Open:
    name: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Element] = field(default_factory=list[Element])
    text: list[str] = field(default_factory=list[str])

    def close(self) -> Element:
        return Element(
            self.name, self.attributes, tuple(self.children), "".join(self.text), self.line, self.column
        )


class _Builder:
    """Collects what expat reports; one is used for one document."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        self.stack: list[_Open] = []
        self.root: Element | None = None
        self.count = 0
        parser.XmlDeclHandler = self.declared
        parser.StartDoctypeDeclHandler = self.doctype
        parser.EntityDeclHandler = self.entity
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters

    def refuse(self, message: str) -> ParseError:
        return ParseError(message, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)

    def declared(self, version: str, encoding: str | None, standalone: int) -> None:
        del version, standalone
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
            raise self.refuse("the document must be UTF-8: declare encoding='UTF-8' or leave it out")

    def doctype(self, *_: object) -> None:
        raise self.refuse("a document type declaration (<!DOCTYPE ...>) is not allowed in TeXML")

    def entity(self, *_: object) -> None:
        raise self.refuse("an entity declaration (<!ENTITY ...>) is not allowed in TeXML")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise self.refuse(f"the document has more than {MAX_ELEMENTS} elements")
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(f"elements are nested more than {MAX_DEPTH} deep")
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        self.stack.append(_Open(name, attributes, line, column))

    def end(self, name: str) -> None:
        del name  # expat has already matched it with the start tag
        element = self.stack.pop().close()
        if self.stack:
            self.stack[-1].children.append(element)
        else:
            self.root = element

    def characters(self, data: str) -> None:
        if self.stack:
            self.stack[-1].text.append(data)


def parse(text: str) -> Element:
    """Returns the root element of `text`; raises `ParseError` for anything that is not acceptable XML."""
    if len(text) > MAX_CHARACTERS:
        raise ParseError(f"the document is {len(text)} characters long; the most is {MAX_CHARACTERS}")
    try:
        # A leading mark is how some editors save UTF-8, not part of the document.
        data = text.removeprefix(_BYTE_ORDER_MARK).encode("utf-8")
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        column = error.start - text.rfind("\n", 0, error.start)
        raise ParseError("the document holds half of a surrogate pair", line, column) from error
    if not data.strip():
        raise ParseError("the document is empty")
    # The bytes are UTF-8 whatever the declaration claims: naming the encoding here keeps expat from
    # decoding them as something else before the declaration has been refused.
    parser = expat.ParserCreate("utf-8")
    builder = _Builder(parser)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code) or "not well-formed"
        raise ParseError(f"not well-formed XML: {reason}", error.lineno, error.offset + 1) from error
    if builder.root is None:
        raise ParseError("the document is empty")
    return builder.root
