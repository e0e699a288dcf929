"""How a foreign server is started: a TOML or YAML file, or the name of one that comes with the package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from texml_mcp.evals.reading import content_of

_HERE = Path(__file__).parent / "shipped"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

PLACEHOLDERS: Mapping[str, str] = {
    "base_url": "the API of the task's world, with /v2 at its end",
    "api_key": "a key that the world accepts",
    "account_sid": "the account of the world; empty where the task gives none",
    "python": "the interpreter that runs the benchmark",
    "here": "the directory of the configuration file",
    "scratch": "a directory that is there for this run alone",
    "policy_file": "a file with the task's policy",
    "confirm": "how the task has approval asked: token, auto or off",
    "toolsets": "the task's choice of toolsets, separated by commas",
    "exclude_tools": "the tools that the task leaves out, separated by commas",
    "read_only": "true or false",
}


class ServerConfigError(ValueError):
    """A configuration that cannot be used; the text names the file and what is wrong."""


class Configuration(BaseModel):
    """What a file says. `{name}` in `args`, `env` and `instructions` is one of `PLACEHOLDERS`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80, description="What reports call it.")
    command: str = Field(min_length=1, description="A program that speaks MCP on stdin and stdout.")
    args: list[str] = Field(default_factory=list[str])
    env: dict[str, str] = Field(
        default_factory=dict,
        description="Beside PATH, HOME and the like; nothing else of the environment is passed on.",
    )
    instructions: str = Field(
        default="", description="Told to the agent after what the server says of itself."
    )
    start_seconds: float = Field(default=20.0, gt=0, le=600, description="Longest wait for its tools.")
    call_seconds: float = Field(default=60.0, gt=0, le=600, description="Longest wait for one answer.")
    dialect: Literal["openapi", "texml-mcp"] | None = Field(
        default=None,
        description="How agents that know the task speak to it: `openapi` for tools named after operations, "
        "with arguments under wire names; `texml-mcp` for our own tools.",
    )
    here: Path = Field(default=Path(), description="Where the file is; not written in it.")

    @field_validator("command", "args", "env", "instructions")
    @classmethod
    def _known_placeholders(cls, value: Any) -> Any:
        for text in _texts(value):
            if strange := set(_PLACEHOLDER.findall(text)) - PLACEHOLDERS.keys():
                known = ", ".join(PLACEHOLDERS)
                raise ValueError(f"there is no {{{min(strange)}}}; there are {known}")
        return value

    def filled(self, value: str, values: Mapping[str, str]) -> str:
        """A text with its placeholders replaced."""
        return _PLACEHOLDER.sub(lambda found: values[found[1]], value)


def shipped() -> dict[str, Path]:
    """The configurations that come with the package, by name."""
    return {path.stem: path for path in sorted(_HERE.glob("*.toml"))}


def load(given: str) -> Configuration:
    """The configuration of this name, or in this file. Raises `ServerConfigError`."""
    path = shipped().get(given) or Path(given)
    try:
        content = _content(path)
    except FileNotFoundError:
        names = ", ".join(["texml-mcp", *shipped()])
        raise ServerConfigError(f"{given}: no such file, and no server of that name ({names})") from None
    except OSError as error:
        raise ServerConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ServerConfigError(f"{path}: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(content, dict):
        raise ServerConfigError(f"{path}: a table of name, command and so on is needed")
    held = cast("dict[str, Any]", content)
    if "here" in held:
        raise ServerConfigError(f"{path}: /here is filled in by itself")
    try:
        return Configuration.model_validate({**held, "here": path.resolve().parent})
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"/{part}" for part in first["loc"])
        raise ServerConfigError(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None


def _content(path: Path) -> Any:
    if path.suffix in (".yaml", ".yml") and path.exists():
        return content_of(path)
    return tomllib.loads(path.read_text("utf-8"))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return list(cast("Mapping[str, str]", value).values())
    return list(cast("list[str]", value))
