"""The values the TeXML code trades in: elements, findings and targets.

An `Element` is one tag of a parsed document, a `Finding` is one thing `lint` has to say about it, and a
`Target` is one place outside the document that running it would reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Kind = Literal["number", "sip", "url", "stream", "conference", "queue"]
Purpose = Literal["dial", "fetch", "callback", "stream", "play"]

TEMPLATE_MARK = "{{"
"""What opens a value the vendor fills in when the document runs, so nothing can be said about it here."""


class ParseError(ValueError):
    """A document that is not acceptable XML; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Element:
    """One tag: `text` is its own character data joined in order, without that of its children."""

    name: str
    attributes: dict[str, str]
    children: tuple[Element, ...]
    text: str
    line: int
    column: int

    def walk(self) -> Iterator[Element]:
        """Yields this element and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark: `code` is stable and snake_case, `line` and `column` count from 1."""

    severity: Severity
    code: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `lint` found, in document order."""

    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """True when nothing found is an error; warnings do not count."""
        return all(found.severity != "error" for found in self.findings)


@dataclass(frozen=True, slots=True)
class Target:
    """One place a document would reach.

    `attribute` is the attribute that names it, or "" when the element's text does. `templated` is true when
    any part of the value is filled in later, so that the value is not yet the place itself. A "stream" is
    a WebSocket address, or only the name of a SIPREC connector or of an assistant; the "url" of a stored
    file is its name. "callback" is news of a call or of a recording; "fetch" is what acts on the answer.
    """

    kind: Kind
    value: str
    verb: str
    attribute: str
    line: int
    purpose: Purpose
    templated: bool
