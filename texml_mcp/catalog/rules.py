"""Rules between parameters, checked before anything is sent.

A rule answers `None`, or a sentence that says what to change. Rules that refuse are errors of the
call; `NoEffect` is advice that travels with the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from texml_mcp.catalog.conditions import Condition


class Rule(Protocol):
    refuses: ClassVar[bool]

    @property
    def names(self) -> tuple[str, ...]: ...

    def check(self, arguments: Mapping[str, Any]) -> str | None: ...


def _given(arguments: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if arguments.get(name) is not None]


@dataclass(frozen=True, slots=True)
class AtMostOne:
    """The named parameters exclude each other."""

    names: tuple[str, ...]
    refuses: ClassVar[bool] = True

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def check(self, arguments: Mapping[str, Any]) -> str | None:
        given = _given(arguments, self.names)
        return f"Give only one of {', '.join(given)}." if len(given) > 1 else None


@dataclass(frozen=True, slots=True)
class AtLeastOne:
    """A call with none of the named parameters would change nothing."""

    names: tuple[str, ...]
    refuses: ClassVar[bool] = True

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def check(self, arguments: Mapping[str, Any]) -> str | None:
        if _given(arguments, self.names):
            return None
        if len(self.names) == 1:
            return f"Nothing to change: give {self.names[0]}."
        return f"Nothing to change: give at least one of {', '.join(self.names)}."


@dataclass(frozen=True, slots=True)
class Needs:
    """When the condition holds, the named parameter is required."""

    name: str
    when: Condition
    refuses: ClassVar[bool] = True

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def check(self, arguments: Mapping[str, Any]) -> str | None:
        if self.when.holds(arguments) and arguments.get(self.name) is None:
            return f"{self.name} is required when {self.when}."
        return None


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The named parameters are ignored by the API unless the condition holds."""

    names: tuple[str, ...]
    unless: Condition
    refuses: ClassVar[bool] = False

    def check(self, arguments: Mapping[str, Any]) -> str | None:
        if self.unless.holds(arguments):
            return None
        given = _given(arguments, self.names)
        if not given:
            return None
        verb = "has" if len(given) == 1 else "have"
        return f"{', '.join(given)} {verb} no effect unless {self.unless}."
