"""One value: turned into its documented type, or refused with what would be right."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any, cast

from texml_mcp.catalog import Kind, Param
from texml_mcp.text import ascii_digits, clean, has_unsafe, shown

# Longer than anything the API documents, short enough that an error never carries a document.
MAX_TEXT = 4096
MAX_URL = 2000  # the API refuses longer ones
MAX_TEXML = 64_000
MAX_ITEMS = 100
MAX_EXACT = 2**53

_SEPARATORS = re.compile(r"[\s().\-/\u00a0]+")
_E164 = re.compile(r"\+[1-9]\d{4,14}")
_SIP = re.compile(r"sips?:[^\s@<>]+(@[^\s@<>]+)?", re.IGNORECASE)
_URL = re.compile(r"(https?|wss?)://[^\s/?#]+[^\s]*", re.IGNORECASE)
_OPERATOR = re.compile(r"^(>=|<=|>|<)?\s*(.*)$", re.DOTALL)


class ValueRefusedError(Exception):
    """A value that cannot be sent; the text says what would be right, and repeats no secret."""


def coerce(param: Param, value: Any) -> Any:
    """The value under its documented type. Raises `ValueRefusedError`."""
    match param.type:
        case "integer":
            result: Any = _integer(param, value)
        case "number":
            result = _number(param, value)
        case "boolean":
            return _boolean(param, value)
        case "array":
            return _array(param, value)
        case "object":
            return _object(param, value)
        case _:
            return _text(param, value)
    _check_range(param, result)
    return result


def _said(param: Param, value: object) -> str:
    """The value as an error may repeat it."""
    if param.type in ("array", "object") and isinstance(value, str):
        return "text"  # it may be the whole list, credentials included, written in a way we cannot read
    return "a value" if param.kind is Kind.SECRET else shown(value)


def _called(param: Param) -> str:
    """What an error calls it: an item of a list has no name."""
    return param.key or "An item"


def _wrong(param: Param, value: object, wanted: str) -> ValueRefusedError:
    return ValueRefusedError(f"{_called(param)} must be {wanted}, not {_said(param, value)}.")


def _integer(param: Param, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        return int(value)
    raise _wrong(param, value, "a whole number")


def _number(param: Param, value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) <= MAX_EXACT:
            return value
    elif isinstance(value, str) and len(value) <= 40:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise _wrong(param, value, "a number")


def _check_range(param: Param, value: float) -> None:
    if value in param.allowed:
        return
    low, high = param.minimum, param.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return
    if low is not None and high is not None:
        wanted = f"from {low:g} to {high:g}"
    else:
        wanted = f"at least {low:g}" if low is not None else f"at most {high:g}"
    others = f" or {' or '.join(map(str, param.allowed))}" if param.allowed else ""
    unit = f" {param.unit}" if param.unit else ""
    raise _wrong(param, value, f"{wanted}{unit}{others}")


def _boolean(param: Param, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise _wrong(param, value, "true or false")


def _decoded(value: Any, wanted: type) -> Any:
    """Some hosts send a list or an object as JSON text."""
    if isinstance(value, str) and len(value) <= MAX_TEXT and value.lstrip()[:1] in ("[", "{"):
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return decoded if isinstance(decoded, wanted) else value
    return value


def _array(param: Param, value: Any) -> list[Any]:
    value = _decoded(value, list)
    if not isinstance(value, list):
        raise _wrong(param, value, "a list")
    items = cast("list[Any]", value)
    if len(items) > MAX_ITEMS:
        raise ValueRefusedError(f"{param.key} holds {len(items)} items; at most {MAX_ITEMS}.")
    assert param.items is not None, "an array declares its items"
    try:
        return [coerce(param.items, item) for item in items]
    except ValueRefusedError as problem:
        raise ValueRefusedError(f"{param.key}: {problem}") from None


def _object(param: Param, value: Any) -> dict[str, Any]:
    value = _decoded(value, dict)
    if not isinstance(value, dict):
        holds = ", ".join(each.key for each in param.fields) or "texts by name"
        raise _wrong(param, value, f"an object with {holds}")
    given = cast("dict[str, Any]", value)
    if param.values is not None:
        return _by_name(param, param.values, given)
    known = {each.key: each for each in param.fields}
    where = f"{param.key}." if param.key else ""
    if unknown := [name for name in given if name not in known]:
        raise ValueRefusedError(
            f"Unknown key {shown(unknown[0])} in {param.key or 'an item'}. Valid: {', '.join(known)}."
        )
    result: dict[str, Any] = {}
    for name, inner in given.items():
        if inner is None:
            continue
        try:
            result[known[name].name] = coerce(known[name], inner)
        except ValueRefusedError as problem:
            raise ValueRefusedError(f"{where}{problem}") from None
    if missing := [each.key for each in param.fields if each.required and each.name not in result]:
        raise ValueRefusedError(f"{_called(param)} lacks {', '.join(missing)}.")
    return result


def _by_name(param: Param, inner: Param, given: dict[str, Any]) -> dict[str, Any]:
    """An object whose keys are the caller's choice."""
    if len(given) > MAX_ITEMS:
        raise ValueRefusedError(f"{param.key} holds {len(given)} names; at most {MAX_ITEMS}.")
    result: dict[str, Any] = {}
    for name, value in given.items():
        try:
            if value is not None:
                key = _text(Param("A name"), name)
                result[key] = coerce(replace(inner, name=clean(key, 40)), value)
        except ValueRefusedError as problem:
            raise ValueRefusedError(f"{param.key}: {problem}") from None
    return result


def _text(param: Param, value: Any) -> str:
    if isinstance(value, list) and param.kind in (Kind.WORDS, Kind.LIST):
        value = (" " if param.kind is Kind.WORDS else ",").join(
            map(str, cast("list[Any]", value)[:MAX_ITEMS])
        )
    if isinstance(value, bool) and not param.enum:
        raise _wrong(param, value, "text")
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, int):
        if abs(value) > MAX_EXACT:
            # A JSON number this large has lost its last digits in many clients: it names another thing.
            raise ValueRefusedError(f"{_called(param)} is too long for a number: give it as text, in quotes.")
        value = str(value)
    if not isinstance(value, str):
        raise _wrong(param, cast("object", value), "text")
    _check_text(param, value)
    if param.kind is Kind.SECRET or param.kind is Kind.TEXML:
        return value
    value = value.strip()
    if param.enum:
        return _choice(param, value)
    match param.kind:
        case Kind.NUMBER:
            return _phone_number(param, value)
        case Kind.URL:
            if not _URL.fullmatch(value):
                raise _wrong(param, value, "an absolute URL")
        case Kind.DATE:
            if _parsed_date(value) is None:
                raise _wrong(param, value, "a date YYYY-MM-DD")
        case Kind.DATE_FILTER:
            return _date_filter(param, value)
        case Kind.WORDS:
            return _words(param, value)
        case _:
            if param.pattern and not re.fullmatch(param.pattern, value):
                raise _wrong(param, value, f"text that matches {param.pattern}")
    return value


def _check_text(param: Param, value: str) -> None:
    cap = {Kind.URL: MAX_URL, Kind.TEXML: MAX_TEXML}.get(param.kind, MAX_TEXT) if param.kind else MAX_TEXT
    cap = param.max_length or cap
    if len(value) > cap:
        raise ValueRefusedError(f"{_called(param)} has {len(value):,} characters; at most {cap:,}.")
    if not value.strip():
        raise ValueRefusedError(f"{_called(param)} is empty: give a value, or leave it out.")
    if param.min_length and len(value.strip()) < param.min_length:
        raise ValueRefusedError(f"{_called(param)} needs at least {param.min_length} characters.")
    if has_unsafe(value):
        raise ValueRefusedError(f"{_called(param)} holds control, bidi or invisible characters: remove them.")


def _choice(param: Param, value: str) -> str:
    if value in param.enum:
        return value
    by_case = {choice.lower(): choice for choice in param.enum}
    if value.lower() in by_case:
        return by_case[value.lower()]
    raise _wrong(param, value, " or ".join(param.enum))


def _phone_number(param: Param, value: str) -> str:
    if _SIP.fullmatch(value):
        if ":" in value.partition(":")[2].rpartition("@")[0]:
            raise ValueRefusedError(
                f"{_called(param)} carries a password: give the SIP URI without it, and SipAuthUsername and "
                "SipAuthPassword beside it."
            )
        return value
    number = _SEPARATORS.sub("", ascii_digits(value))
    if _E164.fullmatch(number):
        return number
    raise _wrong(param, value, "an E.164 number such as +13125550100, or a SIP URI")


def _parsed_date(value: str) -> date | None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _date_filter(param: Param, value: str) -> str:
    match = _OPERATOR.match(value)
    assert match is not None, "the pattern matches any text"
    operator, when = match.group(1) or "", match.group(2).strip()
    valid = _parsed_date(when) is not None
    if not valid and param.format == "date-time":
        try:
            valid = datetime.fromisoformat(when).year > 0
        except ValueError:
            valid = False
    if not valid:
        raise _wrong(param, value, "a date YYYY-MM-DD, optionally after >=, <=, > or <")
    return operator + when


def _words(param: Param, value: str) -> str:
    words = [word for word in re.split(r"[\s,]+", value) if word]
    for word in words:
        if word not in param.words:
            raise _wrong(param, word, "some of " + ", ".join(param.words))
    return " ".join(dict.fromkeys(words))
