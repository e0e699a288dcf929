"""One documented field, as a person reads it: times in ISO 8601 UTC, durations in seconds, clean text."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from texml_mcp.catalog import Field, Kind
from texml_mcp.text import MASK, clean, mask_url

TEXT_CAP = 500
NUMBER_CAP = 200
TRANSCRIPT_CAP = 2000

_RFC_2822 = re.compile(r"[A-Z][a-z]{2}, ([0-3]\d) ([A-Z][a-z]{2}) (\d{4}) ([0-2]\d:[0-5]\d:[0-5]\d) \+0000")
_MONTHS = {name: f"{number:02d}" for number, name in enumerate(calendar.month_abbr) if name}


def iso_time(text: str) -> str:
    """RFC 2822 or ISO 8601 text as ISO 8601 UTC; text in neither form as it came, cleaned."""
    # The one form that the API writes, without the general parser, which costs more than all the rest.
    if (match := _RFC_2822.fullmatch(text)) and (month := _MONTHS.get(match[2])):
        return f"{match[3]}-{month}-{match[1]}T{match[4]}Z"
    try:
        if text[:1].isdigit():
            moment = datetime.fromisoformat(text)
        else:
            moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return clean(text, 60)
    return moment.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(value: Any) -> float | None:
    """A duration as a number; None when it is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if number != number or number in (float("inf"), float("-inf")):
        return None
    return int(number) if number == int(number) else number


def present(field: Field, value: Any) -> Any:
    """The value of a field under the type that the output schema promises; None when it has no such form."""
    if value is None:
        return None
    match field.kind:
        case Kind.SECONDS:
            return seconds(value)
        case Kind.TIME:
            return iso_time(value) if isinstance(value, str) else None
        case Kind.SECRET:
            return MASK
        case Kind.NUMBER if isinstance(value, str):
            return mask_url(clean(value, NUMBER_CAP))
        case Kind.URL | Kind.MEDIA if isinstance(value, str):
            return mask_url(clean(value, 2000))
        case _:
            return _typed(field, value)


def _typed(field: Field, value: Any) -> Any:
    match field.type:
        case "boolean":
            if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
            return value if isinstance(value, bool) else None
        case "integer" | "number":
            number = seconds(value)
            if number is None or (field.type == "integer" and not isinstance(number, int)):
                return None
            return number
        case "object":
            if not isinstance(value, dict):
                return None
            held = cast("dict[str, Any]", value)
            if not field.fields:
                return {clean(str(k), 60): clean(str(v)) for k, v in list(held.items())[:20] if v is not None}
            return record(field.fields, held)
        case "array":
            if not isinstance(value, list):
                return None
            inner = field.items or Field("")
            shown = (present(inner, each) for each in cast("list[Any]", value)[:100])
            return [each for each in shown if each is not None]
        case _:
            if isinstance(value, (dict, list)):
                return None
            cap = TRANSCRIPT_CAP if field.kind is Kind.UNTRUSTED else TEXT_CAP
            return clean(value if isinstance(value, str) else str(value), cap)


def record(fields: tuple[Field, ...], body: dict[str, Any]) -> dict[str, Any]:
    """Every documented field that the body holds, in the documented order; nothing undocumented."""
    return {field.name: present(field, body[field.name]) for field in fields if field.name in body}
