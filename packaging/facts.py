"""What the packages say about this project, each fact from the one place that holds it."""

from __future__ import annotations

import tomllib
import typing
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from texml_mcp import __version__
from texml_mcp.cli.options import environment_name
from texml_mcp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSION = __version__
TITLE = "Telnyx phone calls"
SUMMARY = "Real phone calls for AI through the Telnyx TeXML API, with a gate in front of every write."


def variable(setting: str) -> str:
    """The environment variable of a setting."""
    return environment_name(setting)


def meaning(setting: str) -> str:
    """What a setting does, in the words of its declaration."""
    return Settings.model_fields[setting].description or ""


def default(setting: str) -> str | None:
    """Its default as an environment holds it; None without one."""
    value = Settings.model_fields[setting].default
    if value is None or value == ():
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_secret(setting: str) -> bool:
    """Whether nobody may see its value."""
    return SecretStr in _types(setting) or not Settings.model_fields[setting].repr


def choices(setting: str) -> list[str]:
    """The only values it takes; empty when there are others."""
    annotation = Settings.model_fields[setting].annotation
    return list(typing.get_args(annotation)) if typing.get_origin(annotation) is typing.Literal else []


def form(setting: str) -> str:
    """`boolean`, `number`, `filepath` or `string`."""
    types = _types(setting)
    if bool in types:
        return "boolean"
    if int in types or float in types:
        return "number"
    return "filepath" if Path in types else "string"


def _types(setting: str) -> tuple[Any, ...]:
    annotation = Settings.model_fields[setting].annotation
    return typing.get_args(annotation) or (annotation,)
