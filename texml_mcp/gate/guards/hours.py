"""Whether it is a decent hour where the phone rings, in every time zone the number could be in.

A number of a large country may belong to several zones: at 08:30 in New York a toll-free number may ring
at 05:30 in Los Angeles, so one quiet zone is enough.
"""

from __future__ import annotations

from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from texml_mcp.gate.guards.destinations import Place
from texml_mcp.gate.guards.model import Finding, GuardConfig, QuietHours
from texml_mcp.gate.guards.numbers import known

GUARD = "hours"


def check(place: Place, config: GuardConfig, now: datetime) -> tuple[Finding, ...]:
    """One finding when the place may be asleep, or when nobody can tell where it is."""
    if place.kind not in ("number", "sip") or place.templated:
        return ()
    number = known(place.value)
    if number is None or (place.kind == "sip" and not number.valid):
        return ()
    quiet = config.quiet_hours
    zones = zones_of(number.e164)
    if not zones:
        message = f"{place.where} {place.value} is in no known time zone: quiet hours cannot be told."
        return (Finding(GUARD, quiet.level, "zone_unknown", message, place.value),)
    asleep = [(zone, local) for zone in zones if is_quiet((local := at(now, zone)).time(), quiet)]
    if not asleep:
        return ()
    zone, local = asleep[0]
    others = f" and {len(asleep) - 1} more possible zones" if len(asleep) > 1 else ""
    message = (
        f"{place.where} {place.value}: it is {local:%H:%M} in {zone}{others}, "
        f"within quiet hours ({quiet.start} to {quiet.end})."
    )
    return (Finding(GUARD, quiet.level, "quiet_hours", message, place.value),)


def at(now: datetime, zone: str) -> datetime:
    """The local time in a zone. A time without a zone is an error: it would be read as the server's."""
    if now.tzinfo is None:
        raise ValueError("the time of a request must carry a time zone")
    return now.astimezone(ZoneInfo(zone))


def is_quiet(local: time, quiet: QuietHours) -> bool:
    """Whether a time of day is within quiet hours: `start` is, `end` is not. Equal bounds: the whole day."""
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    if start < end:
        return start <= local < end
    return local >= start or local < end


@lru_cache(maxsize=4096)
def zones_of(e164: str) -> tuple[str, ...]:
    """Every time zone the number could be in; for an unassigned number, those of its prefix."""
    import phonenumbers
    from phonenumbers import timezone

    number = phonenumbers.parse(e164)
    found = timezone.time_zones_for_number(number)
    if found == (timezone.UNKNOWN_TIMEZONE,):
        found = timezone.time_zones_for_geographical_number(number)
    return tuple(each for each in found if each != timezone.UNKNOWN_TIMEZONE and _exists(each))


def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
