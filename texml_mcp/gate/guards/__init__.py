"""Guards: where a call really goes, and how much of it there may be. A guard that fails refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from texml_mcp.gate.guards.destinations import Place, Targets, places
from texml_mcp.gate.guards.model import Finding, GuardConfig, Mode, QuietHours, Request, Target, Usage
from texml_mcp.gate.store.model import StoreError

Verdict = Literal["deny", "confirm", "allow"]

__all__ = [
    "Finding",
    "GuardConfig",
    "Mode",
    "Place",
    "QuietHours",
    "Request",
    "Target",
    "Targets",
    "Usage",
    "Verdict",
    "check",
    "places",
    "verdict",
]


def check(
    request: Request, config: GuardConfig, usage: Usage, targets: Targets | None = None
) -> tuple[Finding, ...]:
    """Everything the guards say of this call. What cannot be judged is refused.

    Raises nothing but `StoreError`: then what was counted so far cannot be told, and nothing is sent.

    `targets` reads the destinations of a TeXML document; the one of `texml_mcp.texml` by default.
    """
    from texml_mcp.gate.guards import budgets, callers, hosts, hours, limits, numbers

    found: list[Finding] = []
    try:
        named = places(request, targets)
    except Exception as error:
        return (_failed("destinations", error),)

    def each(judge: Callable[[Place], Iterable[Finding]]) -> Callable[[], list[Finding]]:
        return lambda: [finding for place in named for finding in judge(place)]

    def emergency(place: Place) -> Sequence[Finding]:
        refusal = numbers.refused_always(place)
        return () if refusal is None else (refusal,)

    # No mode: neither `off` nor `warn` lets an emergency number through.
    found.extend(_run("numbers", "enforce", each(emergency)))
    live = request.live
    guards: tuple[tuple[str, Mode, Callable[[], Iterable[Finding]]], ...] = (
        (numbers.GUARD, config.numbers, each(lambda place: numbers.check(place, config, live))),
        (hosts.GUARD, config.hosts, each(lambda place: hosts.check(place, config, live))),
        (callers.GUARD, config.callers, lambda: callers.check(request, config)),
        (hours.GUARD, config.hours, each(lambda place: hours.check(place, config, request.now))),
        (budgets.GUARD, config.budgets, lambda: budgets.check(request, named, config, usage)),
        (limits.GUARD, config.limits, lambda: limits.check(request, config)),
    )
    for name, mode, judge in guards:
        found.extend(_run(name, mode, judge))
    return tuple(dict.fromkeys(found))


def verdict(findings: Iterable[Finding]) -> Verdict:
    """What the findings come to: the strictest of them, and `allow` without any that counts."""
    levels = {each.level for each in findings}
    if "deny" in levels:
        return "deny"
    return "confirm" if "confirm" in levels else "allow"


def _run(name: str, mode: Mode, judge: Callable[[], Iterable[Finding]]) -> list[Finding]:
    if mode == "off":
        return []
    try:
        found = list(judge())
    except StoreError:
        raise
    except Exception as error:
        return [_failed(name, error)]
    return found if mode == "enforce" else [replace(each, level="warn") for each in found]


def _failed(name: str, error: Exception) -> Finding:
    # Only the kind of the error: its text may quote an argument that must not be shown.
    message = f"The guard of {name} could not judge this call ({type(error).__name__}), so it is refused."
    return Finding(name, "deny", "guard_failed", message)
