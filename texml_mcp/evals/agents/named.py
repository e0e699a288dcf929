"""The agents that can be named on a command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from texml_mcp.evals.agents import Agent
from texml_mcp.evals.agents.scripted import Greedy, Null, Random, Reference

DEFAULT_URL = "https://api.openai.com/v1"
DEFAULT_KEY_VARIABLE = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked, and how. The key is read from the environment: it is never in a trace."""

    url: str = DEFAULT_URL
    key_variable: str = DEFAULT_KEY_VARIABLE
    temperature: float | None = None


class UnknownAgentError(ValueError):
    """No agent is called so; the text says which there are."""


_SCRIPTED: dict[str, Callable[[], Agent]] = {
    "reference": Reference,
    "null": Null,
    "random": Random,
    "greedy": Greedy,
}


def _command(command: str, _: Endpoint) -> Agent:
    from texml_mcp.evals.agents.command import Command

    return Command(command)


def _openai(model: str, endpoint: Endpoint) -> Agent:
    from texml_mcp.evals.agents.openai import OpenAICompatible

    key = os.environ.get(endpoint.key_variable, "")
    return OpenAICompatible(model, endpoint.url, key, temperature=endpoint.temperature)


# By what comes before the colon; what comes after it is the command, or the model.
_KINDS: dict[str, Callable[[str, Endpoint], Agent]] = {"command": _command, "openai": _openai}
KNOWN = (*_SCRIPTED, "command:COMMAND", "openai:MODEL")


def agent_named(spec: str, endpoint: Endpoint | None = None) -> Agent:
    """The agent of this name. Raises `UnknownAgentError`."""
    if spec in _SCRIPTED:
        return _SCRIPTED[spec]()
    kind, colon, rest = spec.partition(":")
    if not colon or kind not in _KINDS:
        raise UnknownAgentError(f"there is no agent {spec!r}; there are {', '.join(KNOWN)}")
    if not rest.strip():
        raise UnknownAgentError(f"{spec!r} names nothing after the colon")
    try:
        return _KINDS[kind](rest, endpoint or Endpoint())
    except ValueError as error:
        raise UnknownAgentError(f"{spec!r} cannot be used: {error}") from None
