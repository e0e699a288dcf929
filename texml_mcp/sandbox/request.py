"""A request as a handler sees it: documented parameters under their wire names, coerced and checked.

Both body encodings are taken everywhere, and form text is turned into the documented types: the
official clients disagree about which of the two they send.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import parse_qsl

from texml_mcp.catalog import Endpoint, Kind, Param
from texml_mcp.sandbox.errors import (
    ApiError,
    bad_request,
    missing,
    not_e164,
    not_one_of,
    refused_number,
    unsupported_media,
    wrong_type,
)
from texml_mcp.sandbox.numbers import is_emergency, is_reachable

_INDEXED = re.compile(r"(\w+)\[(\d*)\]\[(\w+)\]")
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9._~:\[\]@-]+([/?#]([A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


@dataclass(frozen=True, slots=True)
class Request:
    """`path` holds the path parameters, `query` text as it came, `body` typed values; `url` the own path.

    `behind` says how many seconds a stale read trails.
    """

    endpoint: Endpoint
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    behind: float = 0.0

    def given(self, name: str, default: Any = None) -> Any:
        value = self.body.get(name)
        return default if value is None else value


def parse_query(text: str) -> dict[str, str]:
    """The query by key. `StartTime>=2023-05-22` has the key `StartTime>`."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise bad_request("The query has too many fields.") from None


def parse_body(content_type: str, content: bytes) -> dict[str, Any]:
    """The body's fields, from JSON or a form."""
    if not content:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body: Any = json.loads(content)
        except (ValueError, RecursionError):
            raise bad_request("The body is not JSON.") from None
        if not isinstance(body, dict):
            raise bad_request("The body must be a JSON object.")
        return cast("dict[str, Any]", body)
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=500)
        except ValueError:
            raise bad_request("The form cannot be read.") from None
        return _unfolded(pairs)
    raise unsupported_media()


def _unfolded(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A form's fields; `Name[0][part]` and `Name[][part]`, as form encoders write arrays, become lists."""
    fields: dict[str, Any] = {}
    parts: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in pairs:
        if (found := _INDEXED.fullmatch(name)) is None:
            fields[name] = value
            continue
        base, index, part = found.groups()
        items = parts.setdefault(base, {})
        if not index:  # `[]` begins a new item whenever a part comes again
            index = str(len(items) - 1 if items and part not in items[str(len(items) - 1)] else len(items))
        items.setdefault(index, {})[part] = value
    return fields | {base: list(items.values()) for base, items in parts.items()}


def checked(endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
    """The body under its documented types. Unknown fields are ignored, as the API does."""
    for name in endpoint.refuses:
        if given.get(name) is not None:
            raise bad_request_422(f"{name} is not allowed here.", name)
    typed: dict[str, Any] = {}
    for param in endpoint.body_params:
        value = given.get(param.name)
        if value is None or value == "":
            if param.required:
                raise missing(param.name)
            continue
        typed[param.name] = _typed(param, value)
    return typed


def _typed(param: Param, value: Any) -> Any:
    match param.type:
        case "boolean":
            if isinstance(value, bool):
                return value
            if str(value).lower() in _TRUE | _FALSE:
                return str(value).lower() in _TRUE
            raise wrong_type(param.name, "boolean")
        case "integer" | "number":
            return _number(param, value)
        case "array" | "object":
            return _nested(param, value)
        case _:
            return _text(param, value)


def _number(param: Param, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise wrong_type(param.name, param.type) from None
    if isinstance(value, bool) or number != number or (param.type == "integer" and not number.is_integer()):
        raise wrong_type(param.name, param.type)
    low, high = param.minimum, param.maximum
    if number not in param.allowed and (
        (low is not None and number < low) or (high is not None and number > high)
    ):
        raise _out_of_range(param)
    return int(number) if param.type == "integer" else number


def _out_of_range(param: Param) -> ApiError:
    return bad_request_422(f"{param.name} is out of range.", param.name)


def bad_request_422(detail: str, name: str) -> ApiError:
    error = bad_request(detail)
    error.status = 422
    error.body["errors"][0]["source"] = {"pointer": f"/{name}"}
    return error


def _nested(param: Param, value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise wrong_type(param.name, param.type) from None
    if not isinstance(value, list if param.type == "array" else dict):
        raise wrong_type(param.name, param.type)
    if isinstance(value, dict):
        inner = {each.name: each for each in param.fields}
        held = cast("dict[str, Any]", value)
        if param.values is not None:
            named = replace(param.values, name=param.name)  # what an error names
            return {name: _typed(named, each) for name, each in held.items() if each is not None}
        return {
            name: _typed(inner[name], each)
            for name, each in held.items()
            if name in inner and each is not None
        }
    return [_typed(param.items or Param(param.name), each) for each in cast("list[Any]", value)]


def _text(param: Param, value: Any) -> str:
    if isinstance(value, list) and param.kind in (Kind.WORDS, Kind.LIST):
        value = " ".join(map(str, cast("list[Any]", value)))
    if isinstance(value, bool) and param.enum:
        value = str(value).lower()
    if not isinstance(value, str):
        raise wrong_type(param.name, "string")
    if param.enum and value not in param.enum:
        raise not_one_of(param.name, param.enum)
    if param.kind is Kind.WORDS and not set(value.split()) <= set(param.words):
        raise not_one_of(param.name, param.words)
    if param.max_length is not None and len(value) > param.max_length:
        raise bad_request_422(f"{param.name} is longer than {param.max_length}.", param.name)
    if param.pattern and not re.fullmatch(param.pattern, value):
        raise bad_request_422(f"{param.name} holds a character that is not allowed.", param.name)
    if param.format == "uri" and not _URI.fullmatch(value):
        raise bad_request_422(f"{param.name} must be a URL.", param.name)
    if param.kind is Kind.NUMBER:
        _check_number(param, value)
    return value


def _check_number(param: Param, value: str) -> None:
    if is_emergency(value):
        raise refused_number(param.name)
    if not is_reachable(value):
        raise not_e164(param.name)
