"""What the rules of several providers share: walking a schema, names, JSON Schema itself."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

Json = dict[str, Any]
Node = tuple[str, Json]


def as_object(value: Any) -> Json:
    """A JSON object as it is; anything else counts as an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def nodes(schema: Any, where: str) -> Iterator[Node]:
    """Every schema inside a schema with the path to it, itself first."""
    if not isinstance(schema, dict):
        return
    node = as_object(schema)
    yield where, node
    for key, each in as_object(node.get("properties")).items():
        yield from nodes(each, f"{where}.{key}")
    if "items" in node:
        yield from nodes(node["items"], f"{where}[]")
    for keyword in ("anyOf", "oneOf", "allOf"):
        branches: Any = node.get(keyword, [])
        for index, branch in enumerate(branches):
            yield from nodes(branch, f"{where}.{keyword}[{index}]")


def properties(node: Json) -> list[str]:
    """The property names of one schema."""
    return list(as_object(node.get("properties")))


def names(entries: Sequence[Json], pattern: str, most: int | None = None) -> list[str]:
    """Problems of tool names: their pattern, one name twice, and too many of them."""
    found = [
        f"the name {entry.get('name')!r} does not match {pattern}"
        for entry in entries
        if not re.fullmatch(pattern, str(entry.get("name", "")))
    ]
    counts = Counter(str(entry.get("name")) for entry in entries)
    found += [f"{name} is there {count} times" for name, count in counts.items() if count > 1]
    if most is not None and len(entries) > most:
        found.append(f"{len(entries)} tools, at most {most}")
    return found


def keys(node: Json, where: str, pattern: str) -> list[str]:
    """Problems of one schema's property names."""
    return [
        f"{where}: the key {key!r} does not match {pattern}"
        for key in properties(node)
        if not re.fullmatch(pattern, key)
    ]


def foreign(node: Json, where: str, known: frozenset[str]) -> list[str]:
    """Keywords that a dialect does not have."""
    return [f"{where}: {keyword} is not permitted" for keyword in sorted(set(node) - known)]


def required_exist(node: Json, where: str) -> list[str]:
    """Required names that are no property."""
    unknown = [name for name in node.get("required", ()) if name not in properties(node)]
    return [f"{where}: {name} is required and does not exist" for name in unknown]


def text(entry: Json, most: int | None = None) -> list[str]:
    """A tool needs a description, of at most so many characters."""
    said = entry.get("description")
    if not isinstance(said, str) or not said.strip():
        return [f"{entry.get('name')}: no description"]
    if most is not None and len(said) > most:
        return [f"{entry.get('name')}: the description has {len(said)} characters, at most {most}"]
    return []


def json_schema(schema: Any, where: str) -> list[str]:
    """Whether it is JSON Schema 2020-12 at all, with an object at its root."""
    root = as_object(schema)
    found = [] if root.get("type") == "object" else [f"{where}: the root is no object"]
    return [*found, *(f"{where}: {why}" for why in _refusals(json.dumps(root)))]


# Several formats share most of a schema with each other and with the last time they were made.
@lru_cache(maxsize=1024)
def _refusals(schema: str) -> tuple[str, ...]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(json.loads(schema))
    except SchemaError as problem:
        return (problem.message,)
    return ()
