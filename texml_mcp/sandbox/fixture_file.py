"""Fixture files: a world in JSON, or in YAML where PyYAML is installed, checked against a published schema.

The schema finds what is not well formed before anything is told; the world finds what cannot happen. Both
raise a `FixtureError` that names the file and the place in it, and leave no world behind.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from texml_mcp.sandbox.fixture import FixtureError, pointer, world_from
from texml_mcp.sandbox.world import World

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SCHEMA = Path(__file__).with_name("fixture.schema.json")


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (Draft 2020-12) of a fixture file."""
    return json.loads(SCHEMA.read_text("utf-8"))


def load_fixture(path: Path | str) -> dict[str, Any]:
    """The content of a fixture file that fits the schema: `.yaml` and `.yml` are YAML, the rest JSON.

    Raises `FixtureError`, also for a file that cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise FixtureError("", f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FixtureError("", f"{path}: is not UTF-8 text") from None
    try:
        content = _yaml(text) if path.suffix.lower() in (".yaml", ".yml") else _json(text)
        check(content)
    except FixtureError as error:
        raise _in(path, error) from None
    except RecursionError:
        raise FixtureError("", f"{path}: is nested too deeply") from None
    return content


def world_from_file(path: Path | str, name: str = "fixture") -> World:
    """A world as a fixture file tells it; `name` is its seed unless the file has one.

    Raises `FixtureError`.
    """
    content = load_fixture(path)
    try:
        return world_from({"seed": name, **content})
    except FixtureError as error:
        raise _in(Path(path), error) from None


def check(content: Any) -> None:
    """Compare a fixture's content with the schema. Raises `FixtureError` at the first place that differs."""
    from jsonschema import Draft202012Validator

    _text_keys(content, ())
    validator = Draft202012Validator(schema())
    found = cast("list[ValidationError]", list(validator.iter_errors(content)))  # pyright: ignore[reportUnknownMemberType]
    if found:
        first = min(found, key=lambda each: [str(part).rjust(9) for part in each.absolute_path])
        raise FixtureError(pointer(*first.absolute_path), _why(first))


def _why(error: ValidationError) -> str:
    if error.validator == "oneOf":
        return "needs exactly one of request, advance and inbound"
    if error.validator == "type" and error.validator_value == "string":
        return f"{error.message}; in YAML a number that is text needs quotes"
    return error.message


def _in(path: Path, error: FixtureError) -> FixtureError:
    located = FixtureError("", f"{path}: {error}")
    located.pointer = error.pointer
    return located


def _text_keys(value: Any, at: tuple[object, ...]) -> None:
    """YAML has keys that JSON cannot have, and that the schema's patterns would trip over."""
    if isinstance(value, dict):
        for key, inner in cast("dict[object, Any]", value).items():
            if not isinstance(key, str):
                raise FixtureError(pointer(*at), f"the key {key!r} must be text: put it into quotes")
            _text_keys(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[Any]", value)):
            _text_keys(inner, (*at, index))


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise FixtureError("", f"line {error.lineno}, column {error.colno}: {error.msg}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; the second of two equal names would silently win."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise FixtureError("", f"{name!r} is there twice in one object")
        made[name] = value
    return made


def _no_constant(name: str) -> Any:
    raise FixtureError("", f"{name} is not a number in JSON")


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise FixtureError(
            "", "reading YAML needs PyYAML: pip install 'texml-mcp[yaml]', or write the fixture in JSON"
        ) from None
    try:
        # The loader in C reads the same, ten times as fast, and is not in every installation.
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError) as error:
        raise FixtureError("", f"not YAML: {' '.join(str(error).split())}") from None
