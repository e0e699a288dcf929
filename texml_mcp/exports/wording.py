"""Facts that a format has no keyword for, said in the description as far as its budget of words goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
MOST_WORDS = 12  # what a parameter's description may cost, in every format


def as_text(schema: Json) -> Json:
    """A property as it is, but for an object with keys of the caller's choice, which is told as JSON text.

    For formats that have no word for such keys; the text is read as what it says.
    """
    if "additionalProperties" not in schema or "properties" in schema:
        return schema
    said = str(schema.get("description", ""))
    return {"type": "string", "description": f"{said}; a JSON object" if said else "A JSON object"}


def facts(schema: Json) -> dict[str, str]:
    """Each constraint of a property in a few words, under the keyword that it stands for."""
    said: dict[str, str] = {}
    if "default" in schema:
        said["default"] = f"default {_plain(schema['default'])}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        said["minimum"] = f"{low} to {high}"
    elif low is not None:
        said["minimum"] = f"at least {low}"
    elif high is not None:
        said["maximum"] = f"at most {high}"
    if "minLength" in schema:
        said["minLength"] = f"{schema['minLength']} characters or more"
    if "maxLength" in schema:
        said["maxLength"] = f"at most {schema['maxLength']} characters"
    if "pattern" in schema:
        said["pattern"] = f"matches {schema['pattern']}"
    return said


def described(schema: Json, keywords: Iterable[str]) -> str:
    """The description, followed by the facts of these keywords that still fit; it may be empty."""
    text = str(schema.get("description", ""))
    known = facts(schema)
    for keyword in keywords:
        fact = known.get(keyword)
        if fact is None:
            continue
        longer = f"{text}; {fact}" if text else fact
        if len(longer.split()) <= MOST_WORDS:
            text = longer
    return text


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
