"""When something is true of a call's arguments: the vocabulary of rules and risks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Condition(Protocol):
    """A question about arguments under their wire names."""

    def holds(self, arguments: Mapping[str, Any]) -> bool: ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Always:
    """True of every call."""

    def holds(self, arguments: Mapping[str, Any]) -> bool:
        return True

    def __str__(self) -> str:
        return "always"


ALWAYS = Always()


@dataclass(frozen=True, slots=True)
class Given:
    """True when any of the named arguments is present."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def holds(self, arguments: Mapping[str, Any]) -> bool:
        return any(arguments.get(name) is not None for name in self.names)

    def __str__(self) -> str:
        return " or ".join(self.names) + " is given"


@dataclass(frozen=True, slots=True)
class Is:
    """True when the argument, or its documented default, is one of the values."""

    name: str
    values: tuple[Any, ...]
    default: Any

    def __init__(self, name: str, *values: Any, default: Any = None) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "default", default)

    def holds(self, arguments: Mapping[str, Any]) -> bool:
        value = arguments.get(self.name)
        return (self.default if value is None else value) in self.values

    def __str__(self) -> str:
        return f"{self.name} is " + " or ".join(_spell(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Both:
    """True when every part is."""

    parts: tuple[Condition, ...]

    def __init__(self, *parts: Condition) -> None:
        object.__setattr__(self, "parts", parts)

    def holds(self, arguments: Mapping[str, Any]) -> bool:
        return all(part.holds(arguments) for part in self.parts)

    def __str__(self) -> str:
        return " and ".join(str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not."""

    part: Condition

    def holds(self, arguments: Mapping[str, Any]) -> bool:
        return not self.part.holds(arguments)

    def __str__(self) -> str:
        return f"not ({self.part})"


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
