"""Which numbers may be rung: never an emergency or crisis number, no costly range, only allowed countries.

A country is the region that the number is assigned to, not its prefix: Jamaica shares +1 with the
United States.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from texml_mcp.gate.guards.destinations import Place
from texml_mcp.gate.guards.digits import LONGEST, Dialled, readings
from texml_mcp.gate.guards.emergency import emergency
from texml_mcp.gate.guards.model import Finding, GuardConfig, Level

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

GUARD = "numbers"
_COSTLY = {
    "PREMIUM_RATE": ("number_premium", "a premium-rate number"),
    "SHARED_COST": ("number_shared_cost", "a shared-cost number"),
    "PERSONAL_NUMBER": ("number_personal", "a personal number, billed at a special rate"),
    "PAGER": ("number_pager", "a pager"),
    "UAN": ("number_uan", "a company access number, billed at a special rate"),
    "VOICEMAIL": ("number_voicemail", "a voicemail access number"),
}
# Inmarsat, Global Mobile Satellite System, and the international networks sold like them.
_SATELLITE = {870, 881, 882, 883}


@dataclass(frozen=True, slots=True)
class Known:
    """What the numbering plans say of one number. `region` is empty where no country holds it."""

    e164: str
    country_code: int
    region: str
    type: str
    valid: bool


@lru_cache(maxsize=4096)
def known(text: str) -> Known | None:
    """The subscriber's number in a destination; none when no reading of it is one."""
    first: Known | None = None
    for reading in readings(text):
        for digits in _international(reading):
            found = _parse(digits)
            if found and found.valid:
                return found
            first = first or found
    return first


def _international(reading: Dialled) -> tuple[str, ...]:
    digits = reading.digits
    if reading.plus:
        return (digits,)
    forms = [digits[len(each) :] for each in ("00", "011") if digits.startswith(each)]
    if len(digits) == 10 and digits[0] in "23456789":
        forms.append("1" + digits)
    return (*forms, digits)


def _parse(digits: str) -> Known | None:
    import phonenumbers

    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
    region = phonenumbers.region_code_for_number(number) or ""
    if not valid and _fictional(number):
        # Reserved for examples, so assigned nowhere, and tests everywhere use it as an ordinary number.
        valid, kind, region = True, "FIXED_LINE_OR_MOBILE", "US"
    return Known("+" + digits, number.country_code or 0, "" if region == "001" else region, kind, valid)


def _fictional(number: PhoneNumber) -> bool:
    national = str(number.national_number)
    return number.country_code == 1 and len(national) == 10 and national[3:8] == "55501"


def refused_always(place: Place) -> Finding | None:
    """The refusal of an emergency or crisis number, which no setting and no sandbox lifts."""
    if place.kind not in ("number", "sip"):
        return None
    if len(place.value) > LONGEST:
        # Only the beginning is read: a number must not hide behind it.
        return Finding(GUARD, "deny", "destination_too_long", f"{place.where} is too long to judge.")
    found = emergency(place.value)
    if found is None:
        return None
    message = f"{place.where} would ring {found}, an emergency or crisis number. These are never called."
    return Finding(GUARD, "deny", "number_emergency", message, place.value)


def check(place: Place, config: GuardConfig, live: bool) -> tuple[Finding, ...]:
    """What there is to say of one number or SIP user, emergencies apart."""
    if place.kind not in ("number", "sip"):
        return ()
    if place.templated:
        words = "is filled in only when the call runs: it cannot be checked before."
        return (_finding(place, "confirm", "destination_templated", words),)
    number = known(place.value)
    if place.kind == "sip" and (number is None or not number.valid):
        return ()  # a name, or an extension of that host
    unassigned: Level = "deny" if live else "warn"  # the vendor's own examples are not assignable
    if number is None:
        return (_finding(place, unassigned, "number_invalid", "is not a phone number."),)
    found: list[Finding] = []
    if number.country_code in _SATELLITE:
        words = "is a satellite or international-network number."
        found.append(_finding(place, "deny", "number_satellite", words))
    elif number.type in _COSTLY:
        code, what = _COSTLY[number.type]
        found.append(_finding(place, "deny", code, f"is {what}."))
    elif not number.valid:
        found.append(_finding(place, unassigned, "number_invalid", "is not an assignable number."))
    if place.kind == "number" and not any(each.plus for each in readings(place.value)):
        words = "lacks the leading + and country code of E.164."
        found.append(_finding(place, unassigned, "number_not_e164", words))
    found.extend(_country(place, number, config))
    return tuple(found)


def _country(place: Place, number: Known, config: GuardConfig) -> tuple[Finding, ...]:
    regions = {number.region} if number.region else _candidates(number.country_code)
    where = number.region or (f"country code +{number.country_code}")
    if regions and regions <= set(config.denied_countries):
        return (_finding(place, "deny", "country_denied", f"is in {where}, which policy denies."),)
    if config.allowed_countries and not regions & set(config.allowed_countries):
        words = f"is in {where}; policy allows only {', '.join(config.allowed_countries)}."
        return (_finding(place, "deny", "country_not_allowed", words),)
    return ()


def _candidates(country_code: int) -> set[str]:
    """Every country an unassigned number could be in; none for the ranges that no country holds."""
    import phonenumbers

    return set(phonenumbers.region_codes_for_country_code(country_code)) - {"001"}


def _finding(place: Place, level: Level, code: str, words: str) -> Finding:
    return Finding(GUARD, level, code, f"{place.where} {place.value} {words}", place.value)
