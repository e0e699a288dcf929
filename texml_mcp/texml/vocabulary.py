"""The words the verb table is written in: an attribute, and an element with its attributes and children."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

Type = Literal["text", "flag", "whole", "decimal", "choice", "words", "digits", "url", "stream"]
Content = Literal["none", "optional", "required"]
Holds = Literal["", "number", "sip", "url", "conference", "queue"]
Reach = Literal["fetch", "callback", "play", "stream"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. `values` are the words of a choice; `also` are numbers accepted outside the range.

    `relative` says that a URL may also be a path on the host that the document came from.
    """

    name: str
    type: Type = "text"
    _: KW_ONLY
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    also: tuple[int, ...] = ()
    required: bool = False
    reach: Reach = "fetch"
    relative: bool = True


@dataclass(frozen=True, slots=True)
class Verb:
    """One element. `holds` says what its text is; `ends` that nothing after it runs.

    `open` marks an element whose attributes the reference does not list in full: unknown ones pass.
    """

    name: str
    attributes: Mapping[str, Attribute]
    children: tuple[str, ...] = ()
    content: Content = "none"
    holds: Holds = ""
    needs_child: bool = False
    ends: bool = False
    open: bool = False
