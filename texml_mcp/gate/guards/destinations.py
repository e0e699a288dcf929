"""Where a call really goes: what it rings, and every address it names, inline TeXML included."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal, cast

from texml_mcp.catalog import endpoint
from texml_mcp.catalog.model import Kind, Param, Role, rings
from texml_mcp.gate.guards.model import Request, Target

Targets = Callable[[str], Sequence[Target]]

# A target's kind that names no place: it stays inside the account.
_PLAIN_NAME = re.compile(r"[\w\-]{1,200}(\.(mp3|wav))?", re.IGNORECASE)
_INSIDE = frozenset({"conference", "queue"})


@dataclass(frozen=True, slots=True)
class Place:
    """One number, SIP address or URL, and where in the call it stands.

    `templated`: the value holds a variable that only Telnyx fills in, so it cannot be judged here.
    """

    kind: Literal["number", "sip", "url", "stream"]
    value: str
    where: str
    templated: bool = False


class UnknownTargetError(ValueError):
    """TeXML names a kind of target that no guard knows: better refused than passed over."""


def places(request: Request, targets: Targets | None = None) -> tuple[Place, ...]:
    """Every place of a call, in the documented order. Raises on TeXML that cannot be read."""
    found: list[Place] = []
    for param in _telling(request.endpoint):
        found.extend(_of(param, request.wire, targets))
    return tuple(found)


@cache
def _telling(tool: str) -> tuple[Param, ...]:
    """The parameters of a write that can name a place: few of the dozens that a call may have."""
    declared = endpoint(tool)
    if declared.reads:
        return ()
    return tuple(param for where, param in declared.params() if where != "path" and _tells(param))


def _tells(param: Param) -> bool:
    return rings(param) or param.kind in (Kind.URL, Kind.TEXML) or any(map(_tells, param.fields))


def _of(param: Param, wire: Mapping[str, Any], targets: Targets | None) -> Iterator[Place]:
    # A spelling that the API also accepts must not be a way past the guards.
    for name in (param.name, *param.aliases):
        value: object = wire.get(name)
        if isinstance(value, Mapping):
            for field in param.fields:
                yield from _of(field, cast("Mapping[str, Any]", value), targets)
            continue
        for text in _texts(value):
            yield from _named(param, text, targets)


def _named(param: Param, text: str, targets: Targets | None) -> Iterator[Place]:
    if rings(param):
        yield Place("sip" if is_sip(text) else "number", text, param.name)
    elif param.kind is Kind.URL:
        yield Place("stream" if param.role is Role.STREAM else "url", text, param.name)
    elif param.kind is Kind.TEXML:
        for target in (targets or _targets)(text):
            yield from _target(target)


def _target(target: Target) -> Iterator[Place]:
    if target.kind in _INSIDE or not target.value.strip() or _is_name(target):
        return
    where = f"{target.verb} {target.attribute}".strip()
    match target.kind:
        case "number" | "sip":
            # A SIP address in <Number> is dialled as one, whatever the element says.
            named_sip = target.kind == "sip" and not target.value.strip().lower().startswith("tel:")
            kind = "sip" if named_sip or is_sip(target.value) else "number"
            yield Place(kind, target.value, where, target.templated)
        case "url" | "stream":
            yield Place(target.kind, target.value, where, target.templated)
        case other:
            raise UnknownTargetError(f"TeXML target of unknown kind {other!r}")


def _is_name(target: Target) -> bool:
    """Whether this is no address but the name of something set up in the account beforehand."""
    if target.kind == "stream":
        return target.attribute in ("connectorName", "id")
    stored = target.verb == "Play" and not target.attribute
    return stored and _PLAIN_NAME.fullmatch(target.value.strip()) is not None


def is_sip(text: str) -> bool:
    """Whether a destination is a SIP address rather than a number."""
    return text.strip().lower().startswith(("sip:", "sips:")) or "@" in text


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, list | tuple):
        for each in cast("Sequence[object]", value):
            yield from _texts(each)


@lru_cache(maxsize=8)  # a document is looked at when a call is asked about, when it is ruled on, as it leaves
def _targets(document: str) -> Sequence[Target]:
    from texml_mcp.texml import targets

    return targets(document)
