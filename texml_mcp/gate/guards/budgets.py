"""How much may happen: calls per minute, hour and destination, at once, money per day, and no loops.

The caller records what `entries` names after each send; these are the series:

    calls             one for each destination rung
    to:<destination>  the same, by destination
    spend             the estimated cost, in the unit of the policy
    open_calls        +1 when a call starts and -1 when it ends; its total is what is open now
    loop:<digest>     one for each write, by endpoint, account and exact arguments

All are per account: the names end in `@<account>`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from texml_mcp.catalog import endpoint
from texml_mcp.gate.guards.destinations import Place
from texml_mcp.gate.guards.digits import user_and_host
from texml_mcp.gate.guards.limits import seconds
from texml_mcp.gate.guards.model import Finding, GuardConfig, Request, Usage
from texml_mcp.gate.guards.numbers import known

GUARD = "budgets"
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def check(
    request: Request, places: Sequence[Place], config: GuardConfig, usage: Usage
) -> tuple[Finding, ...]:
    """A refusal for each budget that this call would go over."""
    if endpoint(request.endpoint).reads:
        return ()
    now = request.now.timestamp()
    found = list(_loop(request, config, usage, now))
    rung = _rung(places)
    if not rung:
        return tuple(found)
    calls = _series("calls", request)
    for limit, window, code, words in (
        (config.calls_per_minute, MINUTE, "calls_per_minute", "a minute"),
        (config.calls_per_hour, HOUR, "calls_per_hour", "an hour"),
    ):
        if limit is not None and usage.count(calls, now - window) + len(rung) > limit:
            found.append(_deny(code, f"More than {limit} calls {words}."))
    if (limit := config.concurrent_calls) is not None:
        open_now = max(0.0, usage.total(_series("open_calls", request), 0.0))
        if open_now + len(rung) > limit:
            found.append(
                _deny("concurrent_calls", f"More than {limit} calls at once; {open_now:.0f} are open.")
            )
    found.extend(_destinations(request, rung, config, usage, now))
    found.extend(_spend(request, rung, config, usage, now))
    return tuple(found)


def entries(request: Request, places: Sequence[Place], config: GuardConfig) -> tuple[tuple[str, float], ...]:
    """What to record when this call has been sent: series and amount. The caller closes `open_calls`."""
    if endpoint(request.endpoint).reads:
        return ()
    found = [(_series("loop:" + digest(request), request), 1.0)]
    rung = _rung(places)
    for destination in rung:
        found.append((_series("calls", request), 1.0))
        found.append((_series("to:" + destination, request), 1.0))
        found.append((_series("open_calls", request), 1.0))
    if rung and (cost := estimate(request, places, config)):
        found.append((_series("spend", request), cost))
    return tuple(found)


def estimate(request: Request, places: Sequence[Place], config: GuardConfig) -> float:
    """The most this call can cost: each destination for as long as it may last; 0 without a rate."""
    return len(_rung(places)) * (config.rate_per_minute_cost or 0.0) * seconds(request.wire, config) / 60


def digest(request: Request) -> str:
    """Equal for the same endpoint with the same arguments, whatever their order."""
    text = json.dumps([request.endpoint, dict(request.wire)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _loop(request: Request, config: GuardConfig, usage: Usage, now: float) -> tuple[Finding, ...]:
    if config.loop_count is None:
        return ()
    series = _series("loop:" + digest(request), request)
    if usage.count(series, now - config.loop_window_seconds) < config.loop_count:
        return ()
    message = (
        f"The same {request.endpoint} ran {config.loop_count} times within {config.loop_window_seconds} "
        "seconds: this looks like a loop."
    )
    return (_deny("loop", message),)


def _destinations(
    request: Request, rung: Sequence[str], config: GuardConfig, usage: Usage, now: float
) -> list[Finding]:
    limit = config.per_destination_per_hour
    if limit is None:
        return []
    found: list[Finding] = []
    for each in dict.fromkeys(rung):
        if usage.count(_series("to:" + each, request), now - HOUR) + rung.count(each) > limit:
            message = f"More than {limit} calls an hour to {each}."
            found.append(Finding(GUARD, "deny", "per_destination_per_hour", message, each))
    return found


def _spend(
    request: Request, rung: Sequence[str], config: GuardConfig, usage: Usage, now: float
) -> tuple[Finding, ...]:
    if config.spend_per_day is None:
        return ()
    if config.rate_per_minute_cost is None:
        # A budget that nothing is counted against would never stop anything.
        return (_deny("spend_unknown", "spend_per_day is set without rate_per_minute_cost."),)
    cost = len(rung) * config.rate_per_minute_cost * seconds(request.wire, config) / 60
    spent = usage.total(_series("spend", request), now - DAY)
    if spent + cost <= config.spend_per_day:
        return ()
    message = (
        f"This could cost {cost:.2f} on top of {spent:.2f}; the day's budget is {config.spend_per_day:.2f}."
    )
    return (_deny("spend_per_day", message),)


def _rung(places: Sequence[Place]) -> list[str]:
    return [_destination(each) for each in places if each.kind in ("number", "sip")]


def _destination(place: Place) -> str:
    """One name for a destination however it is written: respelling it must not reset its count."""
    if not place.templated:
        number = known(place.value)
        if number and (place.kind == "number" or number.valid):
            return number.e164
    user, host = user_and_host(place.value)
    return f"{user}@{host}".lower() if host else user.lower()


def _series(name: str, request: Request) -> str:
    return f"{name}@{request.account}"


def _deny(code: str, message: str) -> Finding:
    return Finding(GUARD, "deny", code, message)
