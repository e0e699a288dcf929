"""Task files as plain data: YAML or JSON, less what readers overlook and machines do not survive."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, cast

LONGEST_FILE = 1_000_000
DEEPEST = 50


class ReadingError(ValueError):
    """A file that holds no plain data; the text says why, and where as far as that can be told."""


def content_of(path: Path) -> Any:
    """What the file holds: objects, lists, texts, numbers. Raises `ReadingError`."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_FILE + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise ReadingError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ReadingError("is not UTF-8 text") from None
    if len(data) > LONGEST_FILE:
        raise ReadingError(f"is longer than {LONGEST_FILE:,} bytes")
    try:
        content = _parsed(text)
    except RecursionError:
        raise ReadingError(f"is nested more than {DEEPEST} levels deep") from None
    except (ValueError, AttributeError) as error:  # a tag that does not fit its value is either
        raise ReadingError(" ".join(str(error).split())) from None
    _plain(content, "")
    return content


def _parsed(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        return json.loads(text, object_pairs_hook=_once)
    try:
        _check_events(yaml, text)
        return yaml.load(text, _loader(yaml))
    except yaml.YAMLError as error:
        raise ReadingError(f"is not YAML: {error}") from None


def _check_events(yaml: Any, text: str) -> None:
    """Refuse what must not be put together: depth crashes the parser, aliases multiply without end."""
    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise ReadingError(f"line {line}: *{event.anchor} is an alias; write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise ReadingError(f"line {line}: is nested more than {DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _loader(yaml: Any) -> Any:
    """The safe loader, which would let the last of two equal keys win, but for that."""

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key.value, str) and key.value in seen:
                    raise ReadingError(f"line {key.start_mark.line + 1}: {key.value!r} is there twice")
                seen.add(str(key.value))
            return base.construct_mapping(self, node, deep)

    return Loader


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ReadingError(f"{name!r} is there twice")
        made[name] = value
    return made


def _plain(value: Any, place: str) -> None:
    """Refuse what JSON does not have. Raises `ReadingError` that names the place."""
    where = place or "the whole"
    if isinstance(value, dict):
        for key, inner in cast("dict[object, Any]", value).items():
            if not isinstance(key, str):
                raise ReadingError(f"{where}: the key {key!r} is no text; put it into quotes")
            _plain(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(cast("list[Any]", value)):
            _plain(inner, f"{place}/{at}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ReadingError(f"{where}: {value} is no number in JSON")
    elif value is not None and not isinstance(value, (str, int, float)):
        raise ReadingError(
            f"{where}: {value!r} is a {type(value).__name__}; put it into quotes if it is text"
        )
