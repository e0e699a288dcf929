"""Arguments under wire names -> query text, form or JSON bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

from texml_mcp.catalog.model import Endpoint, Kind, Param, by_name
from texml_mcp.client.text import mask
from texml_mcp.text import MASK, secrets_of_url

SHORTEST_SECRET = 6

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

Pairs = tuple[tuple[str, str], ...]


class InvalidValue(ValueError):
    """A value that cannot be encoded. `name` is the parameter, `reason` the end of a sentence."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.reason = reason


def pairs(arguments: Mapping[str, Any]) -> Pairs:
    """The arguments as texts, in order, those that are None left out."""
    return tuple((name, scalar(name, value)) for name, value in arguments.items() if value is not None)


def scalar(name: str, value: Any) -> str:
    """One value as the text of a query or a form. Text is never reinterpreted: ids have 19 digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, dict)):
        return nested(name, cast("list[Any] | dict[str, Any]", value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def nested(name: str, value: list[Any] | tuple[Any, ...] | dict[str, Any]) -> str:
    """A list or an object inside a form.

    A guess: no document says how `CustomHeaders` travels in a form, so it goes as JSON text in one
    field. Should upstream want another way, the line below is the one to change.
    """
    return _dumps(name, value)


def urlencode(items: Iterable[tuple[str, str]]) -> str:
    """`a=1&b=x%20y`: everything but unreserved characters is encoded, names such as `StartTime>` too.

    A space is `%20`, not `+`: both are right in a form, only one is right in every query parser.
    """
    return "&".join(f"{_quote(name, name)}={_quote(name, value)}" for name, value in items)


def body_bytes(kind: str, arguments: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body and its content type, for `form` or `json`."""
    given = {name: value for name, value in arguments.items() if value is not None}
    if kind == "form":
        return urlencode(pairs(given)).encode("ascii"), FORM
    try:
        return _dumps("body", _without_none(given)).encode(), JSON
    except UnicodeEncodeError:
        culprit = next((name for name, value in given.items() if not _encodable(value)), "body")
        raise InvalidValue(culprit, "holds half a surrogate pair, which is not text") from None


def masked(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with every secret, and every credential inside a URL, replaced by `***`."""
    params = by_name(endpoint)
    return {
        name: _masked(params[name][1] if name in params else None, value) for name, value in arguments.items()
    }


def secrets_in(endpoint: Endpoint, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The secret values among the arguments, header values included: texts that no error may repeat."""
    found: list[str] = []
    params = by_name(endpoint)
    for name, value in arguments.items():
        if name not in params:
            continue
        param = params[name][1]
        if param.kind is Kind.SECRET and value is not None:
            found.append(str(value))
        elif name == "CustomHeaders" and isinstance(value, list):
            headers = cast("list[dict[str, Any]]", value)
            values = (str(header.get("value", "")) for header in headers)
            # A header value of a few characters is no secret, and masking it would spoil every error.
            found.extend(text for text in values if len(text) >= SHORTEST_SECRET)
        elif param.kind is Kind.URL or param.values is not None:
            held = (text for each in _texts(value) for text in secrets_of_url(each))
            found.extend(text for text in held if len(text) >= SHORTEST_SECRET)
    return tuple(found)


def _texts(value: Any) -> Iterator[str]:
    """The texts of an argument: itself, those of a list, or those that an object holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(cast("dict[str, Any]", value).values()))
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _texts(each)


def _masked(param: Param | None, value: Any) -> Any:
    if param is not None and param.kind is Kind.SECRET and value is not None:
        return MASK
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        fields = {each.name: each for each in param.fields} if param is not None else {}
        items = cast("dict[str, Any]", value)
        return {name: _masked(fields.get(name), each) for name, each in items.items()}
    if isinstance(value, (list, tuple)):
        inner = param.items if param is not None else None
        return [_masked(inner, each) for each in cast("list[Any]", value)]
    return value


def _quote(name: str, text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidValue(name, "holds half a surrogate pair, which is not text") from None


def _dumps(name: str, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise InvalidValue(name, "is nested too deeply") from None
    except (TypeError, ValueError):
        raise InvalidValue(name, "cannot be written as JSON") from None


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return {name: _without_none(each) for name, each in items.items() if each is not None}
    return value


def _encodable(value: Any) -> bool:
    try:
        _dumps("", value).encode()
    except UnicodeEncodeError:
        return False
    return True
