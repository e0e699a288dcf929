"""Public crisis lines by country: numbers that people in danger need free, and no machine may ring.

Published by health services and the organisations themselves; written as dialled at home. `*` holds the
numbers harmonised across countries. Emergency numbers proper come from `phonenumbers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "*": ("116000", "116006", "116111", "116117", "116123"),
        "AT": ("142", "147"),
        "AU": ("131114", "1300659467", "1300224636", "1800551800", "1800737732"),
        "BE": ("1813", "106", "107"),
        "BR": ("188",),
        "CA": ("988", "18336864357", "18006686868"),
        "CH": ("143", "147"),
        "DE": ("08001110111", "08001110222", "08001110333"),
        "DK": ("70201201",),
        "ES": ("024", "016"),
        "FR": ("3114", "3919", "114", "115", "119"),
        "GB": ("116123", "08001111", "08000684141", "08082000247", "111", "105"),
        "IE": ("116123", "1800247247", "1800666666"),
        "IN": ("14416", "1098", "18008914416"),
        "IT": ("19696", "1522", "114"),
        "JP": ("0120783556",),
        "KR": ("109", "1393"),
        "MX": ("8009112000",),
        "NL": ("113", "08000113"),
        "NZ": ("1737", "0800543354", "0508828865"),
        "SE": ("90101",),
        "SG": ("1767", "18002214444"),
        "US": (
            "988",
            "18002738255",  # what 988 rings
            "18007997233",
            "18006564673",
            "18664887386",
            "18004224453",
            "18002221222",
        ),
        "ZA": ("0800567567", "0800121314"),
    }
)


def national(number: str, country_code: int) -> str:
    """A line without what is only dialled at home: the trunk 0, or the 1 of North America."""
    if country_code == 1 and len(number) == 11:
        return number[1:]
    # A short code that starts with 0 is the whole code: Spain's 024 is not 24.
    return number[1:] if number.startswith("0") and len(number) > 6 else number
