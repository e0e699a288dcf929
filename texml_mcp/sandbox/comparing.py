"""What of a state counts when two worlds are compared, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Data that tells when rather than what, or in which order: two runs of one story at different speeds, or
# with independent steps interleaved otherwise, are the same world.
_VOLATILE = frozenset(
    {
        "answered",
        "created",
        "duration",
        "ended",
        "heard",
        "joined",
        "number",
        "sequence",
        "since",
        "started",
        "step",
        "updated",
        "waited",
        "waiting_since",
        "waits",
    }
)


def settled(value: Any) -> Any:
    """Canonical: volatile fields left out, whole floats as integers, others to the millisecond."""
    if isinstance(value, dict):
        held: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {key: settled(inner) for key, inner in held.items() if key not in _VOLATILE}
    if isinstance(value, (list, tuple)):
        return [settled(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3)
    return value


def differences(path: str, here: Any, there: Any) -> Iterator[dict[str, Any]]:
    """`{path, here, there}` for each place that differs, by path."""
    if isinstance(here, dict) and isinstance(there, dict):
        ours: dict[str, Any] = here  # pyright: ignore[reportUnknownVariableType]
        theirs: dict[str, Any] = there  # pyright: ignore[reportUnknownVariableType]
        for key in sorted(ours.keys() | theirs.keys()):
            yield from differences(f"{path}/{key}", ours.get(key), theirs.get(key))
    elif here != there:
        yield {"path": path, "here": here, "there": there}
