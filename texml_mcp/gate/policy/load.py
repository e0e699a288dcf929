"""From a TOML file to a policy. Whatever is not understood completely is refused."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, cast

from pydantic import ValidationError

from texml_mcp.gate.policy.errors import PolicyError, nearest, unknown
from texml_mcp.gate.policy.lines import line_of
from texml_mcp.gate.policy.model import Policy
from texml_mcp.gate.policy.problems import problem_of

MOST_BYTES = 256 * 1024
MOST_PROBLEMS = 5
SHIPPED: tuple[str, ...] = ("assistant", "operations", "evaluation", "sandbox")

_LINE = re.compile(r"at line (\d+)")


def load(path: str | os.PathLike[str]) -> Policy:
    """The policy in a file. Raises `PolicyError`."""
    return parse(read_text(path), os.fspath(path))


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a policy file. Raises `PolicyError` when it cannot be read, is too large or no UTF-8."""
    name = os.fspath(path)
    try:
        # Opened without waiting: a named pipe in place of the file must not hang the server.
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from None
    if len(data) > MOST_BYTES:
        raise PolicyError(f"is larger than {MOST_BYTES // 1024} KB", name=name)
    return decode(data, name)


def decode(data: bytes, name: str) -> str:
    """TOML is UTF-8. Raises `PolicyError` for anything else."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PolicyError("is not UTF-8 text", name=name, line=line) from None


def parse(text: str, name: str = "policy") -> Policy:
    """The policy in a text; `name` is what errors call it. Raises `PolicyError`."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise PolicyError(f"is larger than {MOST_BYTES // 1024} KB", name=name)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
        raise PolicyError(f"not TOML: {error}", name=name, line=line) from None
    except (RecursionError, ValueError, OverflowError):
        # Thousands of nested brackets or of digits: the reader gives up with an error of its own.
        raise PolicyError("is nested too deeply, or holds a number that is too long", name=name) from None
    _check_version(data, text, name)
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise _policy_error(error, text, name) from None
    except RecursionError:
        raise PolicyError("is nested too deeply", name=name) from None


def _check_version(data: dict[str, Any], text: str, name: str) -> None:
    """First, so that a file for a later version is not blamed for keys this one does not know."""
    version = data.get("version")
    if type(version) is int and version == 1:
        return
    said = "says nothing about its version" if version is None else "is of another version"
    raise PolicyError(f"{said}: version = 1 is wanted", name=name, line=line_of(text, ("version",)))


def _policy_error(error: ValidationError, text: str, name: str) -> PolicyError:
    problems = list(dict.fromkeys(problem_of(cast("dict[str, Any]", each)) for each in error.errors()))
    lines = [line_of(text, problem.path) for problem in problems]
    first = problems[0].sentence
    more = [
        f"line {line}: {problem.sentence}" if line else problem.sentence
        for problem, line in zip(problems[1:MOST_PROBLEMS], lines[1:], strict=False)
    ]
    if hidden := len(problems) - MOST_PROBLEMS:
        more += [f"and {hidden} more"] if hidden > 0 else []
    return PolicyError("; ".join([first, *more]), name=name, line=lines[0])


def unreadable(name: str, error: Exception) -> PolicyError:
    """What to say of a file that cannot be read; a word alone may have been meant for a shipped policy."""
    if isinstance(error, FileNotFoundError) and re.fullmatch(r"[\w-]+", name):
        known = nearest(name, SHIPPED)
        return PolicyError(f"no such file, and no shipped policy of that name. {known}", name=name)
    why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return PolicyError(f"cannot be read: {why}", name=name)


def shipped_text(name: str) -> str:
    """The text of a policy that comes with the package. Raises `PolicyError` for an unknown name."""
    if name not in SHIPPED:
        raise PolicyError(unknown("shipped policy", name, SHIPPED), name=name)
    return (files("texml_mcp.gate.policy") / "shipped" / f"{name}.toml").read_text("utf-8")


@cache
def shipped(name: str) -> Policy:
    """A policy that comes with the package. Raises `PolicyError` for an unknown name."""
    return parse(shipped_text(name), f"shipped:{name}")


def load_named(name: str) -> Policy:
    """What `--policy` names: a shipped policy by its name, anything else as a file. Raises `PolicyError`.

    A shipped name wins over a file of that name, so that a working directory cannot replace it.
    """
    return shipped(name) if name in SHIPPED else load(name)
