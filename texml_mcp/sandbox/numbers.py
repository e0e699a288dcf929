"""Which destinations exist at all, and which are never dialled: emergency numbers, as on the live side."""

from __future__ import annotations

import re
from functools import cache

_E164 = re.compile(r"\+[1-9]\d{4,14}")
_SIP = re.compile(r"sips?:([^@\s]+@)?[^@\s]+", re.IGNORECASE)
# Answered by emergency or crisis services somewhere; refused without asking where the caller is.
_EMERGENCY = frozenset(
    [
        "000",
        "08",
        "100",
        "101",
        "102",
        "103",
        "104",
        "105",
        "106",
        "108",
        "110",
        "111",
        "112",
        "113",
        "114",
        "115",
        "116",
        "117",
        "118",
        "119",
        "120",
        "122",
        "123",
        "15",
        "17",
        "18",
        "190",
        "191",
        "192",
        "193",
        "194",
        "197",
        "198",
        "199",
        "911",
        "933",
        "988",
        "999",
        "116123",
        "13114",
    ]
)
_LONGEST = 10


def is_reachable(target: str) -> bool:
    """Whether the target has the form of a phone number or a SIP URI."""
    return bool(_E164.fullmatch(target) or _SIP.fullmatch(target))


def is_emergency(target: str) -> bool:
    """Whether the digits, with or without a country code before them, are an emergency or crisis number."""
    user = target
    if _SIP.fullmatch(target):
        user = re.split(r"[@;]", target.partition(":")[2])[0]
        if not re.fullmatch(r"[+\d().\- ]+", user):
            return False
    digits = re.sub(r"\D", "", user)
    if digits in _EMERGENCY:
        return True
    if len(digits) > _LONGEST:
        return False
    return _in_some_country(digits)


@cache
def _in_some_country(digits: str) -> bool:
    import phonenumbers

    for length in (1, 2, 3):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length] or 0))
        rest = digits[length:]
        if regions and rest:
            if rest in _EMERGENCY:
                return True
            return any(
                phonenumbers.is_emergency_number(rest, region) for region in regions if region != "001"
            )
    return False
