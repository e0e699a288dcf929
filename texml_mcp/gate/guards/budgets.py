"""How much may happen: calls per minute, hour and destination, at once, money per day, and no loops.

`check` says what a call would meet now; before it leaves, the same budgets are reserved in one step with
the `amounts` that stand for it. These are the series:

    calls             one for each destination rung
    to:<destination>  the same, by destination
    spend             the estimated cost, in the unit of the policy
    open_calls        one for each destination rung, at the moment at which that call is over at the latest
    loop:<digest>     one for each write, by endpoint, account and exact arguments

All are per account: the names end in `@<account>`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from texml_mcp.catalog import endpoint
from texml_mcp.gate.guards.destinations import Place
from texml_mcp.gate.guards.digits import user_and_host
from texml_mcp.gate.guards.limits import seconds
from texml_mcp.gate.guards.model import Finding, GuardConfig, Request, Usage
from texml_mcp.gate.guards.numbers import known
from texml_mcp.gate.store.model import Amount, Limit, Total

GUARD = "budgets"
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit that a call must keep. `told` is the refusal, given what was counted so far."""

    code: str
    limit: Limit
    told: Callable[[float], str]
    subject: str = ""

    def refusal(self, counted: float) -> Finding:
        return Finding(GUARD, "deny", self.code, self.told(counted), self.subject)


def check(
    request: Request, places: Sequence[Place], config: GuardConfig, usage: Usage
) -> tuple[Finding, ...]:
    """A refusal for each budget that this call would go over."""
    found: list[Finding] = []
    for each in budgets(request, places, config):
        limit = each.limit
        if limit.of == "entries":
            total = Total(usage.count(limit.series, limit.since), 0.0)
        else:
            total = Total(0, usage.total(limit.series, limit.since))
        if not limit.allows(total):
            found.append(each.refusal(limit.counted(total)))
    if config.spend_per_day is not None and config.rate_per_minute_cost is None and _rung(request, places):
        # A budget that nothing is counted against would never stop anything.
        message = "spend_per_day is set without rate_per_minute_cost."
        found.append(Finding(GUARD, "deny", "spend_unknown", message))
    return tuple(found)


def budgets(request: Request, places: Sequence[Place], config: GuardConfig) -> tuple[Budget, ...]:
    """Everything that limits this call."""
    if endpoint(request.endpoint).reads:
        return ()
    rung = _rung(request, places)
    return (*_loop(request, config), *(_calls(request, places, rung, config) if rung else ()))


def amounts(request: Request, places: Sequence[Place], config: GuardConfig) -> tuple[Amount, ...]:
    """What stands for this call in the series, from the moment at which it leaves."""
    if endpoint(request.endpoint).reads:
        return ()
    now = request.now.timestamp()
    over = now + seconds(request, config)
    found = [("loop:" + digest(request), now, 1.0)]
    rung = _rung(request, places)
    for destination in rung:
        found += [("calls", now, 1.0), ("to:" + destination, now, 1.0), ("open_calls", over, 1.0)]
    if rung and (cost := estimate(request, places, config)):
        found.append(("spend", now, cost))
    write = secrets.token_hex(8)
    return tuple(
        Amount(_series(name, request), f"{write}:{number}", at, amount)
        for number, (name, at, amount) in enumerate(found)
    )


def estimate(request: Request, places: Sequence[Place], config: GuardConfig) -> float:
    """The most this call can cost: each destination for as long as it may last; 0 without a rate."""
    rung = len(_rung(request, places))
    return rung * (config.rate_per_minute_cost or 0.0) * seconds(request, config) / 60


def digest(request: Request) -> str:
    """Equal for the same endpoint with the same arguments, whatever their order."""
    text = json.dumps([request.endpoint, dict(request.wire)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _loop(request: Request, config: GuardConfig) -> Iterator[Budget]:
    if config.loop_count is None:
        return
    since = request.now.timestamp() - config.loop_window_seconds
    message = (
        f"The same {request.endpoint} ran {config.loop_count} times within {config.loop_window_seconds} "
        "seconds: this looks like a loop."
    )
    series = _series("loop:" + digest(request), request)
    yield Budget("loop", Limit(series, since, config.loop_count, 1), lambda _: message)


def _calls(
    request: Request, places: Sequence[Place], rung: Sequence[str], config: GuardConfig
) -> Iterator[Budget]:
    now, series = request.now.timestamp(), _series("calls", request)
    if (a_minute := config.calls_per_minute) is not None:
        limit = Limit(series, now - MINUTE, a_minute, len(rung))
        yield Budget("calls_per_minute", limit, lambda _: f"More than {a_minute} calls a minute.")
    if (an_hour := config.calls_per_hour) is not None:
        limit = Limit(series, now - HOUR, an_hour, len(rung))
        yield Budget("calls_per_hour", limit, lambda _: f"More than {an_hour} calls an hour.")
    if (at_once := config.concurrent_calls) is not None:
        limit = Limit(_series("open_calls", request), now, at_once, len(rung))
        yield Budget(
            "concurrent_calls",
            limit,
            lambda counted: f"More than {at_once} calls at once; {counted:.0f} are open.",
        )
    if config.per_destination_per_hour is not None:
        for each in dict.fromkeys(rung):
            yield _destination_budget(request, each, rung.count(each), config.per_destination_per_hour)
    if (a_day := config.spend_per_day) is not None and config.rate_per_minute_cost is not None:
        cost = estimate(request, places, config)
        limit = Limit(_series("spend", request), now - DAY, a_day, cost, "amount")
        yield Budget(
            "spend_per_day",
            limit,
            lambda spent: (
                f"This could cost {cost:.2f} on top of {spent:.2f}; the day's budget is {a_day:.2f}."
            ),
        )


def _destination_budget(request: Request, destination: str, adding: int, most: int) -> Budget:
    since = request.now.timestamp() - HOUR
    limit = Limit(_series("to:" + destination, request), since, most, adding)
    message = f"More than {most} calls an hour to {destination}."
    return Budget("per_destination_per_hour", limit, lambda _: message, destination)


def _rung(request: Request, places: Sequence[Place]) -> list[str]:
    if endpoint(request.endpoint).reads:
        return []
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
