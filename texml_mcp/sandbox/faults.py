"""Faults: what goes wrong, with which operation, at which of its requests.

A fault is `{operation, kind, first, times, ...}`: it strikes `times` requests of the operation, counted from
now, beginning with the `first`. The kinds:

- `status`: answers `status` and nothing happens; `code` and `retry_after_seconds` go with it.
- `rate_limited`: 429 with `retry-after`.
- `lost_response`: the request is carried out, then the connection is cut.
- `timeout`: nothing happens and no answer comes. `timeout_after_commit` carries it out first.
- `reset`: the connection is cut before anything happens.
- `slow`: the answer comes after `seconds`.
- `stale`: a read answers as of `seconds` ago.
- `malformed`, `truncated`, `html`: the request is carried out and its answer spoiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from texml_mcp.catalog import ENDPOINTS

if TYPE_CHECKING:
    from texml_mcp.sandbox.store import Record
    from texml_mcp.sandbox.world import World

KINDS = (
    "status",
    "rate_limited",
    "lost_response",
    "timeout",
    "timeout_after_commit",
    "reset",
    "slow",
    "stale",
    "malformed",
    "truncated",
    "html",
)
_DEFAULTS: dict[str, Any] = {
    "first": 1,
    "times": 1,
    "status": 500,
    "code": None,
    "retry_after_seconds": None,
    "seconds": 30.0,
}
EVERYTHING = "*"
LONGEST = 86_400


def fault(given: Mapping[str, Any]) -> Record:
    """A fault with its defaults. Raises `ValueError` that names the field."""
    unknown = sorted(set(given) - {"operation", "kind", *_DEFAULTS})
    if unknown:
        raise ValueError(f"{unknown[0]}: not a field of a fault")
    made: Record = _DEFAULTS | dict(given)
    operation = made.get("operation")
    if operation != EVERYTHING and operation not in {each.id for each in ENDPOINTS}:
        raise ValueError(f"operation: {operation!r} is not one of the {len(ENDPOINTS)} operations, nor *")
    if made.get("kind") not in KINDS:
        raise ValueError(f"kind: one of {', '.join(KINDS)}")
    for name in ("first", "times"):
        if type(made[name]) is not int or not 1 <= made[name] <= 10**6:
            raise ValueError(f"{name}: a whole number, 1 or more")
    if type(made["status"]) is not int or not 400 <= made["status"] <= 599:
        raise ValueError("status: a number from 400 to 599")
    for name in ("seconds", "retry_after_seconds"):
        value = made[name]
        if value is None and name == "retry_after_seconds":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LONGEST:
            raise ValueError(f"{name}: seconds, from 0 to {LONGEST:,}")
    if made["code"] is not None and not isinstance(made["code"], str):
        raise ValueError("code: text")
    return made


def arm(world: World, given: Mapping[str, Any]) -> Record:
    """Have a fault strike from now on."""
    made = fault(given)
    made["after"] = _asked(world, made["operation"])
    world.faults.append(made)
    return made


def _asked(world: World, operation: str) -> int:
    return sum(world.asked.values()) if operation == EVERYTHING else world.asked.get(operation, 0)


def strike(world: World, operation: str) -> Record | None:
    """Count a request, and find the fault that strikes it: the earliest armed."""
    found: Record | None = None
    world.asked[operation] = world.asked.get(operation, 0) + 1
    for each in world.faults:
        if each["operation"] not in (operation, EVERYTHING):
            continue
        ordinal = _asked(world, each["operation"]) - each["after"]
        if found is None and each["first"] <= ordinal < each["first"] + each["times"]:
            found = each
    return found
