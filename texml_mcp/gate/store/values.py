"""How values are written into a store: JSON objects, the same in each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def to_json(value: Mapping[str, Any]) -> str:
    """One object as ASCII text. Raises `ValueError` and `TypeError` for what JSON cannot say."""
    return _CANONICAL.encode(dict(value))


def from_json(text: str | bytes) -> dict[str, Any]:
    """The object that was written. Raises `ValueError`."""
    value: Any = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("an item is not an object")
    return cast("dict[str, Any]", value)
