"""Whether a destination is an emergency or crisis number, in any country and however it is dialled.

Strict on purpose: an emergency call by a machine costs somebody else an ambulance, and a refused call
costs a question. So a text that no country would route as an ordinary number is refused as soon as an
emergency number is found behind the prefixes that a switch strips.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from texml_mcp.gate.guards.crisis import LINES, national
from texml_mcp.gate.guards.digits import Dialled, plain, readings

# Outside lines and international prefixes that a switch strips before it routes.
_ACCESS = "00|000|0011|0014|0015|0018|009|010|011|810|8|9|99|0|"
# Answered by emergency services far beyond the country that assigned them: handsets and switches map them.
_WORLDWIDE = "112|911|999|000|988"
# A subscriber's number of North America, whether or not assigned. The area codes of the emergency
# numbers themselves are none: `911 555 0100` is answered as 911.
_NORTH_AMERICAN = re.compile(r"1?(?!911|988|999)[2-9]\d\d[2-9]\d{6}")


@lru_cache(maxsize=4096)
def emergency(text: str) -> str | None:
    """The emergency or crisis number that this number or SIP address would ring, or none."""
    # A gateway may take either side of a bracket for the address: `911 <sip:desk@host>`.
    for part in dict.fromkeys((text, *plain(text).split("<"))):
        for reading in readings(part):
            found = _reached(reading)
            if found:
                return found
    return None


def _reached(dialled: Dialled) -> str | None:
    digits = dialled.digits
    if not dialled.plus and _bare().fullmatch(digits):
        return digits
    ordinary = _ordinary(dialled)
    for form in _international(dialled):
        found = _with_country(form, ordinary)
        if found:
            return found
    if ordinary:
        return None
    behind = _behind_prefixes().fullmatch(digits)
    if behind:
        return behind["code"] or behind["world"]
    # Shorter, it is an extension: `9112` is somebody's desk. Emergency services answer what follows 911.
    begins = re.match(rf"9?({_WORLDWIDE})", digits) if len(digits) >= 7 and not dialled.plus else None
    return begins[1] if begins else None


def _international(dialled: Dialled) -> tuple[str, ...]:
    """The digits from the country code on, for each prefix that could stand before it."""
    if dialled.plus:
        return (dialled.digits,)
    prefixes = ("", "00", "011", "0011", "900", "9011", "9")
    forms = [dialled.digits[len(each) :] for each in prefixes if dialled.digits.startswith(each)]
    if len(dialled.digits) == 10:  # North America writes its numbers so
        forms.append("1" + dialled.digits)
    return tuple(forms)


def _with_country(digits: str, ordinary: bool) -> str | None:
    """Country code and then a number that is an emergency or crisis number in that country."""
    for length in (1, 2, 3):
        codes = _by_country_code().get(digits[:length])
        if codes is None:
            continue
        rest = digits[length:]
        exact, begins = codes
        if exact.fullmatch(rest):
            return rest
        if exact.fullmatch(re.sub(r"^[089]", "", rest)) and not ordinary:
            return rest[1:]  # behind the trunk digit or outside line: `+44 0 999`
        found = begins.match(rest) if begins and len(digits) >= 7 else None
        if found and not ordinary:
            return found[0]
    return None


def _ordinary(dialled: Dialled) -> bool:
    """Whether some switch would route these digits as a subscriber's number."""
    digits = dialled.digits
    if _valid(digits):
        return True
    if dialled.plus:
        return False
    # What people write without the plus: ten digits in North America, 00 or 011 abroad.
    tries = ["1" + digits] if len(digits) == 10 else []
    tries += [digits[len(each) :] for each in ("00", "011", "9011", "900", "9") if digits.startswith(each)]
    return any(_valid(each) for each in tries)


def _valid(digits: str) -> bool:
    """Whether digits that start with a country code can be a subscriber's number."""
    if _NORTH_AMERICAN.fullmatch(digits) and len(digits) == 11:
        return True
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse("+" + digits))
    except phonenumbers.NumberParseException:
        return False


@cache
def _patterns() -> dict[str, str]:
    """Each region's emergency numbers as the library's regular expression."""
    from phonenumbers import PhoneMetadata, shortnumberinfo

    found: dict[str, str] = {}
    for region in sorted(shortnumberinfo.SUPPORTED_SHORT_REGIONS):
        metadata = PhoneMetadata.short_metadata_for_region(region)
        if metadata is not None and metadata.emergency is not None:
            pattern = metadata.emergency.national_number_pattern
            if pattern:
                found[region] = pattern
    if len(found) < 200:
        raise RuntimeError("phonenumbers holds too few emergency numbers to judge by")
    return found


def _crisis(region: str, country_code: int) -> list[str]:
    lines = (*LINES.get(region, ()), *LINES["*"])
    return sorted({form for each in lines for form in (each, national(each, country_code))})


def _any(patterns: list[str]) -> str:
    return "|".join(f"(?:{each})" for each in dict.fromkeys(patterns))


@cache
def _bare() -> re.Pattern[str]:
    """Every emergency and crisis number of the world, dialled as it stands."""
    lines = [each for region in LINES for each in LINES[region]]
    return re.compile(_any([*_patterns().values(), *lines]))


def _three_digits(patterns: list[str]) -> str:
    """The three-digit codes among these. Shorter ones begin half the numbers of the world."""
    union = re.compile(_any(patterns))
    return "|".join(f"{each:03d}" for each in range(1000) if union.fullmatch(f"{each:03d}"))


@cache
def _by_country_code() -> dict[str, tuple[re.Pattern[str], re.Pattern[str] | None]]:
    """For each country code: its emergency and crisis numbers, and what a longer number may begin with."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    found: dict[str, tuple[re.Pattern[str], re.Pattern[str] | None]] = {}
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        emergencies = [_patterns()[each] for each in regions if each in _patterns()]
        lines = [line for each in regions for line in _crisis(each, code)]
        codes = _three_digits(emergencies) if emergencies else ""
        begins = re.compile(codes) if codes else None
        found[str(code)] = (re.compile(_any([*emergencies, *lines])), begins)
    return found


@cache
def _behind_prefixes() -> re.Pattern[str]:
    """An emergency number behind an outside line, an international prefix, a country code, a trunk digit."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    countries = "|".join(str(each) for each in COUNTRY_CODE_TO_REGION_CODE)
    lines = [each for region in LINES for each in LINES[region] if len(each) > 2]
    codes = rf"{_three_digits(list(_patterns().values()))}|{_any(lines)}"
    return re.compile(
        rf"(?:{_ACCESS})(?:{_ACCESS})(?:(?P<code>{codes})|(?:{countries})(?:{_ACCESS})(?P<world>{_WORLDWIDE}))"
    )
